"""Cancelling a whole run, in the order that its trace keeps (A12)."""

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import (
    PROMPT_KINDS,
    TERMINAL_RUN_STATES,
    ApprovalState,
    CommandState,
    RunState,
    SessionState,
)
from quarterdeck.store import approvals, commands, runner_jobs, runs, sessions
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import asking, lifecycle
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder, record_on


async def cancel_run(ctx: Context, tx: Tx, run_id: str, reason: str) -> Row:
    """End a run as cancelled: its open commands first, then the reason, then the run.

    What its agent still says on its way out belongs to no run any more and is not recorded. A run
    that has ended is returned as it is (A1).
    """
    row = await runs.load(tx.db, run_id)
    if row["state"] in TERMINAL_RUN_STATES:
        return row
    session = await sessions.load(tx.db, row["session_id"])
    rec = await record_on(ctx, tx, row, session["cwd"])
    if session["active_run_id"] == run_id:
        await _end_active(rec, reason)
    else:
        _record_end(rec, reason)
        await sessions.notice(tx, row["session_id"])
    await runs.finish(tx, run_id, RunState.CANCELLED, reason)
    await runner_jobs.forget_exact(tx, run_id, rec.redactor.redact_value)
    await rec.flush()
    return await runs.load(tx.db, run_id)


async def _end_active(rec: Recorder, reason: str) -> None:
    run, tx = rec.run, rec.tx
    for row in await approvals.pending_of_run(tx, run.run_id):
        await asking.settle(rec, row, ApprovalState.ABORTED, reason)
    for command in await commands.open_of_session(tx, run.session_id):
        await commands.set_state(tx, command["command_id"], CommandState.CANCELLED, reason)
        if command["kind"] in PROMPT_KINDS:
            rec.event(
                EventType.TERMINAL_STATUS,
                {"stop_reason": "cancelled", "command_id": command["command_id"]},
            )
    _record_end(rec, reason)
    if run.driver is not None and run.driver.ready:
        await rec.say(rec.driver.cancel())
    await lifecycle.put_down(rec, "cancel")
    await sessions.move(
        tx,
        run.session_id,
        SessionState.CLOSED,
        source="request",
        run_id=run.run_id,
        active_run_id=None,
        active_command_id=None,
        execution_state="terminal",
        terminal_status="cancelled",
    )
    error = QuarterdeckError("agent_startup_failed", reason, session_id=run.session_id)
    tx.after_commit(lambda: run.handshake_over(error))


def _record_end(rec: Recorder, reason: str) -> None:
    rec.event(EventType.BACKEND_STATUS, {"message": f"the run is cancelled: {reason}"})
    rec.event(EventType.SESSION_CLOSED, {"reason": reason, "state": RunState.CANCELLED.value})
