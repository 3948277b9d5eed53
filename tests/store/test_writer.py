"""One writer: transactions are whole, cancellation loses nothing, failure changes nothing."""

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx, one
from tests.support.waiting import eventually_async


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "q.db")
    yield opened
    await opened.close()


async def bump(tx: Tx) -> int:
    return await tx.next_version()


async def version(store: Store) -> int:
    row = await one(store.reading, "SELECT value FROM counters WHERE name = 'version'")
    assert row is not None
    return row[0]


async def test_writes_come_one_after_the_other(store: Store) -> None:
    """A8: one counter, no number twice."""
    drawn = await asyncio.gather(*(store.write(bump) for _ in range(50)))
    assert drawn == list(range(1, 51))
    assert store.change == 50


async def test_a_cancelled_caller_does_not_undo_the_write(store: Store) -> None:
    """DESIGN §4: a cancelled await still writes, so it is never left half done."""
    started = asyncio.Event()
    go_on = asyncio.Event()

    async def slow(tx: Tx) -> None:
        await tx.next_version()
        started.set()
        await go_on.wait()
        await tx.next_version()

    task = asyncio.create_task(store.write(slow))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    await store.write(bump)
    assert await version(store) == 3


async def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    undone: list[str] = []

    async def fails(tx: Tx) -> None:
        tx.after_commit(lambda: undone.append("committed"))
        tx.after_rollback(lambda: undone.append("rolled back"))
        await tx.next_version()
        raise QuarterdeckError("stale", "no")

    with pytest.raises(QuarterdeckError, match="no"):
        await store.write(fails)
    assert undone == ["rolled back"]
    assert await version(store) == 0
    assert await store.write(bump) == 1


async def test_what_fails_after_a_commit_ends_neither_the_writer_nor_the_rest(store: Store) -> None:
    """The transaction is what it is: its caller is told so, and the next one is done."""
    called: list[str] = []

    def fails() -> None:
        called.append("first")
        raise OSError("no such keeper")

    async def work(tx: Tx) -> int:
        tx.after_commit(fails)
        tx.after_commit(lambda: called.append("second"))
        return await tx.next_version()

    assert await store.write(work) == 1
    assert await asyncio.wait_for(store.write(bump), 10) == 2
    assert called == ["first", "second"]


async def test_the_change_number_goes_on_after_reopening(tmp_path: Path) -> None:
    """A push of a later supervisor is never taken for an old one."""
    store = await Store.open(tmp_path / "q.db")
    await store.write(bump)
    await store.close()
    again = await Store.open(tmp_path / "q.db")
    assert again.change == 1
    await again.close()


async def test_another_programs_lock_is_waited_out(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLITE_BUSY is no reason to lose a write."""
    await store._writing.execute("PRAGMA busy_timeout=10")
    other = sqlite3.connect(tmp_path / "q.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.write(bump))
    await eventually_async(lambda: _noted(caplog))
    assert not waiting.done()
    other.execute("COMMIT")
    assert await waiting == 1
    other.close()


async def _noted(caplog: pytest.LogCaptureFixture) -> bool:
    return "held by another program" in caplog.text


async def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError):
        await store.reading.execute("DELETE FROM counters")


async def test_a_transaction_leaves_nothing_to_the_collector(store: Store) -> None:
    """What follows it mentions it; let go of, both are gone by themselves, and nothing stops."""

    async def noted(tx: Tx) -> None:
        tx.after_commit(lambda: told.append(tx.at))
        tx.after_rollback(lambda: told.append(-tx.at))

    told: list[int] = []
    gc.collect()
    gc.disable()
    try:
        gc.set_debug(gc.DEBUG_SAVEALL)
        for _ in range(20):
            await store.write(noted)
        gc.collect()
        circles = [found for found in gc.garbage if isinstance(found, Tx)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert circles == []
    assert len(told) == 20
    assert min(told) > 0
