"""What the supervisor does within a transaction, on the store or on the plain model of it.

A scenario takes `on`: a `RealTx` or a `PlainTx`. Both have the same methods, so a scenario is
written once and what it returns, refuses and leaves behind can be compared.
"""

from functools import partial
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import (
    ACTION_LEADS_TO,
    Action,
    ApprovalKind,
    ApprovalState,
    CommandKind,
    CommandState,
    RunState,
    SessionState,
)
from quarterdeck.store import (
    approvals,
    checkpoints,
    commands,
    events,
    purging,
    readers,
    runs,
    sessions,
    threads,
)
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.sessions import NewSession
from quarterdeck.store.transaction import Row, Tx
from tests.store.plain_model import PlainTx

STOPPED = {
    "closed": (RunState.COMPLETED, SessionState.CLOSED, CommandState.CANCELLED),
    "failed": (RunState.FAILED, SessionState.FAILED, CommandState.FAILED),
    "slept": (RunState.COMPLETED, SessionState.ASLEEP, None),
    "lost": (RunState.BLOCKED, SessionState.UNKNOWN, None),
}


class RealTx:
    """The store's own functions with their transaction, under the names the model has."""

    def __init__(self, tx: Tx) -> None:
        self.tx, self.at = tx, tx.at
        self.session = partial(sessions.load, tx.db)
        self.insert_session = partial(sessions.insert, tx)
        self.move = partial(sessions.move, tx)
        self.notice = partial(sessions.notice, tx)
        self.notice_quietly = partial(sessions.notice_quietly, tx)
        self.update_session = partial(sessions.update, tx)
        self.count_approvals = partial(sessions.count_approvals, tx)
        self.rename = partial(threads.rename, tx)
        self.set_pinned = partial(threads.set_pinned, tx)
        self.set_archived = partial(threads.set_archived, tx)
        self.delete = partial(threads.delete, tx)
        self.restore = partial(threads.restore, tx)
        self.mark = partial(readers.mark, tx)
        self.unmark = partial(readers.unmark, tx)
        self.mark_all = partial(readers.mark_all, tx)
        self.insert_run = partial(runs.insert, tx)
        self.run = partial(runs.load, tx.db)
        self.update_run = partial(runs.update, tx)
        self.finish_run = partial(runs.finish, tx)
        self.delete_checkpoint = partial(checkpoints.delete, tx)
        self.command = partial(commands.load, tx.db)
        self.insert_command = partial(commands.insert, tx)
        self.set_state = partial(commands.set_state, tx)
        self.acknowledge = partial(commands.acknowledge, tx)
        self.queue = partial(commands.queue, tx)
        self.next_turn = partial(commands.next_turn, tx)
        self.open_of_session = partial(commands.open_of_session, tx)
        self.is_queued = commands.is_queued
        self.set_text = partial(commands.set_text, tx)
        self.move_before = partial(commands.move_before, tx)
        self.put_first = partial(commands.put_first, tx)
        self.finish_open = partial(commands.finish_open, tx)
        self.insert_approval = partial(approvals.insert, tx)
        self.approval = partial(approvals.load, tx.db)
        self.settle = partial(approvals.settle, tx)
        self.pending_of_run = partial(approvals.pending_of_run, tx)
        self.pending_of_session = partial(approvals.pending_of_session, tx)
        self.record_decision = partial(approvals.record_decision, tx)
        self.decision_of = partial(approvals.decision_of, tx.db)
        self.grant = partial(approvals.grant, tx)
        self.granted = partial(approvals.granted, tx)
        self.approved_in_turn = partial(approvals.approved_in_turn, tx)
        self.consume = partial(approvals.consume, tx)

    async def by_key(self, project: str, key: str) -> Row | None:
        sql = "SELECT * FROM sessions WHERE project = ? AND start_key = ?"
        return await self.tx.one(sql, (project, key))

    async def set_command_run(self, command_id: str, run_id: str) -> None:
        sql = "UPDATE commands SET run_id = ? WHERE command_id = ?"
        await self.tx.run(sql, (run_id, command_id))

    async def save_checkpoint(self, session_id: str, name: str, run_id: str, seq: int) -> None:
        await checkpoints.save(self.tx, session_id, name, run_id, seq)

    async def purge_rest(self, session_id: str, before: int) -> bool:
        sql = "SELECT deleted_at FROM sessions WHERE session_id = ?"
        row = await self.tx.one(sql, (session_id,))
        if row is not None and row[0] is not None and row[0] < before:
            while await purging.purge_events(self.tx, session_id):
                pass
        return await purging.purge_rest(self.tx, session_id, before)

    async def record(self, run_id: str, told: list[tuple[str, str]]) -> None:
        """Number and write a run's events, as a flush of the recorder does."""
        run = await runs.load(self.tx.db, run_id)
        batch: list[events.EventRow] = []
        for number, (kind, payload) in enumerate(told, run["last_event_seq"] + 1):
            batch.append((run["run_no"], number, kind, self.at, payload))
        await events.insert_many(self.tx, batch)
        await self.tx.run(
            "UPDATE runs SET last_event_seq = ? WHERE run_id = ?", (batch[-1][1], run_id)
        )
        await self.tx.run(
            "UPDATE sessions SET last_event_seq = ?, last_activity = ? WHERE session_id = ?"
            " AND COALESCE(active_run_id, last_run_id) = ?",
            (batch[-1][1], self.at, run["session_id"], run_id),
        )


On = PlainTx
"""Either of them: a `RealTx` is handed over as one, its methods have the same names."""


async def begin(on: On, session_id: str, run_id: str) -> None:
    """Start the session's agent in a run that there is."""
    tries = (await on.session(session_id))["resume_tries"]
    await on.move(
        session_id,
        SessionState.STARTING,
        source="request",
        active_run_id=run_id,
        last_run_id=run_id,
        last_event_seq=0,
        resume_tries=tries + 1,
    )


async def create(on: On, new: NewSession, run_id: str, bundle: str | None) -> str:
    """Create a session with its first run and prompt, or find it by its key (A4)."""
    if new.start_key is not None:
        first = await on.by_key(new.project, new.start_key)
        if first is not None:
            if first["start_sha256"] != new.start_sha256:
                raise QuarterdeckError("conflict", new.start_key)
            return first["session_id"]
    await on.insert_session(new)
    await on.insert_run(run_id, new.session_id, "new", bundle)
    await on.insert_command(new.session_id, run_id, CommandKind.TURN, text=new.title)
    await begin(on, new.session_id, run_id)
    return new.session_id


async def prompt(
    on: On, session_id: str, run_id: str, text: str, key: str | None, *, steer: bool
) -> str:
    """Queue a prompt; begin the run `run_id` if none is live (R6)."""
    session = await on.session(session_id)
    if session["deleted_at"] is not None:
        raise QuarterdeckError("session_deleted", session_id)
    active = session["active_run_id"]
    kind = CommandKind.STEER if steer else CommandKind.TURN
    row = await on.insert_command(
        session_id, active, kind, text=text, key=key, payload_sha256=text if key else None
    )
    if row["state"] != "pending":
        return row["command_id"]
    if steer:
        await on.put_first(row)
    if active is None and session["state"] != "starting":
        await on.insert_run(run_id, session_id, "resume")
        await begin(on, session_id, run_id)
        await on.set_command_run(row["command_id"], run_id)
    await on.notice(session_id)
    return row["command_id"]


async def started(on: On, session_id: str) -> bool:
    """The agent has answered the handshake."""
    run_id = (await on.session(session_id))["active_run_id"]
    if run_id is None:
        return False
    await on.update_run(run_id, state="running", agent_info='{"name":"x"}')
    await on.record(run_id, [("session.started", "{}")])
    return await on.move(session_id, SessionState.IDLE, source="event", run_id=run_id)


async def hand_over(on: On, session_id: str) -> str | None:
    """Give the next waiting prompt to an idle agent."""
    session = await on.session(session_id)
    run_id = session["active_run_id"]
    row = await on.next_turn(session_id)
    if session["state"] != "idle" or run_id is None or row is None:
        return None
    await on.record(run_id, [("user_message", '{"text":"…"}')])
    seq = (await on.run(run_id))["last_event_seq"]
    await on.save_checkpoint(session_id, "latest", run_id, seq)
    await on.acknowledge(row["command_id"], run_id)
    await on.move(
        session_id,
        SessionState.RUNNING,
        source="request",
        run_id=run_id,
        execution_state="running",
        active_command_id=row["command_id"],
        last_command_id=row["command_id"],
    )
    return row["command_id"]


async def turn_ends(on: On, session_id: str, status: str) -> list[str]:
    """The agent has answered a prompt."""
    session = await on.session(session_id)
    run_id, command_id = session["active_run_id"], session["active_command_id"]
    if run_id is None or command_id is None:
        return []
    ended = await on.finish_open(
        session_id, CommandState.COMPLETED, "the turn ended", kinds=(CommandKind.CANCEL,)
    )
    state = CommandState.CANCELLED if status == "cancelled" else CommandState.COMPLETED
    await on.set_state(command_id, state, status)
    for row in await on.pending_of_run(run_id):
        await on.settle(row["approval_id"], ApprovalState.SUPERSEDED, "superseded")
    await on.record(run_id, [("terminal_status", "{}")])
    await on.move(
        session_id,
        SessionState.IDLE,
        source="event",
        run_id=run_id,
        active_command_id=None,
        execution_state="terminal",
        terminal_status=status,
    )
    return ended


async def stop(on: On, session_id: str, how: str) -> bool:
    """The session's run ends: closed, failed, put to sleep, or its agent lost."""
    session = await on.session(session_id)
    run_id = session["active_run_id"]
    if run_id is None:
        return False
    run_state, to, left = STOPPED[how]
    if left is None:
        await on.finish_open(session_id, CommandState.FAILED, how, handed_over_only=True)
    else:
        await on.finish_open(session_id, left, how)
    for row in await on.pending_of_run(run_id):
        await on.settle(row["approval_id"], ApprovalState.ORPHANED, "orphaned")
    await on.record(run_id, [("session.closed", "{}")])
    await on.finish_run(run_id, run_state, how)
    moved = await on.move(
        session_id, to, source="exit", run_id=run_id, failure=how if how == "failed" else None
    )
    await on.update_session(session_id, active_run_id=None, active_command_id=None)
    return moved


async def reflect(on: On, session_id: str) -> None:
    """Make a session wait while something is asked, and go on afterwards."""
    waits = await on.count_approvals(session_id)
    session = await on.session(session_id)
    if waits and session["state"] in ("idle", "running"):
        await on.move(session_id, SessionState.WAITING, source="event")
    elif not waits and session["state"] == "waiting":
        busy = session["active_command_id"] is not None
        to = SessionState.RUNNING if busy else SessionState.IDLE
        await on.move(session_id, to, source="event")


def asked(session_id: str, run_id: str, command_id: str | None, what: int) -> NewApproval:
    """Return one of a few questions."""
    kind = (ApprovalKind.TOOL_CALL, ApprovalKind.TERMINAL, ApprovalKind.RECOVERY)[what % 3]
    payload = {"tool_call": {"kind": "execute", "raw_input": {"command": f"echo {what}"}}}
    return NewApproval(
        session_id=session_id,
        run_id=run_id,
        command_id=command_id,
        kind=kind,
        title=f"Run {what}",
        cwd="/w",
        payload=payload,
        options=[{"option_id": "resume"}],
    )


async def ask(on: On, session_id: str, what: int) -> str | None:
    """Store a question; one that was granted for the session is answered at once."""
    session = await on.session(session_id)
    run_id = session["active_run_id"] or session["last_run_id"]
    if run_id is None:
        return None
    new = asked(session_id, run_id, session["active_command_id"], what)
    row = await on.insert_approval(new)
    if await on.granted(session_id, new.fingerprint) is not None:
        await _decided(on, row, Action.APPROVE, "grant")
    await reflect(on, session_id)
    return row["approval_id"]


async def decide(
    on: On, approval_id: str, run_id: str, action: Action, token: str, what: int
) -> str:
    """Apply a person's decision, the first one (C5)."""
    row = await on.approval(approval_id)
    if row["run_id"] != run_id:
        raise QuarterdeckError("stale", run_id)
    before = await on.decision_of(approval_id)
    if before is not None and (before["token"], before["action"]) == (token, action.value):
        return before["decision_id"]
    if row["state"] != "pending":
        raise QuarterdeckError("not_pending", row["state"])
    decision = await _decided(on, row, action, token)
    if action is Action.APPROVE_SESSION:
        await on.grant(row, asked(row["session_id"], run_id, None, what).fingerprint)
    await reflect(on, row["session_id"])
    return decision


async def _decided(on: On, row: Any, action: Action, token: str) -> str:
    decision = await on.record_decision(
        row, action=action.value, option=None, reason=None, token=token, decided_by="me"
    )
    await on.settle(row["approval_id"], ACTION_LEADS_TO[action], action.value)
    return decision["decision_id"]


async def use_up(on: On, run_id: str, command_id: str | None) -> list[str]:
    """Use up the oldest thing that was approved in a turn; return all that there were."""
    found = await on.approved_in_turn(run_id, command_id)
    if found:
        await on.consume(found[0]["approval_id"])
    return [row["approval_id"] for row in found]


async def edit(on: On, command_id: str, text: str) -> None:
    """Change a waiting prompt."""
    row = await on.command(command_id)
    if on.is_queued(row):
        await on.set_text(command_id, text)
        await on.notice_quietly(row["session_id"])


async def reorder(on: On, command_id: str, before: str | None) -> list[str]:
    """Move a waiting prompt; return the queue."""
    row = await on.command(command_id)
    if on.is_queued(row):
        await on.move_before(row, before)
        await on.notice_quietly(row["session_id"])
    return [other["command_id"] for other in await on.queue(row["session_id"])]


async def take_back(on: On, command_id: str) -> bool:
    """Take a waiting prompt back."""
    row = await on.command(command_id)
    if not on.is_queued(row):
        return False
    await on.notice_quietly(row["session_id"])
    return await on.set_state(command_id, CommandState.CANCELLED, "taken back")


async def checkpoint(on: On, session_id: str, name: str) -> None:
    """Name where the session stands."""
    session = await on.session(session_id)
    if session["deleted_at"] is not None:
        raise QuarterdeckError("session_deleted", session_id)
    run_id = session["active_run_id"] or session["last_run_id"]
    await on.save_checkpoint(session_id, name, run_id, session["last_event_seq"])
