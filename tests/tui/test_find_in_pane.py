"""Finding text within a pane by keys: the line at the bottom, the hits, how it ends (issue 6)."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.find_line import FindLine, count_words
from quarterdeck.tui.widgets.findable_view import HitCount
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.trace_view import TraceView
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, event, session
from tests.support.situations import deck_with_a_diff


def box_of_two() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    for number, text in ((1, "a needle, a Needle\n\nneedle"), (2, "one needle here")):
        view = session(number, title=f"Work {number}")
        box.add(
            view,
            [
                event(view, 1, "user_message", text="Please"),
                event(view, 2, "assistant_message", message_id="m", text=text),
                event(view, 3, "terminal_status", stop_reason="end_turn"),
            ],
        )
    return box


def line_of(pilot: Pilot[None]) -> str:
    """Return the line with what is looked for, as it is on the screen."""
    lines = screen_text(pilot.app).splitlines()
    return next((line for line in lines if line.startswith(" find ")), "")


async def until_line(pilot: Pilot[None], words: str) -> None:
    await until(pilot, lambda: words in line_of(pilot), f"{words!r} in the line")


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_output_is_searched_as_one_types_gone_through_and_left(size: tuple[int, int]):
    async with app_of(box_of_two()).run_test(size=size) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press("enter", "slash", *"needle")
        await until_line(pilot, "needle")
        await until_line(pilot, "  3   . next hit")
        await pilot.press("enter")
        await until_line(pilot, "1 of 3")
        assert isinstance(pilot.app.focused, OutputView)
        await pilot.press("full_stop", "full_stop")
        await until_line(pilot, "3 of 3")
        await pilot.press("full_stop")
        await until_line(pilot, "1 of 3")
        await pilot.press("comma")
        await until_line(pilot, "3 of 3")
        await pilot.press("escape")
        await until(pilot, lambda: not line_of(pilot))
        assert isinstance(pilot.app.focused, OutputView)
        await pilot.press("escape")
        assert isinstance(pilot.app.focused, SessionList)


async def test_escape_while_one_types_ends_it_and_slash_in_the_list_filters_the_list():
    async with app_of(box_of_two()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press("enter", "slash", *"nothing like it")
        await until_line(pilot, "not found")
        await pilot.press("escape")
        await until(pilot, lambda: not line_of(pilot))
        assert isinstance(pilot.app.focused, OutputView)
        await pilot.press("escape", "slash")
        assert isinstance(pilot.app.focused, Input)
        assert pilot.app.focused.id == "list-filter"


@pytest.mark.parametrize("ended", [("enter", "escape"), ("escape",)])
async def test_what_was_looked_for_is_gone_on_with_after_it_was_ended(ended: tuple[str, ...]):
    async with app_of(box_of_two()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press("enter", "slash", *"needle")
        await until_line(pilot, "  3   . next hit")
        await pilot.press(*ended)
        await until(pilot, lambda: not line_of(pilot))
        first = ("full_stop",) if len(ended) == 1 else ()
        await pilot.press("full_stop", *first)
        await until_line(pilot, "2 of 3")
        assert " find needle " in line_of(pilot)
        assert isinstance(pilot.app.focused, OutputView)
        await pilot.press("escape")
        await until(pilot, lambda: not line_of(pilot))
        await pilot.press("comma")
        await until_line(pilot, "1 of 3")


async def test_each_pane_goes_on_with_what_was_looked_for_there_in_another_session_too():
    async with app_of(box_of_two()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press("enter", "slash", *"Needle", "enter", "2", "slash")
        await pilot.press(*"turn end", "enter")
        await until_line(pilot, "turn end  ")
        await pilot.press("1", "full_stop")
        await until_line(pilot, "Needle  ")
        await until_line(pilot, "1 of 1")
        await pilot.press("2", "full_stop")
        await until_line(pilot, "turn end  ")
        await pilot.press("escape")
        await until(pilot, lambda: not line_of(pilot))
        pilot.app.screen.query_one(SessionList).focus()
        await pilot.press("1", "down")
        await until_shown(pilot, "one needle here")
        await pilot.press("comma")
        await until_line(pilot, "Needle  ")
        await until_line(pilot, "not found")


@pytest.mark.parametrize("key", ["F", "slash"])
async def test_while_one_types_no_key_is_named_that_would_only_be_typed(key: str):
    async with app_of(box_of_two()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "z zoom")
        await pilot.press(key, *"work")
        await until_shown(pilot, "enter keep  esc end")
        assert "z zoom" not in screen_text(pilot.app)
        await pilot.press("escape")
        await until_shown(pilot, "help")
        assert "enter keep" not in screen_text(pilot.app)


async def test_words_taken_away_again_are_not_what_was_looked_for_last():
    async with app_of(box_of_two()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press("enter", "slash", *"needle", "enter", "slash")
        await until_line(pilot, "  3   . next")
        await pilot.press("home", "shift+end", *"a n", *["backspace"] * 3)
        await until_line(pilot, "text to find here")
        await pilot.press("escape")
        await until(pilot, lambda: not line_of(pilot))
        await pilot.press("full_stop")
        await until_line(pilot, "find needle ")


async def test_from_the_list_another_key_finds_in_the_pane_and_words_stay_for_the_next_session():
    async with app_of(box_of_two()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press("F", *"needle", "enter")
        await until_line(pilot, "1 of 3")
        await pilot.press("tab", "tab", "tab")
        pilot.app.screen.query_one(SessionList).focus()
        await pilot.press("down")
        await until_shown(pilot, "one needle here")
        await until_line(pilot, "  1   . next")
        await pilot.press("full_stop")
        await until_line(pilot, "1 of 1")


async def test_another_pane_ends_it_and_the_words_are_offered_again_there():
    async with app_of(box_of_two()).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press("enter", "slash", *"needle", "enter")
        await until_line(pilot, "1 of 3")
        await pilot.press("2")
        await until(pilot, lambda: not line_of(pilot))
        await pilot.press("full_stop")
        await until_shown(pilot, "Nothing is looked for")
        await pilot.press("slash", "enter")
        await until_line(pilot, "1 of 1")
        assert isinstance(pilot.app.focused, TraceView)
        assert pilot.app.focused.cursor_seq == 2


async def test_the_diff_is_searched_also_from_its_list_of_files():
    async with app_of(deck_with_a_diff()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("3", "tab")
        await until_shown(pilot, "def backoff")
        await pilot.press("slash", *"backoff", "enter")
        await until_line(pilot, "1 of 2")
        assert isinstance(pilot.app.focused, DiffView)


@pytest.mark.parametrize("pane", ["4", "5"])
async def test_plan_and_info_are_searched_too(pane: str):
    words = {"4": "no plan", "5": "runbook"}[pane]
    async with app_of(box_of_two()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "a needle")
        await pilot.press(pane, "enter")
        await until_shown(pilot, words)
        await pilot.press("slash", *words, "enter")
        await until_line(pilot, "1 of 1")


async def test_what_is_pasted_is_found_as_it_is_shown_and_does_nothing():
    box = box_of_two()
    view = session(3, title="Bad")
    text = "x \x1b]52;c;cHduZWQ=\x07 [@click=app.quit]y[/]"
    box.sessions.clear()
    box.add(view, [event(view, 1, "assistant_message", message_id="m", text=text)])
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "52;c;")
        await pilot.press("enter", "slash")
        pilot.app.screen.query_one("#find-words", Input).value = "\x1b]52;c; [/b][@click=app.quit]"
        await until_line(pilot, "not found")
        pilot.app.screen.query_one("#find-words", Input).value = "\x1b]52;c;cHduZWQ="
        await until_line(pilot, "  1   . next")
        assert pilot.app.clipboard == ""


async def test_the_line_is_not_there_before_it_is_wanted():
    async with app_of(box_of_two()).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "a needle")
        assert isinstance(pilot.app.screen, MainScreen)
        assert not pilot.app.screen.query(FindLine)
        await pilot.press("full_stop")
        await until_shown(pilot, "Nothing is looked for")
        await until_hidden(pilot, " find ")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (HitCount(), "not found"),
        (HitCount(counting=True), "searching"),
        (HitCount(0, 17, True), "17+"),
        (HitCount(3, 17), "3 of 17"),
        (HitCount(3, 1_700, True), "3 of 1,700+"),
    ],
)
def test_the_count_says_whether_it_is_final(count: HitCount, said: str):
    assert count_words(count) == said
