"""Notifications in quick succession: none is lost, and none is told of what is over."""

import asyncio
from typing import Any

from quarterdeck.supervisor.collapsing import Collapsing

SOON = 0.05


async def test_the_first_is_told_at_once_and_the_others_together_later() -> None:
    told: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    notes: Collapsing[str] = Collapsing(lambda note, more: told.put_nowait((note, more)))
    for name in ("a", "b", "c"):
        notes.add("asked", name, name, SOON)
    notes.add("failed", "x", "x", SOON)
    assert (told.get_nowait(), told.get_nowait()) == (("a", 0), ("x", 0))
    assert told.empty()
    assert await told.get() == ("c", 1)
    notes.add("asked", "d", "d", SOON)
    assert told.empty()
    assert await told.get() == ("d", 0)


async def test_what_is_over_is_not_told_and_nothing_after_the_end() -> None:
    told: list[Any] = []
    over = asyncio.Event()
    notes: Collapsing[str] = Collapsing(lambda note, more: told.append((note, more)))
    notes.add("asked", "a", "a", SOON)
    notes.add("asked", "b", "b", SOON)
    notes.moot("asked", "b")
    asyncio.get_running_loop().call_later(SOON * 2, over.set)
    await over.wait()
    assert told == [("a", 0)]
    notes.add("asked", "c", "c", 60)
    notes.add("asked", "d", "d", 60)
    notes.close()
    assert told == [("a", 0), ("c", 0)]
