"""From journal bytes to committed events: every line once, in order, in grouped transactions."""

import asyncio
import functools
import logging
import re
from pathlib import Path

from quarterdeck.agents.holding import Bell, JournalShorter, is_held_back, read_exit, read_journal
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.failpoints import failpoint
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import lifecycle, limiting, run_end, serving, spooling
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.forgetting import forget_exact
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.recorder import Recorder, flush_all
from quarterdeck.supervisor.reducer import apply_all

GROUP_SECONDS = 0.010
EVENTS_PER_COMMIT = 1000
EVENTS_PER_COMMIT_LEAST = 50
COMMIT_SECONDS = 0.04
"""A transaction that took longer makes the next one smaller, for others wait for it."""
BYTES_PER_COMMIT = 1024 * 1024
SLICE_BYTES = 32 * 1024
SLICE_BYTES_LEAST = 1024
BYTES_OF_LINE = 96
"""Few lines are shorter."""
LINES_PER_EVENT = 8
"""Lines that make no event cost time as well."""
SERVED_AT_ONCE = 16
"""Requests of one agent that may be in work before its journal is read on."""
RETRY_SECONDS = 0.5
RETRY_SECONDS_MOST = 30.0
FAILURES_MOST = 6

_NEWLINES = re.compile(rb"\n+")
_log = logging.getLogger(__name__)


class Ingestion:
    """One task that reads the journals somebody rang for."""

    def __init__(self, ctx: Context, bell_path: Path) -> None:
        self._ctx = ctx
        self._bell = Bell(bell_path)
        self._due: dict[LiveRun, None] = {}
        self._wake = asyncio.Event()
        self._passed = asyncio.Event()
        self._room = EVENTS_PER_COMMIT
        self._unread = False
        """Whether the last transaction left something unread."""
        ctx.look = self.look
        asyncio.get_running_loop().add_reader(self._bell.fileno(), self._rung)
        self._task = asyncio.create_task(self._work(), name="ingestion")

    def look(self, run: LiveRun) -> None:
        """Have a run's journal looked at; a look too many costs one read."""
        if not run.ended:
            self._due[run] = None
            self._wake.set()

    async def caught_up(self) -> None:
        """Return when what the journals hold now has been read; not when agents fall silent."""
        goals = [(run, _journal_size(run)) for run in self._ctx.live.values()]
        while any(_is_behind(run, size) for run, size in goals):
            self._passed.clear()
            await self._passed.wait()

    async def close(self) -> None:
        """Stop reading; what was not committed is read again by the next supervisor."""
        asyncio.get_running_loop().remove_reader(self._bell.fileno())
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._bell.close()

    def _rung(self) -> None:
        """Heed the bell; many rings at once mean that some were lost: look everywhere (rule 4)."""
        heard, flooded = self._bell.drain()
        if flooded:
            for run in list(self._ctx.live.values()):
                self.look(run)
        for name in heard:
            run_id, _, terminal_id = name.partition("/")
            run = self._ctx.live.get(run_id)
            if run is not None and not terminal_id:
                self.look(run)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._due = [run for run in self._due if _has_news(run)], {}
            if not batch:
                continue
            began, self._unread = loop.time(), False
            ingest = functools.partial(self._ingest, batch)
            try:
                await self._ctx.store.write(ingest, durable=False, brief=True)
                for run in batch:
                    limiting.tell(run)
            except Exception:
                _log.exception("ingestion failed; each run is tried by itself")
                for run in batch:
                    await self._alone(run)
            self._passed.set()
            # While a transaction's worth is unread there is nothing to wait for.
            took = loop.time() - began if self._unread else 0
            await asyncio.sleep(max(GROUP_SECONDS - took, 0))

    async def _alone(self, run: LiveRun) -> None:
        """Ingest one run by itself, so that a bad one holds up none of the others."""
        try:
            ingest = functools.partial(self._ingest, [run])
            await self._ctx.store.write(ingest, durable=False, brief=True)
            run.failures = 0
        except Exception as error:
            run.failures += 1
            _log.exception("a run is not ingested", extra={"run": run.run_id})
            if run.failures >= FAILURES_MOST and not isinstance(error, QuarterdeckError):
                await self._give_up(run, f"what its agent said cannot be recorded: {error!r}")
            pause = min(RETRY_SECONDS * 2**run.failures, RETRY_SECONDS_MOST)
            asyncio.get_running_loop().call_later(pause, self.look, run)

    async def _give_up(self, run: LiveRun, reason: str) -> None:
        """End a run that cannot be ingested; the rest of its journal is passed over."""

        async def work(tx: Tx) -> None:
            rec = await Recorder.open(self._ctx, tx, run)
            if run.stopping is None:
                await lifecycle.fail_running(rec, reason)
            await lifecycle.put_down(rec, "cancel")
            await rec.flush()

        try:
            await self._ctx.store.write(work)
        except Exception:
            _log.exception("a run cannot be ended", extra={"run": run.run_id})

    async def _ingest(self, batch: list[LiveRun], tx: Tx) -> None:
        """Read and apply what is new; offsets, events and derived state go together (A2)."""
        began = asyncio.get_running_loop().time()
        events, size = self._room, BYTES_PER_COMMIT
        recorders: list[Recorder] = []
        for index, run in enumerate(batch):
            if run.ended:
                continue
            gone = run.keeper_gone
            rec = await Recorder.open(self._ctx, tx, run)
            before = run.read
            # What one does not need of its share is for those after it.
            left = len(batch) - index
            finished = await self._read(rec, max(events // left, 1), size // left)
            events, size = max(events - len(rec.rows), 0), max(size - (run.read - before), 0)
            limiting.note(rec)
            await self._check_reading(rec)
            if not finished:
                self._unread = True
                self.look(run)
            elif gone:
                await self._end(rec)
            recorders.append(rec)
        failpoint("journal.flush.before")
        await flush_all(tx, recorders)
        self._adapt(asyncio.get_running_loop().time() - began)

    def _adapt(self, seconds: float) -> None:
        """Make the next transaction smaller or larger by how long this one took."""
        if seconds > COMMIT_SECONDS:
            self._room = max(self._room // 2, EVENTS_PER_COMMIT_LEAST)
        elif seconds < COMMIT_SECONDS / 2:
            self._room = min(self._room * 2, EVENTS_PER_COMMIT)

    async def _check_reading(self, rec: Recorder) -> None:
        """End an agent that asks and asks and does not read its answers."""
        run = rec.run
        if not rec.has_sent or run.stopping is not None or run.keeper_gone:
            return
        backlog = run.spool.backlog()
        if backlog > spooling.BACKLOG_LIMIT:
            told = f"the agent does not read: {backlog} bytes wait for it"
            await lifecycle.fail_running(rec, told)

    async def _read(self, rec: Recorder, events: int, size: int) -> bool:
        """Take in the journal until its end (True) or until its share is used up (False).

        Args:
            rec: The run's recorder.
            events: Its share of the transaction's events; the last slice may exceed it.
            size: Its share of the transaction's bytes, likewise.
        """
        run = rec.run
        taken = lines = 0
        while not taken or (
            len(rec.rows) < events
            and lines < events * LINES_PER_EVENT
            and taken < size
            and run.serving < SERVED_AT_ONCE
        ):
            step = SLICE_BYTES_LEAST if run.serving else _step(events - len(rec.rows))
            try:
                failpoint("journal.read.before")
                chunk = read_journal(run.directory.journal, run.read, step)
            except JournalShorter as error:
                self._note_shorter(rec, error)
                return True
            if not chunk:
                return True
            run.read += len(chunk)
            taken += len(chunk)
            lines += await self._take_in(rec, chunk)
            run.offset = run.base + run.splitter.consumed
            await asyncio.sleep(0)  # an agent that floods must not keep all others waiting
        return False

    async def _take_in(self, rec: Recorder, chunk: bytes) -> int:
        """Apply what a piece of the journal says and return how many lines that were."""
        run, at, count = rec.run, 0, 0
        while at < len(chunk):
            # A cancelled run has ended: what its agent still says is not recorded (A12).
            listens = run.driver is not None and run.stopping != "cancel"
            if listens and run.splitter.between_lines:
                said = rec.driver.receive_chunks(chunk, at)
                if said is not None:
                    rec.chunks(said, run.base + run.splitter.consumed - at)
                    run.splitter.pass_over(said.end - at)
                    count += len(said.texts)
                    at = said.end
                    continue
            newlines = _NEWLINES.search(chunk, at)
            stop = len(chunk) if newlines is None else newlines.end()
            for line in run.splitter.feed(chunk[at:stop]):
                count += 1
                rec.line_at = run.base + line.end - len(line.data) - (not line.cut)
                if listens and line.data.strip():
                    await apply_all(rec, rec.driver.receive(line.data, line.cut))
            rec.line_at = None
            at = stop
        return count

    async def _end(self, rec: Recorder) -> None:
        """The keeper is gone and the journal at its end."""
        run = rec.run
        torn = run.splitter.held
        if torn and run.stopping != "cancel":
            text = torn[:2000].decode("utf-8", "backslashreplace")
            rec.event(
                EventType.ERROR,
                {"message": "the last line was torn", "where": "journal", "raw": text},
            )
        await serving.end_terminals(rec)
        await run_end.ended(rec, read_exit(run.directory))
        await forget_exact(rec)
        rec.tx.after_commit(lambda: self._ctx.drop(run))

    def _note_shorter(self, rec: Recorder, error: JournalShorter) -> None:
        """After a loss of power the journal may lack its end: say so, never seek backwards."""
        if not rec.run.keeper_gone:
            return
        rec.event(EventType.ERROR, {"message": str(error), "where": "journal"})


def _step(events: int) -> int:
    """Return how many bytes to read for so many events, so that these are not far exceeded."""
    return min(max(events * BYTES_OF_LINE, SLICE_BYTES_LEAST), SLICE_BYTES)


def _has_news(run: LiveRun) -> bool:
    if run.ended:
        return False
    if run.keeper_gone or run.stale:
        return True
    if run.serving >= SERVED_AT_ONCE:
        return False
    if is_held_back(run.directory) != run.paused:
        return True
    try:
        return run.directory.journal.stat().st_size > run.read
    except OSError:
        return False


def _journal_size(run: LiveRun) -> int:
    try:
        return run.directory.journal.stat().st_size
    except OSError:
        return 0


def _is_behind(run: LiveRun, size: int) -> bool:
    if run.ended or run.failures:
        return False
    return run.keeper_gone or run.read < size
