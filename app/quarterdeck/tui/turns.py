"""Time as turns of the event loop and not as seconds.

Where the machine stands still for seconds, or one piece of work is long, time passes though nobody
has had a turn: what was waited for would be given up without having been tried, and a text would
count as long shown that nobody could have seen.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

TURN_S = 0.05
"""How long a turn is, in seconds; a turn in which the loop stands still is one, however long."""


async def done_within(turns: int, work: Coroutine[Any, Any, object]) -> bool:
    """Wait until `work` is done, and tell whether it is; it is cancelled after so many turns.

    Raises:
        Exception: What the work raised.
    """
    working = asyncio.create_task(work)
    try:
        for _ in range(turns):
            if (await asyncio.wait([working], timeout=TURN_S))[0]:
                working.result()
                return True
    finally:
        working.cancel()
    return False


WATCHED_S = 1.0
"""How long after it was asked a clock looks for standstills; the longest it can measure well."""


class TurnClock:
    """Monotonic seconds in which the loop moved: a standstill counts as two turns at most.

    It ticks only for a while after it was asked, so that it costs nothing while nobody measures.
    Must be asked in the loop.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Begin at nought; `seconds` are those of the machine."""
        self._seconds = seconds
        self._at, self._last, self._asked = 0.0, seconds(), 0.0
        self._tick: asyncio.TimerHandle | None = None

    def __call__(self) -> float:
        """Return the seconds so far."""
        at = self._asked = self._now()
        if self._tick is None:
            self._tick_later()
        return at

    def _now(self) -> float:
        now = self._seconds()
        passed, self._last = now - self._last, now
        self._at += passed if self._tick is None else min(passed, 2 * TURN_S)
        return self._at

    def _tick_later(self) -> None:
        self._tick = asyncio.get_running_loop().call_later(TURN_S, self._ticked)

    def _ticked(self) -> None:
        if self._now() - self._asked < WATCHED_S:
            self._tick_later()
        else:
            self._tick = None
