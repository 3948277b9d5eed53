"""How the end of a run is settled: closed, crashed and resumed, ended by a limit (D2, D3)."""

from quarterdeck.agents.holding import ExitStatus, forwarded_offset, read_stderr
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import FROM_AGENTS, EventType
from quarterdeck.model.states import CommandKind, CommandState, RunState, SessionState
from quarterdeck.store import checkpoints, commands, event_finding, outbox, runs, sessions
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor import asking
from quarterdeck.supervisor.lifecycle import (
    RESUME_TRIES,
    begin,
    fail_session,
    fail_start,
    give_up,
)
from quarterdeck.supervisor.recorder import Recorder


async def ended(rec: Recorder, status: ExitStatus | None) -> None:
    """The keeper is gone and its journal read to the end: settle the run by why it ended."""
    run, tx = rec.run, rec.tx
    session = await sessions.load(tx.db, run.session_id)
    await asking.orphan_open(rec, "the agent ended")
    if session["active_run_id"] != run.run_id:
        await runs.finish(tx, run.run_id, RunState.CANCELLED, "replaced")
        return
    if session["active_command_id"] is not None:
        await checkpoints.save(tx, run.session_id, checkpoints.LATEST, run.run_id, run.last_seq)
    if run.stopping in ("close", "shutdown") or rec.ctx.ending:
        await _closed(rec, status)
    elif status is not None and status.reason == "limit":
        await _limit_exceeded(rec, status.detail)
    elif session["state"] == SessionState.STARTING:
        why = f"the agent ended during its start ({_describe(status)}){_last_words(rec)}"
        await fail_start(rec, why, recoverable=True, source="exit")
    else:
        await _crashed(rec, session, status)


async def _closed(rec: Recorder, status: ExitStatus | None) -> None:
    run, tx = rec.run, rec.tx
    reason = "closed" if run.stopping == "close" else "the supervisor was shut down with its agents"
    rec.event(EventType.SESSION_CLOSED, {"reason": reason, "exit": _describe(status)})
    await commands.finish_open(
        tx, run.session_id, CommandState.COMPLETED, reason, kinds=(CommandKind.CLOSE,)
    )
    await commands.finish_open(tx, run.session_id, CommandState.CANCELLED, reason)
    await runs.finish(tx, run.run_id, RunState.COMPLETED, reason)
    await sessions.move(
        tx,
        run.session_id,
        SessionState.CLOSED,
        source="exit",
        run_id=run.run_id,
        active_run_id=None,
        active_command_id=None,
        execution_state="terminal",
    )
    error = QuarterdeckError("agent_startup_failed", "the session was closed")
    tx.after_commit(lambda: run.handshake_over(error))


async def _crashed(rec: Recorder, session: Row, status: ExitStatus | None) -> None:
    """An agent that should live is gone: its turn failed; it is resumed, or a person is asked."""
    ctx, run, tx = rec.ctx, rec.run, rec.tx
    reason = f"the agent ended unexpectedly ({_describe(status)}){_last_words(rec)}"
    rec.event(EventType.RUN_FAILED, {"reason": reason, "exit": _describe(status)})
    await _tell_undelivered(rec)
    await commands.finish_open(
        tx, run.session_id, CommandState.FAILED, reason, handed_over_only=True
    )
    cut_short = session["active_command_id"]
    if cut_short is not None:
        rec.event(
            EventType.TERMINAL_STATUS,
            {"stop_reason": "interrupted", "command_id": cut_short, "error": reason},
        )
        await sessions.update(
            tx, run.session_id, terminal_status="interrupted", execution_state="terminal"
        )
    await runs.finish(tx, run.run_id, RunState.FAILED, reason)
    await sessions.update(tx, run.session_id, active_run_id=None, active_command_id=None)
    if session["resume_tries"] >= RESUME_TRIES:
        await give_up(rec, f"{reason}; it was resumed {RESUME_TRIES} times", source="exit")
        return
    await rec.flush()
    fresh = await sessions.load(tx.db, run.session_id)
    await begin(ctx, tx, fresh, "resume", source="recovery")


async def _tell_undelivered(rec: Recorder) -> None:
    """Say which decisions were made and may not have reached the agent before it ended."""
    run = rec.run
    await rec.flush()
    done = forwarded_offset(run.directory)
    words = await event_finding.nearest(
        rec.tx.db, run.run_id, FROM_AGENTS, from_seq=run.last_seq + 1, forward=False
    )
    for row in await outbox.undelivered_decisions(rec.tx, run.run_id, done, words or 0):
        told = f"the agent ended, maybe before it got the decision about: {row['subject'][:200]}"
        rec.event(
            EventType.ERROR,
            {"message": told, "where": "spool", "approval_id": row["approval_id"]},
        )


async def _limit_exceeded(rec: Recorder, detail: str) -> None:
    """Settle a run that its keeper has ended: it is not resumed, to exceed the limit again."""
    run, tx = rec.run, rec.tx
    reason = f"ended by a limit: {detail}"
    rec.event(EventType.RUN_FAILED, {"reason": reason, "limit": detail})
    session = await sessions.load(tx.db, run.session_id)
    cut_short = session["active_command_id"]
    if cut_short is not None:
        told = {"stop_reason": "interrupted", "command_id": cut_short, "error": reason}
        rec.event(EventType.TERMINAL_STATUS, told)
        await sessions.update(
            tx, run.session_id, terminal_status="interrupted", execution_state="terminal"
        )
    await runs.finish(tx, run.run_id, RunState.FAILED, reason)
    await fail_session(rec, reason, "limit_exceeded", source="exit")
    error = QuarterdeckError("agent_startup_failed", reason, session_id=run.session_id)
    tx.after_commit(lambda: run.handshake_over(error))


def _describe(status: ExitStatus | None) -> str:
    """Say in words how a process ended."""
    if status is None:
        return "its keeper was killed"
    if status.reason == "output_closed":
        return "it had closed its output"
    if status.signal is not None:
        return f"signal {status.signal}"
    return f"exit code {status.code}" if status.code is not None else status.reason


def _last_words(rec: Recorder) -> str:
    text = read_stderr(rec.run.directory, 600).decode("utf-8", "replace").strip()
    return f": {rec.redactor.redact(text)}" if text else ""
