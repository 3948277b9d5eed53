"""Drafts: kept by session across sessions, clients and restarts, and never mixed."""

import asyncio

from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui import prompt_drafts
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from quarterdeck.tui.widgets.prompt_line import PromptLine
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, session


def two() -> tuple[ScriptedSupervisor, str, str]:
    box = ScriptedSupervisor()
    first, second = box.add(session(1, title="Alpha")), box.add(session(2, title="Beta"))
    return box, first.session_id, second.session_id


def text(pilot: Pilot[None]) -> str:
    return pilot.app.screen_stack[0].query_one(PromptEditor).text


async def begun(pilot: Pilot[None], box: ScriptedSupervisor) -> None:
    """Wait until the first session and its draft are there."""
    await until_shown(pilot, "Beta")
    line = pilot.app.screen.query_one(PromptLine)
    first = box.sessions[0].session_id
    await until(pilot, lambda: line._drafts.of(first).kept is not None, "the draft was fetched")


async def test_typing_in_one_session_switching_and_coming_back_keeps_both():
    box, alpha, beta = two()
    async with app_of(box).run_test() as pilot:
        await begun(pilot, box)
        await pilot.press("i", *"for alpha", "escape", "down")
        await until(pilot, lambda: text(pilot) == "")
        await pilot.press("i", *"for beta", "escape", "up")
        await until(pilot, lambda: text(pilot) == "for alpha")
        await pilot.press("down")
        await until(pilot, lambda: text(pilot) == "for beta")
        await until(pilot, lambda: box.drafts == {alpha: "for alpha", beta: "for beta"})


async def test_a_draft_is_saved_after_the_last_key_and_forgotten_once_it_is_sent(monkeypatch):
    monkeypatch.setattr(prompt_drafts, "SAVE_AFTER_S", 0.05)
    box, alpha, _ = two()
    async with app_of(box).run_test() as pilot:
        await begun(pilot, box)
        await pilot.press("i", *"half")
        await until(pilot, lambda: box.drafts == {alpha: "half"})
        await pilot.press("enter")
        await until(pilot, lambda: box.called("send"))
        await until(pilot, lambda: box.drafts == {alpha: ""})


async def test_leaving_saves_the_draft_and_the_next_start_shows_it():
    box, alpha, _ = two()
    async with app_of(box).run_test() as pilot:
        await begun(pilot, box)
        await pilot.press("i", *"half", "ctrl+j", *"done", "ctrl+c")
    assert box.drafts == {alpha: "half\ndone"}
    async with app_of(box).run_test() as pilot:
        await until(pilot, lambda: text(pilot) == "half\ndone")
    assert box.called("send") == []


async def test_leaving_does_not_wait_for_a_supervisor_that_does_not_answer(monkeypatch):
    monkeypatch.setattr("quarterdeck.tui.screens.main.LEAVING_TURNS", 1)
    box, _, _ = two()
    app = app_of(box)
    async with app.run_test() as pilot:
        await begun(pilot, box)
        box.held["save_draft"] = asyncio.Event()
        await pilot.press("i", *"half", "ctrl+c")
    assert app.return_code == 0


async def test_what_is_typed_before_the_draft_arrives_wins_and_the_draft_can_be_browsed_to():
    box, alpha, _ = two()
    box.drafts[alpha] = "from elsewhere"
    box.held["draft"] = asyncio.Event()
    async with app_of(box).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Beta")
        await pilot.press("i", *"mine")
        box.held["draft"].set()
        await until_shown(pilot, "Another client's draft gave way")
        assert text(pilot) == "mine"
        await pilot.press("up")
        await until(pilot, lambda: text(pilot) == "from elsewhere")
        await pilot.press("down")
        await until(pilot, lambda: text(pilot) == "mine")


async def test_a_draft_another_client_changed_while_one_types_is_put_aside_and_said_so(monkeypatch):
    monkeypatch.setattr(prompt_drafts, "SAVE_AFTER_S", 0.05)
    box, alpha, _ = two()
    async with app_of(box).run_test(size=(120, 30), notifications=True) as pilot:
        await begun(pilot, box)
        box.drafts[alpha] = "theirs"
        await pilot.press("i", *"mine")
        await until(pilot, lambda: box.drafts[alpha] == "mine")
        await until_shown(pilot, "Another client's draft gave way")
        await pilot.press("up")
        await until(pilot, lambda: text(pilot) == "theirs")


async def test_a_draft_another_client_changed_is_shown_when_one_has_written_nothing():
    box, alpha, _ = two()
    async with app_of(box).run_test() as pilot:
        await begun(pilot, box)
        box.drafts[alpha] = "theirs"
        await pilot.press("down", "up")
        await until(pilot, lambda: text(pilot) == "theirs")


async def test_coming_back_while_the_draft_is_being_saved_shows_the_draft():
    box, alpha, _ = two()
    box.drafts[alpha] = "old"
    async with app_of(box).run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, lambda: text(pilot) == "old")
        box.held["save_draft"] = asyncio.Event()
        await pilot.press("i", *" new", "escape", "down")
        await until(pilot, lambda: text(pilot) == "")
        await pilot.press("up")
        await until(pilot, lambda: text(pilot) == "old new")
        await pilot.pause(0.05)
        box.held["save_draft"].set()
        await until(pilot, lambda: box.drafts[alpha] == "old new")
        await pilot.pause(0.05)
        assert text(pilot) == "old new"
        assert "gave way" not in screen_text(pilot.app)


async def test_a_draft_that_found_no_supervisor_is_saved_with_the_next_connection(monkeypatch):
    monkeypatch.setattr(prompt_drafts, "SAVE_AFTER_S", 0.05)
    box, alpha, _ = two()
    async with app_of(box).run_test() as pilot:
        await begun(pilot, box)
        box.lose()
        await pilot.press("i", *"half")
        line = pilot.app.screen.query_one(PromptLine)
        await until(pilot, lambda: line._drafts.of(alpha).refused)
        box.down = False
        await until(pilot, lambda: box.drafts == {alpha: "half"})


async def test_a_prompt_that_fails_after_one_went_on_says_so_in_its_own_session_only():
    box, _, _ = two()
    box.held["send"] = asyncio.Event()
    box.refusals["send"] = [QuarterdeckError("agent_not_reading", "its pipe is full")]
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await begun(pilot, box)
        await pilot.press("i", *"one", "enter", "escape", "down")
        await pilot.press("i", *"two", "escape")
        box.held["send"].set()
        await until(pilot, lambda: not box.refusals["send"])
        await pilot.pause()
        assert "not sent" not in screen_text(pilot.app)
        await pilot.press("up")
        await until_shown(pilot, "not sent: its pipe is full")
        assert text(pilot) == "one"
        await pilot.press("i", "enter")
        await until(pilot, lambda: text(pilot) == "")
        await pilot.press("escape", "down")
        await until(pilot, lambda: text(pilot) == "two")
    first, again = box.called("send")
    assert first == again


async def test_an_earlier_prompt_that_is_only_looked_at_is_no_draft():
    box, alpha, _ = two()
    async with app_of(box).run_test() as pilot:
        await begun(pilot, box)
        await pilot.press("i", *"sent", "enter")
        await until(pilot, lambda: box.called("send") and text(pilot) == "")
        await pilot.press(*"own", "up")
        await until(pilot, lambda: text(pilot) == "sent")
        await pilot.press("escape", "down", "up")
        await until(pilot, lambda: text(pilot) == "own")
        await until(pilot, lambda: box.drafts[alpha] == "own")


async def test_what_is_typed_before_there_is_a_session_goes_to_the_first():
    box = ScriptedSupervisor()
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "No sessions yet")
        await pilot.press("i", *"early")
        box.add(session(1, title="Alpha"))
        box.push()
        await until_shown(pilot, "Alpha")
        assert text(pilot) == "early"
