"""The store: one writer task whose transactions are whole functions, and read connections beside.

aiosqlite has no transaction lock and a cancelled await still writes, so callers never touch the
writing connection: they hand over a function and await its COMMIT.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.store.connection import StoreConnection, connect
from quarterdeck.store.schema import migrations, prepare
from quarterdeck.store.transaction import Tx

BUSY_MS = 5_000
BUSY_RETRY_SECONDS = 0.2
CLOSE_SECONDS = 5.0
"""How long another program's lock is waited for while closing."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    work: Callable[[Tx], Awaitable[Any]]
    durable: bool
    brief: bool
    between: Callable[[aiosqlite.Connection], Awaitable[Any]] | None
    done: "asyncio.Future[Any]"


class Store:
    """An open store. `change` counts committed writes, for pushes to clients."""

    def __init__(
        self, writing: StoreConnection, reading: aiosqlite.Connection, note: str | None
    ) -> None:
        self._writing, self._reading = writing, reading
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue()
        self._durable: bool | None = None
        self._closing_at: float | None = None
        self.note = note
        """What a person should know of how the file was found, such as that it was damaged."""
        self.path = Path()
        self.identity = (0, 0)
        """Device and number of the file that was opened."""
        self._trouble: str | None = None
        """Why the last transaction could not be written; None once one was again."""
        self.change = 0
        self.on_change: Callable[[int], None] = lambda change: None
        self._worker = asyncio.create_task(self._work(), name="store-writer")

    @classmethod
    async def open(cls, path: Path) -> "Store":
        """Open `path`, migrating it first.

        Raises:
            QuarterdeckError: `store_newer` or `store_unusable`, see `schema.prepare`.
        """
        note = await asyncio.to_thread(prepare, path)
        opened = path.stat()
        writing = await _connect(path, "PRAGMA wal_autocheckpoint=4000", "PRAGMA secure_delete=1")
        reading = await _connect(path, "PRAGMA query_only=1")
        store = cls(writing, reading, note)
        store.path, store.identity = path, (opened.st_dev, opened.st_ino)
        async with writing.execute("SELECT value FROM counters WHERE name = 'change'") as cursor:
            row = await cursor.fetchone()
        store.change = row[0] if row else 0
        return store

    async def write(
        self, work: Callable[[Tx], Awaitable[T]], *, durable: bool = True, brief: bool = False
    ) -> T:
        """Run `work` in a transaction of its own and return its result after COMMIT.

        The work is done even if the caller is cancelled while waiting. An exception of `work`
        rolls everything back and is raised here.

        Args:
            work: Does all its database work through the Tx it is given, and nothing slow.
            durable: With the disk's word for it (synchronous=FULL), as commands and decisions
                need; trace batches go without, the journal has them (DESIGN §4).
            brief: Whether its statements are small and few enough to be carried out at once, with
                nothing else going on meanwhile. COMMIT may wait for the disk and is not.
        """
        if self._closing_at is not None:
            raise QuarterdeckError("shutting_down", "the store is being closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait(_Job(work, durable, brief, None, done))
        return await asyncio.shield(done)

    async def between(self, work: Callable[[aiosqlite.Connection], Awaitable[T]]) -> T:
        """Run `work` on the writing connection between two transactions, as VACUUM needs it."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait(_Job(_nothing, True, False, work, done))
        return await asyncio.shield(done)

    @property
    def reading(self) -> aiosqlite.Connection:
        """The connection for queries; it sees committed data only and cannot write."""
        return self._reading

    def in_place(self) -> bool:
        """Tell whether what is written still goes to the file of that name."""
        try:
            now = self.path.stat()
        except OSError as error:
            # A disk that fails does not say that the file is gone.
            return not isinstance(error, (FileNotFoundError, NotADirectoryError))
        return (now.st_dev, now.st_ino) == self.identity

    async def health(self) -> dict[str, Any]:
        """Look whether the store answers, has this version's schema and can be written (A14)."""
        schema, why = None, self._trouble
        try:
            found = await self._reading.execute_fetchall("PRAGMA user_version")
            await self._reading.execute_fetchall("SELECT value FROM counters")
            schema = next(iter(found))[0]
            if not self.in_place():
                why = "it was removed, or another file stands in its place"
        except (sqlite3.Error, ValueError, OSError) as error:
            why = f"it cannot be read: {error}"
        if self._worker.done():
            why = why or "nothing writes to it any more"
        return {
            "path": str(self.path),
            "reachable": why is None,
            "schema": schema,
            "migrated": schema == migrations()[-1][0],
            "why": why,
            "note": self.note,
        }

    async def close(self) -> None:
        """Finish what was handed over, checkpoint and close."""
        self._closing_at = asyncio.get_running_loop().time()
        self._jobs.put_nowait(None)
        try:
            await self._worker
            with contextlib.suppress(sqlite3.Error):
                failpoint("store.checkpoint.before")
                await self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            await self._reading.close()
            await self._writing.close()

    async def _work(self) -> None:
        while (job := await self._jobs.get()) is not None:
            await self._do(job)

    async def _do_between(
        self, job: _Job, work: Callable[[aiosqlite.Connection], Awaitable[Any]]
    ) -> None:
        try:
            _resolve(job.done, result=await work(self._writing))
        except Exception as error:
            _resolve(job.done, error=_typed(error))

    async def _do(self, job: _Job) -> None:
        if job.between is not None:
            await self._do_between(job, job.between)
            return
        tx = Tx(self._writing)
        try:
            failpoint("store.begin.before")
            await self._begin(durable=job.durable)
            failpoint("store.begin.after")
            self._writing.at_once = job.brief
            result = await job.work(tx)
            await self._writing.execute(
                "UPDATE counters SET value = value + 1 WHERE name = 'change'"
            )
            self._writing.at_once = False
            if job.durable and not self.in_place():
                raise QuarterdeckError(
                    "store_unusable", f"{self.path} is gone: what is written now would be lost"
                )
            failpoint("store.commit.before")
            await self._writing.execute("COMMIT")
            failpoint("store.commit.after")
        except Exception as error:
            self._writing.at_once = False
            with contextlib.suppress(sqlite3.Error):
                await self._writing.execute("ROLLBACK")
            tx.settle(committed=False)
            if isinstance(error, sqlite3.OperationalError):
                self._trouble = f"it cannot be written: {error}"
            _resolve(job.done, error=_typed(error))
            return
        self._trouble = None
        self.change += 1
        if tx.certain and not job.durable:
            await self._make_certain()
        _resolve(job.done, result=result)
        tx.after_commit(lambda: self.on_change(self.change))
        tx.settle(committed=True)
        failpoint("store.settle.after")

    async def _make_certain(self) -> None:
        """Have the disk's word for what was committed: it is given for all that came before too."""
        try:
            await self._begin(durable=True)
            await self._writing.execute("UPDATE counters SET value = value WHERE name = 'change'")
            failpoint("store.certain.before")
            await self._writing.execute("COMMIT")
            failpoint("store.certain.after")
        except sqlite3.Error as error:
            # It is committed all the same; only a loss of power in this moment could undo it.
            _log.warning("a commit is not certain yet", extra={"error": str(error)})
            with contextlib.suppress(sqlite3.Error):
                await self._writing.execute("ROLLBACK")

    async def _begin(self, *, durable: bool) -> None:
        if durable is not self._durable:
            self._writing.at_once = True
            await self._writing.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._writing.at_once = False
            self._durable = durable
        if await self._begun_at_once():
            return
        while True:
            try:
                await self._writing.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                closing, now = self._closing_at, asyncio.get_running_loop().time()
                if closing is not None and now > closing + CLOSE_SECONDS:
                    raise
                self._trouble = "another program holds it, so nothing can be written"
                _log.warning("the store is held by another program", extra={"error": str(error)})
                await asyncio.sleep(BUSY_RETRY_SECONDS)

    async def _begun_at_once(self) -> bool:
        """Begin if no other program holds the store; to wait for one is left to the thread."""
        self._writing.at_once = True
        try:
            await self._writing.execute("PRAGMA busy_timeout=0")
            await self._writing.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        else:
            return True
        finally:
            await self._writing.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            self._writing.at_once = False


async def _nothing(tx: Tx) -> None:
    """Be the work of a job that is no transaction."""


def _resolve(
    done: "asyncio.Future[Any]", *, result: Any = None, error: Exception | None = None
) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(result)
        return
    done.set_exception(error)
    done.exception()  # taken note of: the caller may have been cancelled


def _typed(error: Exception) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        wrapped = QuarterdeckError(
            "store_unusable", f"the store could not write: {error}", hint="is the disk full?"
        )
        wrapped.__cause__ = error
        return wrapped
    return error


async def _connect(path: Path, *pragmas: str) -> StoreConnection:
    db = connect(path)
    await db
    db.row_factory = aiosqlite.Row
    await db.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    for pragma in pragmas:
        await db.execute(pragma)
    return db
