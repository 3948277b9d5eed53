"""A run's life: begun, launched, failed, put down, closed (R1-R9, D3)."""

import asyncio
import logging
from pathlib import Path
from typing import Literal

from quarterdeck.agents import environment, process
from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.holding import (
    KeeperSpec,
    SpawnFailed,
    SpoolDamaged,
    request_stop,
    spawn,
)
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.ids import Prefix, new_id, short
from quarterdeck.model.states import (
    ApprovalKind,
    ApprovalState,
    CommandState,
    RunState,
    SessionState,
)
from quarterdeck.store import (
    approvals,
    commands,
    forks,
    leases,
    runs,
    sessions,
    threads,
)
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import asking, limiting, origin
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.insisting import write_in_the_end
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.recorder import Recorder

RESUME_TRIES = 3
RETRY_SECONDS = 0.25
NOTE_AGAIN_SECONDS = 1.0
Via = Literal["new", "resume"]

RECOVERY_OPTIONS = [
    {"option_id": "resume", "name": "Resume the conversation", "kind": "resume"},
    {"option_id": "restart", "name": "Restart with a new conversation", "kind": "restart"},
    {"option_id": "abandon", "name": "Abandon the session", "kind": "abandon"},
]

_log = logging.getLogger(__name__)


async def begin(
    ctx: Context, tx: Tx, session: Row, via: Via, *, source: str, run_id: str | None = None
) -> LiveRun:
    """Make the session `starting` with a run of its own; launched after COMMIT (R2, R3).

    Of N concurrent starts one wins, since transactions come one after the other and the
    session's state is compared and set.

    Args:
        ctx: The supervisor's context.
        tx: The transaction.
        session: The session's row.
        via: `new` for a fresh conversation, `resume` for the agent's own old one.
        source: What the new state is known from.
        run_id: A run reserved before (state pending); else one is made.

    Raises:
        QuarterdeckError: `session_already_running`, or `shutting_down` while all runs are being
            ended; nothing was changed.
    """
    if ctx.ending:
        raise QuarterdeckError("shutting_down", "the supervisor is shutting down with its agents")
    session_id = session["session_id"]
    threads.check_not_deleted(session)
    fork = None if session["agent_session_id"] else await forks.find(tx.db, session_id)
    if fork is not None and run_id is None:
        reserved = await runs.load(tx.db, fork["run_id"])
        run_id = fork["run_id"] if reserved["state"] == RunState.PENDING else None
    if session["active_run_id"] not in (None, run_id):
        raise QuarterdeckError(
            "session_already_running",
            f"session {short(session_id)} has the run {session['active_run_id']}",
            active=session["active_run_id"],
        )
    if run_id is None:
        row = await runs.insert(tx, new_id(Prefix.RUN), session_id, via)
    else:
        row = await runs.load(tx.db, run_id)
    moved = await sessions.move(
        tx,
        session_id,
        SessionState.STARTING,
        source=source,
        active_run_id=row["run_id"],
        last_run_id=row["run_id"],
        last_event_seq=0,
        resume_tries=session["resume_tries"] + (via == "resume"),
    )
    if not moved:
        raise QuarterdeckError("session_already_running", f"session {session_id} is starting")
    row = await leases.claim(tx, row["run_id"], ctx.runner_id, supervisor=ctx.runner_id)
    run = ctx.hold(row, session["cwd"])
    run.agent = session["agent"]
    tx.after_rollback(lambda: ctx.drop(run))
    rec = await Recorder.open(ctx, tx, run)
    opening, known = await _opening(tx, session, fork, via)
    # Without a readable profile the launch fails, and says so; nothing may raise here.
    profile = ctx.profile_or_none(session["agent"])
    run.driver, facts = AcpDriver.start(
        cwd=session["cwd"],
        via=opening,
        agent_session_id=known,
        mode=None if profile is None else profile.mode,
    )
    await rec.say(facts)
    await asking.supersede_recovery(rec, "the session was started again")
    await rec.flush()
    run.started = asyncio.get_running_loop().create_future()
    agent, client_env = session["agent"], ctx.client_env.get(session_id, {})
    tx.after_commit(lambda: ctx.do(launch(ctx, run, agent, client_env), "launch"))
    return run


async def _opening(
    tx: Tx, session: Row, fork: Row | None, via: Via
) -> tuple[Literal["new", "resume", "fork"], str | None]:
    """Return how the agent is to open the session, and the agent's own id of what it opens."""
    if via == "resume":
        return "resume", session["agent_session_id"]
    known = None if fork is None else await forks.agent_session(tx, fork)
    return ("new", None) if known is None else ("fork", known)


async def launch(ctx: Context, run: LiveRun, agent: str, client_env: dict[str, str]) -> None:
    """Start the keeper of a run whose start is committed, and the handshake's clock."""
    try:
        profile = ctx.profile(agent)
        spec = KeeperSpec(
            argv=profile.command,
            cwd=Path(run.cwd),
            env=environment.build(profile, run.session_id, client_env),
            run_id=run.run_id,
            bell=ctx.places.bell,
            **limiting.of(ctx, profile),
        )
        run.directory.create()
        run.spool.append(run.unspooled)
        run.unspooled.clear()
        info = await spawn(run.directory, spec)
    except (SpawnFailed, SpoolDamaged, QuarterdeckError, OSError, ValueError) as error:
        reason = f"could not start {agent}: {error}"
        await _fail_start_now(ctx, run, reason, recoverable=False, source="exit")
        return
    _log.info("agent started", extra={"run": run.run_id, "pid": info.agent.pid, "agent": agent})
    attach(ctx, run, info.keeper)
    ctx.do(origin.note(ctx, run.session_id, run.cwd), "git origin")
    if run.stopping is not None:
        request_stop(run.directory)
        return
    set_deadline(ctx, run, profile.start_timeout)


def attach(ctx: Context, run: LiveRun, keeper: process.ProcessIdentity) -> None:
    """Watch a keeper; its end is looked into by ingestion, after the journal's last byte."""

    def gone() -> None:
        run.keeper_gone = True
        ctx.look(run)

    run.keeper = keeper
    run.unwatch = process.watch(keeper, gone)
    limiting.tell(run, whole=True)
    ctx.look(run)


def set_deadline(ctx: Context, run: LiveRun, seconds: float) -> None:
    """Fail the start unless the handshake is over within `seconds`."""

    def late() -> None:
        reason = f"the agent did not finish its handshake within {seconds:.0f} s"
        ctx.do(_fail_start_now(ctx, run, reason, recoverable=True, source="timeout"), "late start")

    if run.started is not None and not run.started.done():
        run.deadline = asyncio.get_running_loop().call_later(seconds, late)


async def _fail_start_now(
    ctx: Context, run: LiveRun, reason: str, *, recoverable: bool, source: str
) -> None:
    async def work(tx: Tx) -> None:
        rec = await Recorder.open(ctx, tx, run)
        session = await sessions.load(tx.db, run.session_id)
        if (
            run.keeper is None
            and session["active_run_id"] == run.run_id
            and session["state"] != SessionState.STARTING
        ):
            # The agent had answered before its launcher failed: a live run, and it has ended.
            rec.event(EventType.ERROR, {"message": reason, "where": "start"})
            tx.after_commit(run.lost)
        else:
            await fail_start(rec, reason, recoverable=recoverable, source=source)
        await rec.flush()

    try:
        if not run.ended:
            await write_in_the_end(ctx, work)
    finally:
        if run.keeper_gone:
            ctx.look(run)
        elif run.keeper is None:
            ctx.drop(run)


async def fail_start(rec: Recorder, reason: str, *, recoverable: bool, source: str) -> None:
    """End a run that did not get through its handshake (R4); a late failure changes nothing (R5).

    A failed resume is tried up to three times in all; then a person is asked (D2, D3).
    """
    ctx, tx, run = rec.ctx, rec.tx, rec.run
    session = await sessions.load(tx.db, run.session_id)
    if session["active_run_id"] != run.run_id or session["state"] != SessionState.STARTING:
        return
    reason = rec.redactor.redact(reason)
    await put_down(rec, "failed")
    await runs.finish(tx, run.run_id, RunState.FAILED, reason)
    rec.event(EventType.ERROR, {"message": reason, "where": "start"})
    error = QuarterdeckError(
        "agent_startup_failed", reason, session_id=run.session_id, run_id=run.run_id
    )
    tx.after_commit(lambda: run.handshake_over(error))
    tries = session["resume_tries"]
    await sessions.update(tx, run.session_id, active_run_id=None)
    if run.via != "resume":
        await fail_session(rec, reason, "agent_startup_failed", source=source)
    elif recoverable and tries < RESUME_TRIES:
        tx.after_commit(lambda: ctx.do(_retry(ctx, run.session_id, tries), "retry resume"))
    else:
        await give_up(rec, reason, source=source)


async def _retry(ctx: Context, session_id: str, tries: int) -> None:
    await asyncio.sleep(RETRY_SECONDS * tries)

    async def work(tx: Tx) -> None:
        session = await sessions.load(tx.db, session_id)
        if session["state"] == SessionState.STARTING and session["active_run_id"] is None:
            await begin(ctx, tx, session, "resume", source="recovery")

    if not (ctx.draining or ctx.ending):
        await write_in_the_end(ctx, work)


async def put_down(rec: Recorder, why: str) -> None:
    """Note that the run is being ended, and ask its keeper after COMMIT."""
    run = rec.run
    run.stopping = why
    await runs.update(rec.tx, run.run_id, stopping=why)
    rec.tx.after_commit(lambda: ask_to_stop(run))


def ask_to_stop(run: LiveRun) -> None:
    """Ask the run's keeper to end its agent, again until it was told."""
    if run.keeper is None or run.keeper_gone or run.ended:
        return
    if not request_stop(run.directory):
        asyncio.get_running_loop().call_later(NOTE_AGAIN_SECONDS, ask_to_stop, run)


async def fail_session(rec: Recorder, reason: str, kind: str, *, source: str) -> None:
    """Record that the session failed, why, and of what kind that is (R4, R7, D3)."""
    tx, run = rec.tx, rec.run
    rec.event(EventType.SESSION_FAILED, {"reason": reason, "failure_kind": kind})
    await commands.finish_open(tx, run.session_id, CommandState.FAILED, reason)
    await sessions.move(
        tx,
        run.session_id,
        SessionState.FAILED,
        source=source,
        failure=reason,
        failure_kind=kind,
        active_run_id=None,
        active_command_id=None,
    )


async def give_up(rec: Recorder, reason: str, *, source: str) -> None:
    """The session cannot be resumed: it needs a person, who is asked (D3)."""
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    await fail_session(rec, reason, "session_recovery_required", source=source)
    await sessions.update(
        rec.tx, rec.run.session_id, recovery_attempts=session["recovery_attempts"] + 1
    )
    text = (
        f"The agent of this session could not be resumed.\n{reason}\n"
        "Resume tries again, restart begins a new conversation in the same session,"
        " abandon closes the session."
    )
    await asking.ask(
        rec,
        NewApproval(
            session_id=rec.run.session_id,
            run_id=rec.run.run_id,
            kind=ApprovalKind.RECOVERY,
            title="Session recovery required",
            cwd=rec.run.cwd,
            payload={"kind": ApprovalKind.RECOVERY.value, "text": text},
            options=RECOVERY_OPTIONS,
            reason=reason,
        ),
    )


async def fail_running(rec: Recorder, reason: str) -> None:
    """End a live run as failed, from starting as well as running (R7)."""
    rec.event(EventType.RUN_FAILED, {"reason": reason})
    await asking.orphan_open(rec, reason)
    await put_down(rec, "failed")
    await runs.finish(rec.tx, rec.run.run_id, RunState.FAILED, reason)
    await fail_session(rec, reason, "run_failed", source="request")


async def restart_start(rec: Recorder) -> None:
    """Begin a start anew that the supervisor's end has cut short; nothing was asked yet (D2)."""
    ctx, run, tx = rec.ctx, rec.run, rec.tx
    reason = "the supervisor ended during the start"
    rec.event(EventType.RUN_FAILED, {"reason": reason})
    await rec.flush()
    await runs.finish(tx, run.run_id, RunState.FAILED, reason)
    await sessions.update(tx, run.session_id, active_run_id=None)
    session = await sessions.load(tx.db, run.session_id)
    via = "resume" if session["agent_session_id"] else "new"
    await begin(ctx, tx, session, via, source="recovery")


async def cancel_start(rec: Recorder) -> None:
    """End a start on request: A12's order, and no late answer can overwrite it (R5, R8)."""
    run, tx = rec.run, rec.tx
    reason = "cancelled during its start"
    await commands.finish_open(tx, run.session_id, CommandState.CANCELLED, reason)
    rec.event(EventType.SESSION_CLOSED, {"reason": reason})
    await put_down(rec, "cancel")
    await runs.finish(tx, run.run_id, RunState.CANCELLED, reason)
    await sessions.move(
        tx,
        run.session_id,
        SessionState.CLOSED,
        source="request",
        run_id=run.run_id,
        active_run_id=None,
        active_command_id=None,
    )
    error = QuarterdeckError("agent_startup_failed", reason, session_id=run.session_id)
    tx.after_commit(lambda: run.handshake_over(error))


async def close(rec: Recorder, why: Literal["close", "shutdown"]) -> None:
    """End a live run on purpose; it is closed once its whole process tree is gone."""
    run = rec.run
    for row in await approvals.pending_of_run(rec.tx, run.run_id):
        await asking.settle(rec, row, ApprovalState.ABORTED, "closed")
    if rec.run.driver is not None:
        await rec.say(rec.driver.cancel())
    await put_down(rec, why)
