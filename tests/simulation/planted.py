"""Bugs to be planted one at a time: what the simulation must find, or it proves nothing.

Each takes `put`, which replaces an attribute until the world has ended.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quarterdeck.agents import process
from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.store import commands, outbox
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import (
    asking,
    deciding,
    ingestion,
    lifecycle,
    recovery,
    serving,
    spooling,
    turns,
)
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.recorder import Recorder

Put = Callable[[Any, str, Any], None]


def offset_committed_apart(put: Put) -> None:
    """Events in one transaction, the journal's offset in the next."""
    written: dict[str, int] = {}
    row = Recorder.row

    def without_offset(self: Recorder) -> tuple[Any, ...]:
        seq, offset, *rest = row(self)
        run_id = self.run.run_id

        async def later(tx: Tx) -> None:
            await tx.run("UPDATE runs SET journal_offset = ? WHERE run_id = ?", (offset, run_id))
            written[run_id] = offset

        async def apart() -> None:
            await self.ctx.store.write(later, durable=False)

        self.tx.after_commit(lambda: self.ctx.do(apart(), "offset"))
        return (seq, written.get(run_id, 0), *rest)

    put(Recorder, "row", without_offset)


def lost_bell_trusted(put: Put) -> None:
    """An agent that is attached is not looked at before its bell rings."""
    attach = lifecycle.attach

    def deaf(ctx: Context, run: LiveRun, keeper: process.ProcessIdentity) -> None:
        look, ctx.look = ctx.look, lambda run: None
        try:
            attach(ctx, run, keeper)
        finally:
            ctx.look = look

    put(lifecycle, "attach", deaf)


def decision_answered_before_commit(put: Put) -> None:
    """A write is answered once its work is done, and committed afterwards."""
    write = Store.write

    async def eager(
        self: Store, work: Callable[[Tx], Awaitable[Any]], *, durable: bool = True
    ) -> Any:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def told(tx: Tx) -> Any:
            result = await work(tx)
            if not done.done():
                done.set_result(result)
            return result

        writing = asyncio.ensure_future(write(self, told, durable=durable))
        await asyncio.wait([writing, done], return_when=asyncio.FIRST_COMPLETED)
        return done.result() if done.done() else writing.result()

    put(Store, "write", eager)


def rollback_not_undone_in_memory(put: Put) -> None:
    """What a transaction did to a run in memory stays when it is rolled back."""
    put(LiveRun, "mark_stale", lambda self: None)


def key_not_looked_up(put: Put) -> None:
    """A prompt with a key that was seen is queued again."""
    insert = commands.insert

    async def forgetful(tx: Tx, session_id: str, *given: Any, **more: Any) -> Row:
        return await insert(tx, session_id, *given, **more | {"key": None})

    put(commands, "insert", forgetful)


def outbox_not_committed_first(put: Put) -> None:
    """A line goes into the spool at once, and its place is committed afterwards."""

    send = Recorder.send

    async def hasty(self: Recorder, fact: Any) -> None:
        await send(self, fact)
        sent, self._sent = self._sent, []
        spooling.append(self.run, sent)

    put(Recorder, "send", hasty)


def call_ids_reused_after_restart(put: Put) -> None:
    """A driver that is taken up again begins to number its calls anew."""
    from_state = AcpDriver.from_state

    def anew(state: dict[str, Any]) -> AcpDriver:
        driver = from_state(state)
        driver._peer.next_id = 1
        return driver

    put(AcpDriver, "from_state", anew)


def stale_run_accepted(put: Put) -> None:
    """A command for a run that was replaced is taken."""
    put(turns, "check_run", lambda session, run_id: None)


def live_agent_resumed(put: Put) -> None:
    """Recovery starts agents again that are alive: a second process for the session."""

    async def never(ctx: Context, session: Row) -> bool:
        return False

    put(recovery, "_reattach", never)
    put(process, "sweep", lambda run_id: set())


def last_decision_wins(put: Put) -> None:
    """A second decision takes the place of the first."""
    decide = deciding.decide

    async def again(ctx: Context, tx: Tx, wanted: deciding.Wanted) -> Any:
        if await tx.run("DELETE FROM decisions WHERE approval_id = ?", (wanted.approval_id,)):
            await tx.run(
                "UPDATE approvals SET state = 'pending' WHERE approval_id = ?",
                (wanted.approval_id,),
            )
        return await decide(ctx, tx, wanted)

    put(deciding, "decide", again)


def seq_from_memory_after_rollback(put: Put) -> None:
    """After a rollback the numbers go on where they would have been without it."""
    load = LiveRun.load

    def remembering(self: LiveRun, row: Row) -> None:
        last = self.last_seq
        load(self, row)
        self.last_seq = max(last, self.last_seq)

    put(LiveRun, "load", remembering)


def spool_not_caught_up(put: Put) -> None:
    """What was committed for an agent and not appended is forgotten by a restart."""

    async def nothing(db: Any, run: LiveRun) -> None:
        run.unspooled = []

    put(spooling, "catch_up", nothing)


def flood_not_heeded(put: Put) -> None:
    """Many rings at once are taken to be all there were."""

    def heard_only(self: ingestion.Ingestion) -> None:
        for name in self._bell.drain()[0]:
            run = self._ctx.live.get(name)
            if run is not None:
                self.look(run)

    put(ingestion.Ingestion, "_rung", heard_only)


def spool_appended_blindly(put: Put) -> None:
    """After a restart all that is kept of the outbox is appended again."""

    async def everything(db: Any, run: LiveRun) -> None:
        found = await outbox.undelivered(db, run.run_id)
        size = run.spool.size()
        for row in found:
            run.spool.append([(size, row["payload"])])
            size += len(row["payload"])
        spooling._ring(run)

    put(spooling, "catch_up", everything)


def recovery_tries_once(put: Put) -> None:
    """A disk that is full while the supervisor starts leaves sessions as they were found."""

    async def once(ctx: Context, work: Callable[[Tx], Awaitable[Any]]) -> None:
        await ctx.store.write(work)

    put(recovery, "write_in_the_end", once)


def answer_tried_once(put: Put) -> None:
    """What an agent asked for is done, and the answer is dropped if the disk is full."""

    async def once(
        ctx: Context, work: Callable[[Tx], Awaitable[Any]], *, durable: bool = True
    ) -> None:
        await ctx.store.write(work, durable=durable)

    put(serving, "write_in_the_end", once)


def prompt_handed_over_unsurely(put: Put) -> None:
    """A prompt goes to the agent in a transaction that a loss of power may undo."""
    put(Tx, "be_certain", lambda self: None)


def late_launcher_forgotten(put: Put) -> None:
    """A launcher that fails once its agent has answered leaves the session as it is."""
    put(LiveRun, "lost", lambda self: None)


def half_line_passed_over(put: Put) -> None:
    """The offset that is committed is behind all that was read, an unfinished line included."""
    row = Recorder.row

    def hasty(self: Recorder) -> tuple[Any, ...]:
        seq, _, *rest = row(self)
        return (seq, self.run.read, *rest)

    put(Recorder, "row", hasty)


def waiting_prompts_end_with_the_agent(put: Put) -> None:
    """An agent that dies takes prompts with it that it never got."""
    finish_open = commands.finish_open

    async def all_of_them(tx: Tx, *given: Any, **more: Any) -> list[str]:
        return await finish_open(tx, *given, **more | {"handed_over_only": False})

    put(commands, "finish_open", all_of_them)


def questions_of_the_dead_left_open(put: Put) -> None:
    """What an agent asked is asked on once it is gone."""

    async def nothing(rec: Recorder, why: str) -> None:
        pass

    put(asking, "orphan_open", nothing)


PLANTED: dict[str, Callable[[Put], None]] = {
    bug.__name__: bug
    for bug in (
        offset_committed_apart,
        lost_bell_trusted,
        flood_not_heeded,
        decision_answered_before_commit,
        rollback_not_undone_in_memory,
        seq_from_memory_after_rollback,
        key_not_looked_up,
        outbox_not_committed_first,
        spool_not_caught_up,
        spool_appended_blindly,
        call_ids_reused_after_restart,
        stale_run_accepted,
        live_agent_resumed,
        last_decision_wins,
        recovery_tries_once,
        answer_tried_once,
        prompt_handed_over_unsurely,
        late_launcher_forgotten,
        half_line_passed_over,
        waiting_prompts_end_with_the_agent,
        questions_of_the_dead_left_open,
    )
}

STORMY = {
    "prompt_handed_over_unsurely": "power",
    "recovery_tries_once": "disk",
    "answer_tried_once": "disk",
    "outbox_not_committed_first": "disk",
    "offset_committed_apart": "crash",
    "spool_not_caught_up": "crash",
    "rollback_not_undone_in_memory": "disk",
    "half_line_passed_over": "crash",
    "flood_not_heeded": "crash",
}
"""The weather in which a bug shows soon; the others show in any."""
