"""Questions to a person: put as rows, answered if granted before, settled when moot (DESIGN §4)."""

import json
import shlex
from typing import Any

from quarterdeck.agents.acp.facts import PermissionAsked, PermissionWithdrawn, TerminalAsked
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import Action, ApprovalKind, ApprovalState, SessionState
from quarterdeck.model.titles import fold
from quarterdeck.store import approvals, sessions
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor import serving
from quarterdeck.supervisor.recorder import Recorder

_SHELLS = ("sh", "bash", "zsh", "dash", "/bin/sh", "/bin/bash", "/usr/bin/bash")


async def permission(rec: Recorder, fact: PermissionAsked) -> None:
    """Put an agent's session/request_permission, or answer it by what was allowed before."""
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    new = NewApproval(
        session_id=rec.run.session_id,
        run_id=rec.run.run_id,
        kind=ApprovalKind.TOOL_CALL,
        title=fact.title,
        cwd=str(fact.payload.get("cwd") or rec.run.cwd),
        payload=fact.payload,
        options=fact.payload.get("options") or [],
        request_id=fact.request_id,
        command_id=session["active_command_id"],
    )
    granted = await approvals.granted(rec.tx, new.session_id, new.fingerprint)
    if granted is None:
        await ask(rec, new)
        return
    row = await approvals.insert(rec.tx, new, ApprovalState.APPROVED)
    requested(rec, row)
    decided(rec, row, Action.APPROVE.value, by=f"grant of {granted}")
    await rec.say(rec.driver.answer_permission(fact.request_id, Action.APPROVE))


async def terminal(rec: Recorder, fact: TerminalAsked) -> None:
    """Serve terminal/*; a new one only if its exact command was approved in this turn (C4)."""
    if fact.op != "create":
        await serving.serve(rec, fact.request_id, f"terminal_{fact.op}", fact.params)
        return
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    forms = _forms(fact.params)
    covering = await approvals.approved_in_turn(
        rec.tx, rec.run.run_id, session["active_command_id"]
    )
    match = next((row for row in covering if _command_of(row) in forms), None)
    if match is not None:
        await approvals.consume(rec.tx, match["approval_id"])
        await serving.serve(rec, fact.request_id, "terminal_create", fact.params)
        return
    await serving.hold(rec, fact.request_id, fact.params)
    command = forms[0]
    cwd = str(fact.params.get("cwd") or rec.run.cwd)
    raw = {"command": command, "env": fact.params.get("env")}
    payload = {
        "kind": ApprovalKind.TERMINAL.value,
        "tool_call": {"kind": "execute", "raw_input": {k: v for k, v in raw.items() if v}},
        "params": fact.params,
        "cwd": cwd,
    }
    new = NewApproval(
        session_id=rec.run.session_id,
        run_id=rec.run.run_id,
        kind=ApprovalKind.TERMINAL,
        title=f"Run {fold(command, 80)}",
        cwd=cwd,
        payload=payload,
        options=[],
        request_id=fact.request_id,
        command_id=session["active_command_id"],
        reason="the agent wants to run a command it asked no permission for",
    )
    if await approvals.granted(rec.tx, new.session_id, new.fingerprint) is not None:
        row = await approvals.insert(rec.tx, new, ApprovalState.APPROVED)
        requested(rec, row)
        decided(rec, row, Action.APPROVE.value, by="grant")
        await serving.release_held(rec, fact.request_id)
        return
    await ask(rec, new)


def _forms(params: dict[str, Any]) -> list[str]:
    """Return the texts by which an approval may have named this command, the exact one first."""
    command, args = str(params.get("command", "")), [str(a) for a in params.get("args") or []]
    if not args:
        return [command]
    forms = [shlex.join([command, *args])]
    if command in _SHELLS and len(args) == 2 and args[0] in ("-c", "-lc"):
        forms.append(args[1])
    return forms


def _command_of(row: Row) -> str | None:
    call = json.loads(row["payload"]).get("tool_call") or {}
    raw = call.get("raw_input")
    command = raw.get("command") if isinstance(raw, dict) else None
    return command if isinstance(command, str) else None


async def ask(rec: Recorder, new: NewApproval) -> Row:
    """Store a question; whoever shows sessions sees that this one waits."""
    row = await approvals.insert(rec.tx, new)
    requested(rec, row)
    await reflect(rec)
    return row


def requested(rec: Recorder, row: Row) -> None:
    """Record that something was asked."""
    rec.event(
        EventType.APPROVAL_REQUESTED,
        {
            "approval_id": row["approval_id"],
            "kind": row["kind"],
            "title": row["title"],
            "subject": row["subject"],
            "payload_sha256": row["payload_sha256"],
        },
    )


def decided(
    rec: Recorder,
    row: Row,
    action: str,
    *,
    by: str,
    reason: str | None = None,
    option: str | None = None,
) -> None:
    """Record how it was answered, by whom."""
    payload = {"approval_id": row["approval_id"], "action": action, "by": by}
    payload |= {} if reason is None else {"reason": reason}
    payload |= {} if option is None else {"option": option}
    rec.event(EventType.APPROVAL_DECIDED, payload)


async def settle(rec: Recorder, row: Row, state: ApprovalState, why: str) -> None:
    """End a question that nobody will answer any more, and say so in the trace."""
    if await approvals.settle(rec.tx, row["approval_id"], state, state.value):
        decided(rec, row, state.value, by="supervisor", reason=why)


async def reflect(rec: Recorder) -> None:
    """Make the session `waiting` while a question is open, and what it was afterwards."""
    open_ones = await sessions.count_approvals(rec.tx, rec.run.session_id)
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    state = SessionState(session["state"])
    if open_ones and state in (SessionState.IDLE, SessionState.RUNNING):
        wanted = SessionState.WAITING
    elif not open_ones and state is SessionState.WAITING:
        busy = session["active_command_id"] is not None
        wanted = SessionState.RUNNING if busy else SessionState.IDLE
    else:
        return
    await sessions.move(rec.tx, rec.run.session_id, wanted, source="event", run_id=rec.run.run_id)


async def withdrawn(rec: Recorder, fact: PermissionWithdrawn) -> None:
    """The agent took its question back."""
    wanted = json.dumps(fact.request_id)
    for row in await approvals.pending_of_run(rec.tx, rec.run.run_id):
        if row["request_id"] == wanted:
            await settle(rec, row, ApprovalState.SUPERSEDED, "the agent withdrew it")
    await reflect(rec)


async def supersede_open(rec: Recorder, why: str) -> None:
    """End the run's open questions: the turn they belonged to is over."""
    for row in await approvals.pending_of_run(rec.tx, rec.run.run_id):
        await settle(rec, row, ApprovalState.SUPERSEDED, why)


async def orphan_open(rec: Recorder, why: str) -> None:
    """End the run's open questions: whoever asked is gone."""
    for row in await approvals.pending_of_run(rec.tx, rec.run.run_id):
        if row["kind"] != ApprovalKind.RECOVERY:
            await settle(rec, row, ApprovalState.ORPHANED, why)


async def supersede_recovery(rec: Recorder, why: str) -> None:
    """End the session's recovery questions: it is being started again."""
    for row in await approvals.pending_of_session(
        rec.tx, rec.run.session_id, ApprovalKind.RECOVERY
    ):
        await settle(rec, row, ApprovalState.SUPERSEDED, why)
