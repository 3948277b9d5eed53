"""Another program holds SQLite's write lock for 30 s."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deckhouse import (
    Deckhouse,
    approval_of,
    decide,
    said,
    session_in,
    whole_trace,
)

pytestmark = pytest.mark.slow
HELD_SECONDS = float(os.environ.get("QUARTERDECK_BUSY_SECONDS", "30"))
CHUNKS = 2000

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE counters SET value = value WHERE name = 'change'")
print("held", flush=True)
sys.stdin.read()
db.execute("ROLLBACK")
"""


class OutsideWriter:
    """A process that holds the write lock from the beginning of the block to `release`."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def __enter__(self) -> "OutsideWriter":
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self._database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout and self._process.stdout.readline() == "held\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)


async def test_reads_go_on_and_writes_wait_while_another_program_writes(
    deckhouse: Deckhouse,
) -> None:
    """DESIGN §4: nothing is lost or doubled, over a kill of the supervisor in between too."""
    deck = await deckhouse.deck()
    streaming = await deckhouse.new(deck, f"count {CHUNKS} 0.002\nask touch asked", wait=True)
    session_id = streaming["session_id"]
    with OutsideWriter(deckhouse.places.database):
        sending = [
            asyncio.create_task(deck.send(session_id, f"say queued-{n}", key=f"key-{n}"))
            for n in range(3)
        ]
        loop = asyncio.get_running_loop()
        until = loop.time() + HELD_SECONDS
        while loop.time() < until - HELD_SECONDS / 2:
            assert (await deck.session(session_id)).state == "running"
            assert (await deck.status())["running"] is True
            await asyncio.sleep(0.2)
        assert not any(task.done() for task in sending), "a write waits, and says nothing untrue"
        deckhouse.kill_supervisor()
        for task in sending:
            assert "unreachable" in repr(await asyncio.gather(task, return_exceptions=True)) or (
                task.exception() is not None
            )
        deck = await deckhouse.deck()
        while loop.time() < until:
            assert (await deck.session(session_id)).state == "running", "read before recovery ends"
            await asyncio.sleep(0.2)
        sending = [
            asyncio.create_task(deck.send(session_id, f"say queued-{n}", key=f"key-{n}"))
            for n in range(3)
        ]
    commands = await asyncio.gather(*sending)
    assert len({command.command_id for command in commands}) == 3
    await decide(deck, await approval_of(deck, session_id, within=60), "approve")
    for command in commands:
        while (await deck.command(command.command_id)).state != "completed":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await session_in(deck, session_id, "idle")
    text = said(await whole_trace(deck, session_id))
    assert [int(n) for n in re.findall(r"#(\d+) ", text)] == list(range(1, CHUNKS + 1))
    assert text.endswith("allowedqueued-0queued-1queued-2")
    assert len(deckhouse.answers()) == 1
    assert len(await deck.runs(session_id)) == 1, "its agent lived through it"
