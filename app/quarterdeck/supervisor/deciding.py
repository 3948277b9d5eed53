"""A person's decision: bound to what was shown, first one wins, told to the agent after COMMIT."""

import json
from dataclasses import dataclass
from typing import Any

from quarterdeck.model import approval_text, forms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import DecisionView
from quarterdeck.model.states import (
    ACTION_LEADS_TO,
    AMENDING,
    Action,
    ApprovalKind,
    ApprovalState,
    CommandKind,
    CommandState,
    SessionState,
)
from quarterdeck.model.titles import fold
from quarterdeck.policy.call import Decision
from quarterdeck.rpc import message
from quarterdeck.store import approvals, commands, runs, sessions
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import amending, asking, gating, lifecycle, raising, serving, turns
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.hook_settings import Approvals
from quarterdeck.supervisor.recorder import Recorder, record_on

APPROVED = ApprovalState.APPROVED
_ONCE = {
    APPROVED: Action.APPROVE,
    ApprovalState.REJECTED: Action.DENY,
    ApprovalState.ABORTED: Action.ABORT,
}
_TOLD_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """A decision as a client sends it: what was on its screen, and what was pressed."""

    approval_id: str
    run_id: str
    payload_sha256: str
    action: Action
    token: str
    decided_by: str
    option: str | None = None
    reason: str | None = None
    client: str | None = None
    host: str | None = None
    prefix: str | None = None
    """With approve_always: what to allow for good, if not just what was proposed."""
    content: dict[str, Any] | None = None
    """What was filled into a form."""


async def decide(ctx: Context, tx: Tx, wanted: Wanted) -> DecisionView:
    """Apply a decision, or refuse it and change nothing (DESIGN §4, D9).

    Raises:
        QuarterdeckError: `stale` if the approval is not what was shown, `not_pending` if it was
            settled before, `invalid_option`, `unknown_approval`.
    """
    row = await approvals.load(tx.db, wanted.approval_id)
    _check_same(row, wanted)
    before = await approvals.decision_of(tx.db, wanted.approval_id)
    if before is not None and (before["token"], before["action"]) == (wanted.token, wanted.action):
        if row["kind"] == ApprovalKind.GATE:
            tx.after_commit(lambda: ctx.do(gating.bring_about(ctx, wanted.approval_id), "gate"))
        return approvals.to_decision(before, row["state"])
    if row["state"] != ApprovalState.PENDING:
        raise QuarterdeckError(
            "not_pending",
            f"the approval was settled before: {row['state']}",
            state=row["state"],
            action=row["action"],
        )
    added = _added_rule(ctx, row, wanted)
    content = _form_content(row, wanted)
    session = await sessions.load(tx.db, row["session_id"])
    rec = await record_on(ctx, tx, await runs.load(tx.db, row["run_id"]), session["cwd"])
    state = ACTION_LEADS_TO[wanted.action]
    option = _recovery_option(row, wanted)
    if option == "abandon":
        state = ApprovalState.ABORTED
    reason = None if wanted.reason is None else rec.redactor.redact(wanted.reason)
    decision = await approvals.record_decision(
        tx,
        row,
        action=wanted.action,
        option=option,
        reason=reason,
        token=wanted.token,
        decided_by=wanted.decided_by,
        client=wanted.client,
        host=wanted.host,
        prefix=added,
        content=content,
    )
    tx.after_commit(ctx.rearm)
    await approvals.settle(tx, row["approval_id"], state, wanted.action)
    asking.decided(
        rec, row, wanted.action, by=wanted.decided_by, reason=wanted.reason, option=option
    )
    if row["kind"] == ApprovalKind.RECOVERY:
        await _recover(ctx, rec, session, option or "resume")
    elif row["kind"] == ApprovalKind.GATE:
        await gating.answered(ctx, rec, row)
    elif row["kind"] == ApprovalKind.SPENDING_CAP:
        await raising.answered(ctx, rec, row, wanted.action)
    else:
        await _tell_agent(rec, row, wanted, content)
    return approvals.to_decision(decision, state)


def _added_rule(ctx: Context, row: Row, wanted: Wanted) -> str | None:
    """Return what is to be added to the rules; raises `invalid_option`."""
    if row["kind"] == ApprovalKind.GATE and wanted.action not in gating.ACTIONS:
        raise QuarterdeckError("invalid_option", "a gate is approved, denied or aborted, once")
    if wanted.action is Action.DENY_SESSION and row["kind"] != ApprovalKind.NETWORK_HOST:
        raise QuarterdeckError("invalid_option", "only a host can be denied for the session")
    if wanted.action in AMENDING:
        denies = wanted.action is Action.DENY_ALWAYS
        decision = Decision.FORBID if denies else Decision.ALLOW
        redactor = ctx.redactors.current(ctx.client_env)
        return amending.wanted_rule(row, wanted.prefix, redactor, decision)
    if wanted.prefix is not None:
        raise QuarterdeckError("invalid_option", "prefix: is for approve_always alone")
    return None


def _form_content(row: Row, wanted: Wanted) -> dict[str, Any] | None:
    """Return the checked answer to a form; raises `invalid_option` or `form_invalid`."""
    accepts = ACTION_LEADS_TO[wanted.action] is APPROVED
    if row["kind"] != ApprovalKind.ELICITATION or not accepts:
        if wanted.content is not None:
            raise QuarterdeckError("invalid_option", "content: is for approving a form alone")
        return None
    if wanted.action is not Action.APPROVE:
        raise QuarterdeckError("invalid_option", "a form is answered once, declined or cancelled")
    try:
        payload = json.loads(row["payload"])
        fields = forms.fields_of(payload["schema"], payload.get("order"))
        return forms.checked(fields, wanted.content or {})
    except forms.FormProblem as error:
        raise QuarterdeckError("form_invalid", str(error)) from error


def _check_same(row: Row, wanted: Wanted) -> None:
    if row["run_id"] != wanted.run_id or row["payload_sha256"] != wanted.payload_sha256:
        raise QuarterdeckError(
            "stale",
            "the approval is not what was shown",
            run_id=row["run_id"],
            payload_sha256=row["payload_sha256"],
        )


def _recovery_option(row: Row, wanted: Wanted) -> str | None:
    """Return which option of a recovery was chosen; other approvals have actions only."""
    if row["kind"] != ApprovalKind.RECOVERY:
        if wanted.option is not None:
            raise QuarterdeckError("invalid_option", "only a recovery has options to choose from")
        return None
    if wanted.action in (Action.DENY, Action.ABORT):
        return "abandon"
    known = [option["option_id"] for option in json.loads(row["options"])]
    chosen = wanted.option or "resume"
    if chosen not in known:
        raise QuarterdeckError("invalid_option", f"{chosen!r} is none of {', '.join(known)}")
    return chosen


async def _tell_agent(
    rec: Recorder, row: Row, wanted: Wanted, content: dict[str, Any] | None
) -> None:
    """Commit the answer to the agent; it is appended to the spool after COMMIT."""
    if wanted.action in (Action.APPROVE_SESSION, Action.DENY_SESSION):
        denies = wanted.action is Action.DENY_SESSION
        await approvals.grant(rec.tx, row, _fingerprint(row), denies=denies)
    method = asking.HELD_KINDS.get(row["kind"])
    if method is not None:
        await _answer_held(rec, row["request_no"], method, wanted)
    elif content is not None:
        await asking.answer_form(rec, row, content)
    else:
        once = _ONCE[ACTION_LEADS_TO[wanted.action]]
        await asking.answer_permission(rec, row, once, wanted.reason)
    if wanted.action is Action.ABORT:
        await turns.cancel_turn(rec, "aborted")
    elif method is None and _denies(wanted) and wanted.reason:
        await _say_why(rec, row, wanted.reason)
    await asking.reflect(rec)
    await turns.next_turn(rec)
    await rec.flush()


def _denies(wanted: Wanted) -> bool:
    """Tell whether a decision denies and lets the turn go on."""
    return ACTION_LEADS_TO[wanted.action] is ApprovalState.REJECTED


async def _say_why(rec: Recorder, row: Row, reason: str) -> None:
    """Queue the reason of a denial as the next prompt: no other message of the protocol has room.

    Files and terminals are refused by an error that carries the reason, and need none.
    """
    settings = rec.ctx.sections.load(rec.ctx.places, "approvals", Approvals)
    if not settings.tell_reason:
        return
    told = fold(approval_text.headline(row["subject"]), _TOLD_CHARACTERS)
    text = f"A person denied this: {told}\nThe reason: {reason}"
    prompt = await commands.insert(
        rec.tx, rec.run.session_id, rec.run.run_id, CommandKind.TURN, text=text
    )
    await commands.put_first(rec.tx, prompt)


async def _answer_held(rec: Recorder, request_no: int, method: str, wanted: Wanted) -> None:
    if ACTION_LEADS_TO[wanted.action] is APPROVED:
        await serving.release_held(rec, request_no, method)
        return
    why = wanted.reason or "a person denied it"
    await serving.refuse(rec, request_no, message.INVALID_REQUEST, why)


def _fingerprint(row: Row) -> str:
    return NewApproval(
        session_id=row["session_id"],
        run_id=row["run_id"],
        kind=ApprovalKind(row["kind"]),
        title=row["title"],
        cwd=row["cwd"],
        payload=json.loads(row["payload"]),
        options=[],
    ).fingerprint


async def _recover(ctx: Context, rec: Recorder, session: Row, option: str) -> None:
    tx, session_id = rec.tx, session["session_id"]
    if option == "abandon":
        rec.event(EventType.SESSION_CLOSED, {"reason": "abandoned"})
        await commands.finish_open(tx, session_id, CommandState.CANCELLED, "abandoned")
        await rec.flush()
        await sessions.move(
            tx, session_id, SessionState.CLOSED, source="request", failure=None, failure_kind=None
        )
        return
    await rec.flush()
    via = "resume" if option == "resume" and session["agent_session_id"] else "new"
    await sessions.update(tx, session_id, resume_tries=0)
    session = await sessions.load(tx.db, session_id)
    await lifecycle.begin(ctx, tx, session, via, source="request")
