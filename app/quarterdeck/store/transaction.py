"""One write transaction: what it is given, and what happens after its COMMIT or ROLLBACK."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import aiosqlite

from quarterdeck.model.clock import now_ms

Row = aiosqlite.Row

_log = logging.getLogger(__name__)


class Tx:
    """A unit of work inside BEGIN IMMEDIATE … COMMIT, run by the store's one writer."""

    def __init__(self, db: aiosqlite.Connection) -> None:
        self.db = db
        self.at = now_ms()
        """The moment every row of this transaction carries, in Unix milliseconds."""
        self.certain = False
        """Whether what follows the commit has to wait for the disk's word, see `be_certain`."""
        self._committed: list[Callable[[], None]] = []
        self._rolled_back: list[Callable[[], None]] = []

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run `call` once the transaction is durable; in the order given."""
        self._committed.append(call)

    def be_certain(self) -> None:
        """Have the disk's word for this transaction before anything follows from it.

        A trace batch goes without, since the journal has it. If a prompt is handed over in one,
        a loss of power must not make it wait again: the agent has acted on it.
        """
        self.certain = True

    def after_rollback(self, call: Callable[[], None]) -> None:
        """Run `call` if the transaction did not happen."""
        self._rolled_back.append(call)

    def settle(self, *, committed: bool) -> None:
        """Run what was left for afterwards, and let go of it; called by the writer alone."""
        calls = self._committed if committed else self._rolled_back
        while calls:
            try:
                calls.pop(0)()
            except Exception:
                # The transaction is what it is; the writer and the other calls must go on.
                _log.exception("what follows a transaction failed")
        # They hold on to what holds this transaction: a circle, and the collector stops everything.
        self._committed.clear()
        self._rolled_back.clear()

    async def run(self, sql: str, values: Iterable[Any] = ()) -> int:
        """Execute one statement and return how many rows it changed."""
        cursor = await self.db.execute(sql, tuple(values))
        # Without rows it is done, and closing it would be one more change of threads.
        if cursor.description is not None:
            await cursor.close()
        return cursor.rowcount

    async def many(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        """Execute one statement for each row of values."""
        await self.db.executemany(sql, rows)

    async def one(self, sql: str, values: Iterable[Any] = ()) -> Row | None:
        """Return the first row, or None."""
        return await one(self.db, sql, values)

    async def all(self, sql: str, values: Iterable[Any] = ()) -> list[Row]:
        """Return every row."""
        return await rows(self.db, sql, values)

    async def next_version(self) -> int:
        """Draw the next number of the store-wide version counter (A8)."""
        row = await self.one(
            "UPDATE counters SET value = value + 1 WHERE name = 'version' RETURNING value"
        )
        assert row is not None
        return row[0]


async def one(db: aiosqlite.Connection, sql: str, values: Iterable[Any] = ()) -> Row | None:
    """Return the first row of a query, or None; the query should have no more than a few."""
    found = await rows(db, sql, values)
    return found[0] if found else None


async def rows(db: aiosqlite.Connection, sql: str, values: Iterable[Any] = ()) -> list[Row]:
    """Return every row of a query, in one change of threads.

    A cursor of our own would take three, and between them its statement would be open: every
    other query of the connection would see the store as it was when that one began.
    """
    return list(await db.execute_fetchall(sql, tuple(values)))
