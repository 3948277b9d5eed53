"""First run: what stands in place of an empty list, and who works in a directory already."""

from pathlib import Path

import pytest
from textual.widgets import OptionList, TextArea

from quarterdeck.tui.dialogs.new_session import NewSessionDialog
from quarterdeck.tui.neighbours import warning
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.screens.tour import steps
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.welcome import Welcome, first_found
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, session

PROFILES = [
    {"name": "codex-acp", "command": ["codex-acp"], "found": False},
    {"name": "runbook", "command": ["python"], "found": True},
    {"name": "opencode", "command": ["opencode", "acp\x1b[31m"], "found": True},
]


def empty() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    box.profiles = [dict(profile) for profile in PROFILES]
    return box


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_an_empty_list_says_what_to_press_and_what_was_found(size):
    async with app_of(empty()).run_test(size=size) as pilot:
        await until_shown(pilot, "start opencode in /tmp")
        shown = screen_text(pilot.app)
        assert "✓ opencode" in shown
        assert "acp\\x1b[31m" in shown
        assert "not found: codex-acp" in shown
        assert isinstance(pilot.app.focused, Welcome)
        assert "enter start" in shown


async def test_enter_offers_the_agent_and_this_directory_and_the_list_comes_with_the_session():
    box = empty()
    async with app_of(box).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "start opencode")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, NewSessionDialog))
        await until(pilot, lambda: isinstance(pilot.app.focused, TextArea))
        chosen = pilot.app.screen.query_one(OptionList)
        assert str(chosen.get_option_at_index(chosen.highlighted or 0).prompt) == "opencode"
        await pilot.press(*"go", "ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        await until_hidden(pilot, "start opencode")
        assert isinstance(pilot.app.focused, SessionList)
    (made,) = box.called("new")
    assert (made["agent"], made["cwd"], made["prompt"]) == ("opencode", "/tmp", "go")


async def test_a_click_on_a_line_does_what_it_says():
    async with app_of(empty()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "start opencode")
        await pilot.click(Welcome, offset=(6, 4))
        await until(pilot, lambda: isinstance(pilot.app.screen, NewSessionDialog))


async def test_the_help_begins_with_a_short_tour_that_can_be_filtered():
    assert 6 <= len(list(steps())) <= 8
    async with app_of(empty()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "start opencode")
        await pilot.press("question_mark")
        await until_shown(pilot, "Start an agent on a prompt")
        await pilot.press(*"riskiest")
        await until_hidden(pilot, "Start an agent on a prompt")
        assert "the riskiest first" in screen_text(pilot.app)


def test_without_any_agent_nothing_is_offered():
    assert first_found([PROFILES[0]]) is None
    assert first_found(PROFILES[:2]) == "runbook"


async def test_the_dialog_warns_of_a_session_that_works_in_the_directory():
    box = empty()
    box.add(session(1, title="Alpha", cwd="/tmp", state="running"))
    async with app_of(box).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("c")
        await until_shown(pilot, "“Alpha” (runbook, running) works here already")


def test_only_agents_that_live_in_the_same_tree_are_neighbours(tmp_path: Path):
    inner = tmp_path / "app"
    inner.mkdir()
    link = tmp_path / "link"
    link.symlink_to(inner)
    here = session(1, title="Alpha", cwd=str(link))
    assert "works here already" in warning([here], inner)
    assert f"works in {link} already" in warning([here], tmp_path)
    assert "and 1 more work" in warning([here, session(2, cwd=str(inner / "x"))], inner)
    assert warning([session(1, cwd=str(inner), active=False)], inner) == ""
    assert warning([session(1, cwd=str(tmp_path / "app2"))], inner) == ""
