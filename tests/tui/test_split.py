"""Two panes of a session at once, remembered like the rest of the layout (issue 6)."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from quarterdeck.tui.layout import Layout, LayoutFile
from quarterdeck.tui.screens.halves import Halves
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.widgets.pane_bar import PaneBar
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.situations import deck_with_a_diff
from tests.tui.test_layout import app_with

SIZES = [(80, 24), (120, 40), (200, 60), (300, 100)]


def panes_of(pilot: Pilot[None]) -> SessionPanes:
    return pilot.app.screen_stack[0].query_one(SessionPanes)


def test_a_pane_that_is_shown_is_gone_to_and_another_one_takes_the_place_of_the_current():
    halves = Halves("output").split()
    assert halves == Halves("output", "trace", 0)
    assert halves.turned("trace") == Halves("output", "trace", 1)
    assert halves.turned("trace").turned("diff") == Halves("output", "diff", 1)
    assert halves.turned("diff") == Halves("diff", "trace", 0)
    assert halves.turned("trace").whole() == Halves("trace")
    assert Halves("trace").split() == Halves("trace", "output")
    assert Halves("trace").split("plan") == Halves("trace", "plan")
    assert Halves("plan").split("plan").second != "plan"


@pytest.mark.parametrize("size", SIZES)
async def test_both_halves_show_their_pane_of_the_same_session(size: tuple[int, int]):
    async with app_of(deck_of_six()).run_test(size=size) as pilot:
        await until_shown(pilot, "3 approvals wait")
        await pilot.press("vertical_line")
        await until(pilot, lambda: panes_of(pilot).halves == Halves("output", "trace"))
        await until_shown(pilot, "◆ asks")
        panes = panes_of(pilot)
        first, second = panes.query_one("#output").region, panes.query_one("#trace").region
        assert first.area
        assert second.area
        assert not first.overlaps(second)
        if size[0] >= 200:
            assert (first.y, first.height) == (second.y, second.height), "beside each other"
        else:
            assert (first.x, first.width) == (second.x, second.width), "one above the other"
        for bar in panes.query(PaneBar):
            assert bar.region.area
        await pilot.press("n")
        await until_shown(pilot, "client/retry.py · +2 lines")
        await until_shown(pilot, "sleep(backoff(attempt))")


async def test_keys_are_about_the_half_that_has_the_focus():
    async with app_of(deck_of_six()).run_test(size=(200, 60)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        await pilot.press("vertical_line", "tab")
        panes = panes_of(pilot)
        assert panes.query_one("#output").has_focus
        await pilot.press("tab")
        await until(pilot, lambda: panes.query_one("#trace").has_focus)
        assert panes.pane == "trace"
        assert [bar.has_class("-current") for bar in panes.query(PaneBar)] == [False, True]
        await pilot.press("5")
        await until_shown(pilot, "directory")
        assert panes.halves == Halves("output", "info", 1)
        assert panes.query_one("#info").has_focus
        await pilot.press("1")
        assert panes.halves == Halves("output", "info", 0)
        assert panes.query_one("#output").has_focus
        await pilot.press("5", "vertical_line")
        assert panes.halves == Halves("info")
        assert panes.query_one("#info").has_focus
        await pilot.press("vertical_line")
        assert panes.halves == Halves("info", "output"), "the pane that was left comes back"


async def test_an_event_opens_below_both_halves_and_escape_closes_it():
    async with app_of(deck_of_six()).run_test(size=(200, 60)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        await pilot.press("vertical_line", "tab", "tab", "enter")
        panes = panes_of(pilot)
        detail = panes.query_one("#detail")
        await until(pilot, lambda: detail.display and detail.region.area)
        await pilot.pause()
        assert detail.region.y > panes.query_one("#trace").region.bottom - 1
        assert detail.region.width >= panes.region.width - 2
        await pilot.press("escape")
        assert not detail.display
        assert panes.query_one("#trace").has_focus


@pytest.mark.parametrize("size", SIZES)
async def test_a_failure_keeps_a_place_of_its_own_above_both(size: tuple[int, int]):
    async with app_of(deck_of_six()).run_test(size=size) as pilot:
        await until_shown(pilot, "3 approvals wait")
        await pilot.press("vertical_line", "n", "n")
        await until_shown(pilot, "failed (resume)")
        panes = panes_of(pilot)
        regions = [panes.query_one(f"#{name}").region for name in ("failure", "output", "trace")]
        assert all(region.area for region in regions)
        assert regions[0].bottom <= min(regions[1].y, regions[2].y)


async def test_a_click_in_the_second_head_changes_the_second_half():
    async with app_of(deck_of_six()).run_test(size=(200, 60)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        await pilot.press("vertical_line")
        await pilot.pause()
        await pilot.click("#second-bar", offset=(38, 0))
        await until(pilot, lambda: panes_of(pilot).halves == Halves("output", "info", 1))
        await pilot.click("#pane-bar", offset=(17, 0))
        await until(pilot, lambda: panes_of(pilot).halves == Halves("plan", "info", 0))


async def test_a_split_is_there_again_at_the_next_start(tmp_path: Path):
    file = LayoutFile(tmp_path / "screen.json")
    async with app_with(file).run_test(size=(200, 40)) as pilot:
        await until_shown(pilot, "Paint it")
        await pilot.press("2", "vertical_line", "tab", "tab", "4")
        await pilot.pause()
    assert file.read()[0] == Layout(pane="trace", split="plan")
    async with app_with(file).run_test(size=(200, 40)) as pilot:
        await until_shown(pilot, "Paint it")
        assert panes_of(pilot).halves == Halves("trace", "plan")
        assert pilot.app.screen.query_one(SessionList).has_focus
        await pilot.resize_terminal(90, 30)
        await until(pilot, lambda: not panes_of(pilot).has_class("-beside"))
        upper, lower = panes_of(pilot).query_one("#trace"), panes_of(pilot).query_one("#plan")
        await until(pilot, lambda: upper.region.bottom < lower.region.y)
        assert upper.region.area
        assert lower.region.area


async def test_a_second_pane_that_no_longer_exists_is_left_out(tmp_path: Path):
    file = LayoutFile(tmp_path / "screen.json")
    file.write(Layout(pane="trace", split="tasks"))
    async with app_with(file).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Paint it")
        assert panes_of(pilot).halves == Halves("trace")


async def test_a_diff_is_painted_as_it_is_laid_out_in_the_width_it_has_now():
    box = deck_with_a_diff()
    text = "@@ -1 +1 @@\n-before\n+behind\n"
    box.answers["session.diff_file"] = {"path": "client/retry.py", "text": text}
    async with app_of(box).run_test(size=(200, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("3")
        await until(pilot, lambda: beside(pilot))
        for wanted in (False, True, False):
            await pilot.press("vertical_line")
            await until(pilot, lambda wanted=wanted: beside(pilot) is wanted, f"{wanted}")


def beside(pilot: Pilot[None]) -> bool:
    """Tell whether both sides of the change are in one line of the screen."""
    lines = screen_text(pilot.app).splitlines()
    return any("before" in line and "behind" in line for line in lines)
