"""A connection shaped like aiosqlite's over plain sqlite3: it yields where the scheduler likes.

What was not committed when its process dies is gone. After a loss of power so may be the last
commits that were made without the disk's word for it (synchronous=NORMAL).
"""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

from tests.simulation.clockwork import PROCESS, Crash, SimLoop

YIELDS = 0.25
DELAYS = (0.0, 0.0, 0.0, 0.0005, 0.004)
FULL = "database or disk is full"


class SimCursor:
    """The rows of a statement that was carried out."""

    description = None
    """Whoever asks wants to know whether it holds rows; these are all taken out."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows, self.rowcount = rows, rowcount
        self._next = 0

    async def fetchone(self) -> Any:
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    async def fetchall(self) -> list[Any]:
        rest, self._next = self._rows[self._next :], len(self._rows)
        return rest

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (row := await self.fetchone()) is not None:
            yield row

    async def close(self) -> None:
        """Nothing is held."""


class _Statement:
    def __init__(
        self, db: "SimConnection", call: Callable[[], SimCursor], yields: float = YIELDS
    ) -> None:
        self._db, self._call, self._yields = db, call, yields

    def __await__(self) -> Any:
        return self._run().__await__()

    async def __aenter__(self) -> SimCursor:
        return await self._run()

    async def __aexit__(self, *given: Any) -> None:
        """The cursor holds nothing."""

    async def _run(self) -> SimCursor:
        loop = self._db.disk.loop
        if loop.rng.random() < YIELDS:
            try:
                await asyncio.sleep(loop.rng.choice(DELAYS))
            except asyncio.CancelledError:
                self._call()  # a cancelled await still writes
                raise
        cursor = self._call()
        if loop.rng.random() < self._yields:
            await asyncio.sleep(loop.rng.choice(DELAYS))
        return cursor


class SimConnection:
    """One connection; `disk` has the file."""

    def __init__(self, disk: "Disk") -> None:
        self.disk = disk
        self._process = PROCESS.get()
        self._db = sqlite3.connect(disk.path, isolation_level=None, cached_statements=400)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA synchronous=OFF")
        self._durable = True
        self._writes = False
        disk.open.append(self)

    def execute(self, sql: str, values: Iterable[Any] = ()) -> _Statement:
        yields = 0.7 if sql == "COMMIT" else YIELDS
        return _Statement(self, lambda: self._do(sql, tuple(values)), yields)

    def executemany(self, sql: str, rows: Iterable[Iterable[Any]]) -> _Statement:
        return _Statement(self, lambda: self._do_many(sql, list(rows)))

    async def execute_fetchall(self, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        return await (await self.execute(sql, values)).fetchall()

    async def close(self) -> None:
        if not self._process.dead:
            self.drop()

    def drop(self) -> None:
        """Let go of the file; what was not committed is gone."""
        if self in self.disk.open:
            self.disk.open.remove(self)
        self._db.close()

    def _do(self, sql: str, values: tuple[Any, ...]) -> SimCursor:
        if self._process.dead:
            raise Crash
        if sql.startswith("PRAGMA"):
            return self._pragma(sql)
        writes = not sql.startswith("SELECT")
        if writes:
            self.disk.note(sql, values)
            self._fail_perhaps(sql)
        cursor = self._db.execute(sql, values)
        rows = cursor.fetchall()
        if sql == "COMMIT":
            self.disk.committed(durable=self._durable)
        return SimCursor(rows, cursor.rowcount)

    def _do_many(self, sql: str, rows: list[Any]) -> SimCursor:
        if self._process.dead:
            raise Crash
        self.disk.note(sql, rows)
        self._fail_perhaps(sql)
        return SimCursor([], self._db.executemany(sql, rows).rowcount)

    def _pragma(self, sql: str) -> SimCursor:
        if sql.startswith("PRAGMA synchronous="):
            self._durable = sql.endswith("FULL")
            return SimCursor([], 0)
        if sql.startswith("PRAGMA wal_autocheckpoint"):
            sql = "PRAGMA wal_autocheckpoint=0"  # the log is what a loss of power shortens
        rows = self._db.execute(sql).fetchall()
        if "checkpoint(" in sql:
            self.disk.checkpointed()
        return SimCursor(rows, 0)

    def _fail_perhaps(self, sql: str) -> None:
        """Be out of space now and then while the disk is; sometimes all that was done is undone."""
        disk = self.disk
        if not disk.full or sql == "ROLLBACK" or disk.loop.rng.random() > 0.15:
            return
        disk.failures += 1
        if self._db.in_transaction and disk.loop.rng.random() < 0.3:
            self._db.execute("ROLLBACK")
        raise sqlite3.OperationalError(FULL)


class Disk:
    """The database file, and which of its commits are certain."""

    def __init__(
        self, loop: SimLoop, path: Path, template: Path, note: Callable[[str, Any], None]
    ) -> None:
        self.loop, self.path, self.note = loop, path, note
        self.open: list[SimConnection] = []
        self.full = False
        self.failures = 0
        self.lost_commits = 0
        self._ends: list[int] = [0]
        self.at_commit: Callable[..., None] = lambda *, durable: None
        shutil.copyfile(template, path)

    @property
    def _log(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    async def connect(self, path: Path, *pragmas: str) -> Any:
        """Open a connection as the store wants it."""
        assert path == self.path
        db = SimConnection(self)
        for pragma in pragmas:
            await db.execute(pragma)
        return db

    def committed(self, *, durable: bool) -> None:
        """Remember how long the log is now; a durable commit makes all before it certain."""
        size = self._log.stat().st_size
        self._ends = [size] if durable else [*self._ends, size]
        self.at_commit(durable=durable)

    def checkpointed(self) -> None:
        """All is in the file itself."""
        self._ends = [self._log.stat().st_size if self._log.exists() else 0]

    def crash(self, *, power: bool) -> None:
        """Drop what was not committed; with the power gone, perhaps more."""
        kept = self._ends[self.loop.rng.randrange(len(self._ends))] if power else 0
        saved = self.path.with_name("saved")
        if power and self._log.exists():
            self.lost_commits += len(self._ends) - 1 - self._ends.index(kept)
            shutil.copyfile(self.path, saved)
            with self._log.open("rb") as log:
                beginning = log.read(kept)
        else:
            power = False
            beginning = b""
        for connection in list(self.open):
            connection.drop()
        if power:
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            saved.replace(self.path)
            self._log.write_bytes(beginning)
        self._ends = [0]

    def rows(self, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        """Ask what is committed, from outside."""
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(sql, tuple(values)).fetchall()
