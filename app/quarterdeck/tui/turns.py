"""Waiting by turns of the event loop and not by seconds.

Where the machine stands still for seconds, or one piece of work is long, a deadline passes though
nobody has had a turn; what was waited for would be given up without having been tried.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

TURN_S = 0.05
"""How long a turn is, in seconds; a turn in which the loop stands still is one, however long."""


async def done_within(turns: int, work: Coroutine[Any, Any, None]) -> bool:
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
