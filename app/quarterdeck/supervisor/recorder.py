"""Writing one run's news within a transaction: events numbered, calls placed in the spool."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import Event, Fact, Send
from quarterdeck.agents.acp.plain_chunks import Chunks
from quarterdeck.model.event_types import EventType
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.store import events, outbox, runs
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import hook_kinds, indexing, spooling
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.hook_kinds import HookKind
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.redacting import RunRedaction


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows that differ in their text only: where the first is, what else they have, the texts."""

    at: int
    more: dict[str, Any]
    texts: list[str]


class Recorder:
    """The unit of work on one run inside one transaction.

    Events are numbered here, one after the other, and written by `flush`; so are the journal
    offset and the driver's state. Together with the transaction this is why nothing is lost
    and nothing comes twice (DESIGN §4, A2).
    """

    def __init__(self, ctx: Context, tx: Tx, run: LiveRun) -> None:
        self.ctx, self.tx, self.run = ctx, tx, run
        self.rows: list[events.EventRow] = []
        self.stretches: list[Stretch] = []
        """Which of the rows were chunks in a row."""
        self._sent: list[tuple[int, bytes]] = []
        self._news: list[tuple[str, dict[str, Any]]] = []
        self.line_at: int | None = None
        """Where the journal line that is being applied begins; None between lines."""
        tx.after_rollback(run.mark_stale)

    @classmethod
    async def open(cls, ctx: Context, tx: Tx, run: LiveRun) -> "Recorder":
        """Begin to record for a held run, reading it again if memory is ahead of the store."""
        if run.stale:
            run.load(await runs.load(tx.db, run.run_id))
        return cls(ctx, tx, run)

    @property
    def driver(self) -> AcpDriver:
        """The run's driver; a run that was never launched has none."""
        assert self.run.driver is not None
        return self.run.driver

    def event(self, kind: EventType, payload: dict[str, Any]) -> None:
        """Add an event to the run's trace."""
        for shown, told in self._redaction.recorded(kind, payload, self.line_at):
            self._add(shown, told)

    def chunks(self, said: Chunks, data_at: int) -> None:
        """Add the events of chunks in a row; the same as an event for each.

        Args:
            said: What the driver read.
            data_at: Where in the journal the data begins that it was read from.
        """
        starts = [data_at + start for start in said.starts]
        before, more, texts = self._redaction.chunks(said.type, said.more, said.texts, starts)
        for shown, told in before:
            self._add(shown, told)
        run, kind, first = self.run, said.type.value, self.run.last_seq + 1
        self.stretches.append(Stretch(len(self.rows), more, texts))
        payloads = events.encode_texts(more, texts)
        self.rows += [
            (run.run_no, seq, kind, self.tx.at, payload)
            for seq, payload in enumerate(payloads, first)
        ]
        run.last_seq += len(texts)
        all_told = len(texts) == 1 or self.ctx.hears(HookKind.RESPONSE_DELTA)
        told_of = texts if all_told else texts[:1]
        for seq, text in enumerate(told_of, first):
            self._news += hook_kinds.of_event(said.type, more | {"text": text}, seq)

    @property
    def _redaction(self) -> RunRedaction:
        if self.run.redaction is None:
            self.run.redaction = RunRedaction(
                self.redactor, self.run.directory.journal, self.run.redaction_state
            )
        return self.run.redaction

    def _add(self, shown: EventType, told: dict[str, Any]) -> None:
        self.run.last_seq += 1
        encoded = events.encode(told)
        self.rows.append((self.run.run_no, self.run.last_seq, shown.value, self.tx.at, encoded))
        self._news += hook_kinds.of_event(shown, told, self.run.last_seq)

    @property
    def has_sent(self) -> bool:
        """Whether lines for the agent are in this transaction."""
        return bool(self._sent)

    @property
    def redactor(self) -> Redactor:
        """What hides secrets, by the configuration and the environments of now."""
        return self.ctx.redactors.current(self.ctx.client_env)

    def hook(self, kind: HookKind, payload: dict[str, Any]) -> None:
        """Tell the hooks of a step that is no event of its own, in order with the others (C6)."""
        self._news.append((kind.value, payload))

    async def send(self, fact: Send) -> None:
        """Commit a line to the agent with its place in the spool; it is appended after COMMIT."""
        run = self.run
        entry = outbox.Entry(
            run_id=run.run_id,
            ordinal=run.outbox_count + 1,
            start=run.spool_size,
            payload=fact.line,
            role=fact.role,
            method=fact.method,
            rpc_id=fact.rpc_id,
            command_id=fact.command_id,
        )
        await outbox.insert(self.tx, entry)
        run.outbox_count += 1
        run.spool_size += len(fact.line)
        self._sent.append((entry.start, entry.payload))

    async def say(self, facts: Iterable[Fact]) -> None:
        """Send and record what a call of ours on the driver led to."""
        for fact in facts:
            if isinstance(fact, Send):
                await self.send(fact)
            elif isinstance(fact, Event):
                self.event(fact.type, fact.payload)

    async def flush(self) -> None:
        """Write what was recorded so far."""
        await flush_all(self.tx, [self])

    def row(self) -> tuple[Any, ...]:
        """Return the columns of the run that `flush_all` writes."""
        run = self.run
        driver = None
        if run.driver is not None and (run.driver.dirty or run.paused != run.paused_stored):
            state = run.driver.to_state(hide=lambda value: self.redactor.redact_value(value))
            state["paused"] = run.paused
            run.paused_stored = run.paused
            driver = json.dumps(state, separators=(",", ":"))
        return (
            run.last_seq,
            run.offset,
            int(run.splitter.skipping),
            run.spool_size,
            run.outbox_count,
            driver,
            None if run.redaction is None else run.redaction.state(),
            run.run_id,
        )

    def written(self) -> None:
        """Note that what was recorded is in the transaction; its lines are spooled after COMMIT."""
        if self._sent:
            sent, run = self._sent, self.run
            self.tx.after_commit(lambda: spooling.append(run, sent))
        if self._news:
            news, told = self._news, self.run
            self.tx.after_commit(lambda: self.ctx.tell(told, news))
        self.rows, self.stretches, self._sent, self._news = [], [], [], []


async def flush_all(tx: Tx, recorders: Iterable[Recorder]) -> None:
    """Write the news of several runs, a statement for each table and not for each run."""
    recorders = list(recorders)
    await indexing.opened(tx, recorders)
    await events.insert_many(tx, [row for recorder in recorders for row in recorder.rows])
    await indexing.taken(tx, recorders)
    await tx.many(
        "UPDATE runs SET last_event_seq = ?, journal_offset = ?, journal_skipping = ?,"
        " spool_size = ?, outbox_count = ?, driver = COALESCE(?, driver),"
        " redaction = COALESCE(?, redaction) WHERE run_id = ?",
        [recorder.row() for recorder in recorders],
    )
    spoken = [recorder for recorder in recorders if recorder.rows]
    await tx.many(
        "UPDATE sessions SET last_event_seq = ?, last_activity = ? WHERE session_id = ?"
        " AND COALESCE(active_run_id, last_run_id) = ?",
        [(r.run.last_seq, tx.at, r.run.session_id, r.run.run_id) for r in spoken],
    )
    for recorder in recorders:
        recorder.written()


async def record_on(ctx: Context, tx: Tx, row: Row, cwd: str) -> Recorder:
    """Begin to record on a run by its row, whether or not it has an agent."""
    held = ctx.live.get(row["run_id"])
    if held is not None:
        return await Recorder.open(ctx, tx, held)
    return Recorder(ctx, tx, ctx.make(row, cwd))
