"""Everything that can be pressed can be clicked, and the wheel scrolls."""

from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.widget import Widget

from quarterdeck.tui.dialogs.approval import ApprovalDialog
from quarterdeck.tui.dialogs.confirm import ConfirmDialog
from quarterdeck.tui.mouse_setting import mouse_from
from quarterdeck.tui.screens.help import HelpScreen
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.widgets.approval_dock import ApprovalDock
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.pane_bar import PaneBar
from quarterdeck.tui.widgets.prompt_line import PromptEditor
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor, session

SIZES = [(80, 24), (160, 45)]


async def click_text(pilot: Pilot[None], text: str, *, last: bool = False) -> None:
    """Click in the middle of a text of the screen."""
    rows = list(enumerate(screen_text(pilot.app).splitlines()))
    y, row = next((y, row) for y, row in (reversed(rows) if last else rows) if text in row)
    await pilot.click(offset=(row.index(text) + len(text) // 2, y))


async def wheel(pilot: Pilot[None], widget: Widget) -> None:
    """Turn the wheel over a widget."""
    await pilot._post_mouse_events([MouseScrollDown], widget, (2, 2))


@pytest.mark.parametrize("size", SIZES)
async def test_sessions_panes_prompt_and_dock_are_clicked(size):
    async with app_of(deck_of_six()).run_test(size=size) as pilot:
        await until_shown(pilot, "I ask first.")
        await click_text(pilot, "Cap the retry")
        rows = pilot.app.screen.query_one(SessionList)
        await until(pilot, lambda: rows.selected and rows.selected.title.startswith("Cap"))
        panes = pilot.app.screen.query_one(SessionPanes)
        bar = pilot.app.screen.query_one(PaneBar)
        _, first_tab = next(iter(bar._tabs()))
        await pilot.click(bar, offset=(len(first_tab) + 3, 0))
        await until(pilot, lambda: panes.pane == "trace")
        await pilot.click(PromptEditor)
        await until(pilot, lambda: isinstance(pilot.app.focused, PromptEditor))
        await pilot.click(ApprovalDock)
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalDialog))
        await until_shown(pilot, "undecided")
        await click_text(pilot, "esc undecided", last=True)
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_the_key_line_and_a_dialogs_answers_are_clicked():
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "I ask first.")
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        await until_shown(pilot, "n no")
        await click_text(pilot, "n no", last=True)
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        await click_text(pilot, "? help", last=True)
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


async def test_what_is_selected_is_seen_and_can_be_read():
    """The look of a selection goes over the text's own, whatever colours that has."""
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "I ask first.")
        output = pilot.app.screen.query_one(OutputView)
        line = next(y for y in range(output.size.height) if "migrations" in output.line_text(y))
        await pilot.mouse_down(output, offset=(5, line))
        await pilot.hover(output, offset=(9, line))
        await pilot.mouse_up(output, offset=(9, line))
        look = pilot.app.screen.get_component_rich_style("screen--selection", partial=True)
        await until(pilot, lambda: output.text_selection is not None)
        parts = [p for p in output.render_line(line) if p.style and p.style + look == p.style]
        chosen = "".join(part.text for part in parts)
        assert chosen
        assert chosen in output.line_text(line)[4:11]
        assert look.color != look.bgcolor


async def test_the_wheel_scrolls_the_list_and_the_help():
    box = ScriptedSupervisor()
    for number in range(1, 90):
        box.add(session(number, title=f"Number {number}"))
    async with app_of(box).run_test(size=(100, 24)) as pilot:
        await until_shown(pilot, "Number 1 ")
        rows = pilot.app.screen.query_one(SessionList)
        await wheel(pilot, rows)
        await until(pilot, lambda: rows.top > 0)
        assert rows.cursor == 0
        await pilot.press("question_mark")
        await until_shown(pilot, "Tour")
        scroll = pilot.app.screen.query_one("#help-scroll", VerticalScroll)
        await wheel(pilot, scroll)
        await until(pilot, lambda: scroll.scroll_y > 0)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", True),
        ("[screen]\nmouse = false\n", False),
        ("[screen]\nmouse = true\n", True),
        ("screen = 1\n", True),
        ("[screen\n", True),
    ],
)
def test_the_mouse_can_be_left_to_the_terminal(tmp_path: Path, text: str, taken: bool):
    file = tmp_path / "config.toml"
    assert mouse_from(file)
    file.write_text(text)
    assert mouse_from(file) is taken
