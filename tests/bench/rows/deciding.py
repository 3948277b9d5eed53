"""How long a key takes to become a committed decision that the agent has read.

Beside it stands what no program can save: SQLite's own durable COMMIT of one small row, which
waits for the disk's word, as the decision's does.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.bench.measured import Limit, Row, row
from tests.bench.pty_screen import PtyScreen
from tests.bench.stage import Setting, Stage, stage
from tests.support.waiting import eventually_async

DIALOG = rb"exact text"
ARMED_SECONDS = 0.5
"""A dialog that has just appeared takes no decision."""


async def measure(setting: Setting) -> list[Row]:
    """Return the time from the key to the agent's stdin; the decision is committed before."""
    count = max(setting.rounds, 5)
    async with stage() as on:
        deck = await on.house.deck()
        await on.start(deck, f"ask {count}", title="asking")
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, rb"asking0")
            with _store(on.root / "beside.db") as db:
                taken, beside = [], []
                for number in range(count):
                    taken.append(await _one(on, screen, number))
                    beside.append(_commit(db))
    return [
        row(
            "key to decision committed and read by the agent",
            "ms",
            taken,
            limit=Limit(p50=5, p99=25),
            reference=row("", "ms", beside).p50,
            against="a durable COMMIT of one row",
        )
    ]


@contextmanager
def _store(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE rows (value)")
        yield db


def _commit(db: sqlite3.Connection) -> float:
    """Return how many milliseconds it takes until one row is safe on the disk."""
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO rows VALUES (randomblob(2000))")
    began = time.perf_counter()
    db.execute("COMMIT")
    return (time.perf_counter() - began) * 1000


async def _one(on: Stage, screen: PtyScreen, number: int) -> float:
    async def answered() -> bool:
        return len(_answers(on)) > number

    # The dock at the bottom shows it before the key can mean it.
    await asyncio.to_thread(screen.wait, b"touch never-%d" % number)
    await asyncio.to_thread(screen.quiet, 0.3)
    opened = screen.press("a")
    await asyncio.to_thread(screen.wait, DIALOG, after=opened)
    await asyncio.to_thread(screen.quiet, ARMED_SECONDS)
    pressed = screen.press("a")
    await eventually_async(answered, what="the agent's answer")
    return (_answers(on)[number] - pressed) / 1e6


def _answers(on: Stage) -> list[int]:
    if not on.answers.exists():
        return []
    return [int(line) for line in on.answers.read_text().splitlines()]
