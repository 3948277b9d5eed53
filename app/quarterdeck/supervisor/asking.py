"""Questions to a person: put as rows, answered if granted before, settled when moot (DESIGN §4)."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from quarterdeck.agents.acp.facts import (
    FormAsked,
    PermissionAsked,
    PermissionWithdrawn,
    TerminalAsked,
)
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import (
    ACTION_LEADS_TO,
    Action,
    ApprovalKind,
    ApprovalState,
    SessionState,
)
from quarterdeck.model.titles import fold
from quarterdeck.policy.call import Decision
from quarterdeck.rpc import message
from quarterdeck.store import agent_requests, approvals, sessions
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor import judging, serving
from quarterdeck.supervisor.hook_kinds import HookKind
from quarterdeck.supervisor.recorder import Recorder

HELD_KINDS: dict[str, str] = {
    ApprovalKind.TERMINAL.value: "terminal_create",
    ApprovalKind.FILE.value: "file",
}
"""Kinds of approvals for which a request of the agent is held, and what serves it."""
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
    new, answer = await judged(rec, _of_its_kind(rec, new, session), session)
    if answer is None:
        asked = await agent_requests.insert(
            rec.tx, rec.run.run_id, fact.request_id, agent_requests.PERMISSION, {}
        )
        await ask(rec, replace(new, request_no=asked.request_no))
    else:
        why = new.reason if answer is Action.DENY else None
        await rec.say(rec.driver.answer_permission(fact.request_id, answer, why))


def _of_its_kind(rec: Recorder, new: NewApproval, session: Row) -> NewApproval:
    """Return a permission as what it is about: an MCP server's tool, a network host, or a call.

    Server and tool, or the host, become part of the payload, so that they are shown and hashed.
    """
    kind, told = judging.about(new.payload, Path(rec.run.cwd), session["agent"])
    return replace(new, kind=kind, payload={**new.payload, **told})


async def form(rec: Recorder, fact: FormAsked) -> None:
    """Put a form; no rule can say what a person would type, so it is always asked."""
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    asked = await agent_requests.insert(
        rec.tx, rec.run.run_id, fact.request_id, agent_requests.PERMISSION, {}
    )
    new = NewApproval(
        session_id=rec.run.session_id,
        run_id=rec.run.run_id,
        kind=ApprovalKind.ELICITATION,
        title=fact.title,
        cwd=rec.run.cwd,
        payload=fact.payload,
        options=[],
        request_id=fact.request_id,
        request_no=asked.request_no,
        command_id=session["active_command_id"],
        reason="the agent asks for a form to be filled in",
    )
    await ask(rec, new)


async def judged(
    rec: Recorder, new: NewApproval, session: Row, *, refused_only: bool = False
) -> tuple[NewApproval, Action | None]:
    """Judge a request and record what the rules, or a grant, decide of it (C4).

    Args:
        rec: The run's recorder.
        new: The question, should it come to one.
        session: The session's row.
        refused_only: Something else allows it: only a forbidding rule counts.

    Returns:
        The question with why it is asked and by which rule, and the answer, None if a person has
        to give it.
    """
    call = judging.call_of(
        new.kind.value, new.payload, Path(rec.run.cwd), session["agent"], judging.mode_of(session)
    )
    await rec.ctx.policy.settled()
    verdict = rec.ctx.policy.judge(call)
    new = replace(
        new,
        reason=verdict.reason,
        matched_rule=verdict.rule,
        rule_text=None if verdict.rule_text is None else rec.redactor.redact(verdict.rule_text),
        options=[*new.options, *judging.offers(verdict, rec.redactor)],
    )
    told = {
        "tool_call_id": call_id(new.payload, new.request_id),
        "kind": new.kind.value,
        "title": new.title,
        "subject": new.subject,
        "cwd": new.cwd,
    }
    rec.hook(HookKind.TOOL_PRE_CHECK, told | {"decision": verdict.decision.value})
    if verdict.decision is Decision.FORBID:
        rec.hook(HookKind.TOOL_DENIED, told | {"reason": verdict.reason})
        by = judging.judge_of(verdict)
        await settled(rec, new, Action.DENY, by=by, reason=verdict.reason)
        return new, Action.DENY
    if refused_only:
        rec.hook(HookKind.TOOL_DISPATCHING, told)
        return new, Action.APPROVE
    denied = await approvals.granted(rec.tx, new.session_id, new.fingerprint, denies=True)
    if denied is not None:
        new = replace(new, reason="denied for the session")
        await settled(rec, new, Action.DENY, by=f"denial of {denied}", reason=new.reason)
        return new, Action.DENY
    granted = await approvals.granted(rec.tx, new.session_id, new.fingerprint)
    if granted is not None:
        await settled(rec, new, Action.APPROVE, by=f"grant of {granted}")
        return new, Action.APPROVE
    if verdict.decision is Decision.ALLOW:
        await settled(rec, new, Action.APPROVE, by=judging.judge_of(verdict))
        return new, Action.APPROVE
    return new, None


async def settled(
    rec: Recorder, new: NewApproval, action: Action, *, by: str, reason: str | None = None
) -> None:
    """Store a question with the answer it has already, for the trace and the audit."""
    row = await approvals.insert(rec.tx, new)
    requested(rec, row, settled=True)
    await approvals.record_decision(
        rec.tx,
        row,
        action=action.value,
        option=None,
        reason=reason,
        token=row["approval_id"],
        decided_by=by,
    )
    await approvals.settle(rec.tx, row["approval_id"], ACTION_LEADS_TO[action], action.value)
    decided(rec, row, action.value, by=by, reason=reason)


async def terminal(rec: Recorder, fact: TerminalAsked) -> None:
    """Serve terminal/*; a new one only if its exact command was approved in this turn (C4)."""
    if fact.op != "create":
        await serving.serve(rec, fact.request_id, f"terminal_{fact.op}", fact.params)
        return
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    forms = _forms(fact.params)
    command = forms[0]
    cwd = str(fact.params.get("cwd") or rec.run.cwd)
    covering = await approvals.approved_in_turn(
        rec.tx, rec.run.run_id, session["active_command_id"]
    )
    plain = not fact.params.get("env")
    match = next(
        (row for row in covering if plain and row["cwd"] == cwd and _command_of(row) in forms), None
    )
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
    )
    new, answer = await judged(rec, new, session, refused_only=match is not None)
    if match is not None and answer is Action.APPROVE:
        await approvals.consume(rec.tx, match["approval_id"])
    await answer_served(rec, fact.request_id, "terminal_create", fact.params, new, answer)


async def answer_served(
    rec: Recorder,
    request_id: int | str,
    method: str,
    params: dict[str, Any],
    new: NewApproval,
    answer: Action | None,
) -> None:
    """Do what was asked of us, refuse it, or hold it until a person decided."""
    if answer is Action.APPROVE:
        await serving.serve(rec, request_id, method, params)
    elif answer is Action.DENY:
        why = f"forbidden: {new.reason}"
        await rec.say(rec.driver.refuse(request_id, message.INVALID_REQUEST, why))
    else:
        held = await serving.hold(rec, request_id, method, params)
        await ask(rec, replace(new, request_no=held))


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
    rec.tx.after_commit(rec.ctx.rearm)
    return row


def call_id(payload: dict[str, Any], request_id: int | str | None) -> str | None:
    """Return what ties the steps of a call: the agent's id of it, or that of its request."""
    call = payload.get("tool_call")
    called = call.get("tool_call_id") if isinstance(call, dict) else None
    if isinstance(called, str):
        return called
    return None if request_id is None else f"request:{request_id}"


def _call_of_row(row: Row) -> dict[str, str]:
    if row["request_id"] is None:
        return {}
    called = call_id(json.loads(row["payload"]), json.loads(row["request_id"]))
    return {} if called is None else {"tool_call_id": called}


def requested(rec: Recorder, row: Row, *, settled: bool = False) -> None:
    """Record that something was asked; `settled` if a rule or a grant answers it at once."""
    rec.event(
        EventType.APPROVAL_REQUESTED,
        {
            **_call_of_row(row),
            **({"settled": True} if settled else {}),
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
    payload |= _call_of_row(row)
    payload |= {} if reason is None else {"reason": reason}
    payload |= {} if option is None else {"option": option}
    rec.event(EventType.APPROVAL_DECIDED, payload)


async def answer_permission(
    rec: Recorder, row: Row, action: Action, reason: str | None = None
) -> None:
    """Answer the one request that an approval is about, if the agent still waits for it."""
    if row["request_no"] is None or await agent_requests.remove(rec.tx, row["request_no"]):
        await rec.say(rec.driver.answer_permission(json.loads(row["request_id"]), action, reason))


async def answer_form(rec: Recorder, row: Row, content: dict[str, Any]) -> None:
    """Give the agent what was filled into its form, if it still waits for it."""
    if row["request_no"] is None or await agent_requests.remove(rec.tx, row["request_no"]):
        result = {"action": "accept", "content": content}
        await rec.say(rec.driver.answer(json.loads(row["request_id"]), result))


async def settle(rec: Recorder, row: Row, state: ApprovalState, why: str) -> None:
    """End a question that nobody will answer any more, and say so in the trace.

    What was held back for it is refused, unless whoever asked is gone.
    """
    if not await approvals.settle(rec.tx, row["approval_id"], state, state.value):
        return
    decided(rec, row, state.value, by="supervisor", reason=why)
    rec.tx.after_commit(rec.ctx.rearm)
    if row["request_no"] is None:
        return
    if state is ApprovalState.ORPHANED or row["kind"] not in HELD_KINDS:
        await agent_requests.remove(rec.tx, row["request_no"])
    else:
        await serving.refuse(rec, row["request_no"], message.INVALID_REQUEST, why)


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
    await agent_requests.withdraw(rec.tx, rec.run.run_id, fact.request_id)
    await reflect(rec)


async def supersede_open(rec: Recorder, why: str) -> None:
    """End the open questions of the run's turn: it is over."""
    for row in await approvals.pending_of_turn(rec.tx, rec.run.run_id):
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
