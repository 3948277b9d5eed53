"""The undo delay: a decision held on the screen, taken back or sent once (`undo_seconds`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from textual.pilot import Pilot

from quarterdeck.tui.dialogs.approval import ApprovalDialog
from quarterdeck.tui.dialogs.undo_setting import undo_seconds_from
from quarterdeck.tui.screens.inbox import InboxScreen
from quarterdeck.tui.screens.main import MainScreen
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import SteppedClock, app_of
from tests.support.scripted_deck import ScriptedSupervisor, approval, session, shell


def two_wait() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    for number, command in enumerate(("make one", "make two"), 1):
        of = box.add(session(number, title=command, attention="waiting", state="waiting"))
        box.ask(approval(number, of, shell(command)))
    return box


@contextlib.asynccontextmanager
async def screen_on(
    box: ScriptedSupervisor, key: str, undo_seconds: float
) -> AsyncIterator[tuple[Pilot[None], SteppedClock]]:
    """Open the first approval's dialog (`a`) or the inbox (`I`), with its 300 ms passed."""
    clock = SteppedClock()
    app = app_of(box, clock)
    app.undo_seconds = undo_seconds
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "a answer")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, ApprovalDialog | InboxScreen))
        await until_shown(pilot, "exact text")
        await pilot.pause()
        clock.now += 1
        yield pilot, clock


async def test_a_held_decision_is_shown_and_taken_back_and_nothing_was_sent():
    box = two_wait()
    async with screen_on(box, "a", 300) as (pilot, clock):
        await pilot.press("a")
        await until_shown(pilot, "held: approve is sent in 300 s – z takes it back")
        await pilot.press("d")
        await until_shown(pilot, "your answer is held")
        await pilot.press("z")
        await until_shown(pilot, "taken back")
        assert box.called("decide") == []
        clock.now += 1
        await pilot.press("d")
        await until_shown(pilot, "held: deny is sent")
        await pilot.press("z")
    assert box.called("decide") == []


async def test_a_held_decision_is_sent_once_when_its_time_is_over():
    box = two_wait()
    async with screen_on(box, "a", 0.05) as (pilot, _):
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert [call["action"] for call in box.called("decide")] == ["approve"]


async def test_z_takes_back_what_was_held_over_a_standstill(monkeypatch: pytest.MonkeyPatch):
    """What is typed while the machine stands still is read when it goes on, and is in time."""
    loop, box = asyncio.get_running_loop(), two_wait()
    real = loop.time
    async with screen_on(box, "a", 300) as (pilot, _):
        await pilot.press("a")
        await until_shown(pilot, "held: approve is sent")
        monkeypatch.setattr(loop, "time", lambda: real() + 3600)
        await pilot.press("z")
        await until_shown(pilot, "taken back")
    assert box.called("decide") == []


async def test_leaving_takes_back_what_is_held_and_says_so():
    for key in ("a", "I"):
        box = two_wait()
        async with screen_on(box, key, 300) as (pilot, _):
            await pilot.press("a")
            await until_shown(pilot, "held")
            await pilot.press("escape")
            await until(pilot, lambda pilot=pilot: isinstance(pilot.app.screen, MainScreen))
            await until_shown(pilot, "still waits")
        assert box.called("decide") == []


async def test_the_inbox_goes_on_while_one_is_held_and_takes_it_back():
    box = two_wait()
    async with screen_on(box, "I", 300) as (pilot, clock):
        await pilot.press("a")
        await until_shown(pilot, "make two")
        assert "held" in screen_text(pilot.app)
        await pilot.press("z")
        await until(pilot, lambda: " held " not in screen_text(pilot.app))
        clock.now += 1
    assert box.called("decide") == []


def test_the_setting_is_off_by_default_and_bounded(tmp_path):
    file = tmp_path / "config.toml"
    assert undo_seconds_from(file) == 0
    for text, seconds in (
        ("5", 5),
        ("0.5", 0.5),
        ("-1", 0),
        ("9999", 300),
        ('"x"', 0),
        ("true", 0),
    ):
        file.write_text(f"[approvals]\nundo_seconds = {text}\n")
        assert undo_seconds_from(file) == seconds


async def test_a_supervisor_that_dies_meanwhile_is_told_once_when_it_is_back():
    """Until it is sent nothing has changed anywhere, so nothing can be lost."""
    box = two_wait()
    async with screen_on(box, "a", 2) as (pilot, _):
        await pilot.press("a")
        await until_shown(pilot, "held: approve")
        box.lose()
        await until_shown(pilot, "sent again when it is back")
        (view, _other) = box.approvals.values()
        assert view.state == "pending"
        box.down = False
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert [call["action"] for call in box.called("decide")] == ["approve"]
