"""Time as turns of the loop: what stands still has not waited."""

import asyncio

import pytest

from quarterdeck.tui import turns
from quarterdeck.tui.dialogs.arming import SETTLE_S, Arming, Hold
from quarterdeck.tui.turns import TURN_S, WATCHED_S, TurnClock, done_within
from tests.support.waiting import eventually_async


async def true_of(found: bool) -> bool:
    return found


class Machine:
    """The seconds of a machine that can be told to stand still."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.stood = 0.0

    def __call__(self) -> float:
        return self._loop.time() + self.stood


async def test_work_that_is_done_is_told_and_its_error_is_raised():
    async def work() -> None:
        await asyncio.sleep(0)

    async def failing() -> None:
        raise ValueError("as it went")

    assert await done_within(1, work())
    with pytest.raises(ValueError, match="as it went"):
        await done_within(1, failing())


async def test_work_that_is_not_done_is_cancelled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "TURN_S", 0.001)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.set_result("cancelled")
            raise

    assert not await done_within(3, work())
    assert await ended == "cancelled"


async def test_a_standstill_of_the_machine_is_two_turns():
    machine = Machine()
    clock = TurnClock(machine)
    before = clock()
    machine.stood = 3600
    assert 0 < clock() - before <= 2 * TURN_S


async def test_time_in_which_nobody_asked_counts_whole():
    """It ticks no more then: an idle screen is not woken."""
    machine = Machine()
    clock = TurnClock(machine)
    before = clock()
    await eventually_async(lambda: true_of(clock._tick is None), what="it ticks no more")
    machine.stood = 3600
    assert clock() - before > 3600 + WATCHED_S - TURN_S


async def test_what_was_on_screen_over_a_standstill_only_is_not_armed():
    """A key typed meanwhile cannot have been meant for it (DESIGN §5)."""
    machine = Machine()
    arming = Arming(TurnClock(machine))
    began = machine()
    arming.changed()
    machine.stood = 3600
    assert arming.hold(needs_end=False) is Hold.MOMENT
    await eventually_async(lambda: true_of(arming.hold(needs_end=False) is None), what="armed")
    assert machine() - machine.stood - began > SETTLE_S - 2 * TURN_S, "of the standstill two turns"
