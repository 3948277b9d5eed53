"""Methods about approvals: listing and deciding."""

from typing import Any

from quarterdeck.model.ids import Prefix, is_whole
from quarterdeck.store import approvals
from quarterdeck.supervisor import amending, deciding, expiry, params
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import read


async def approval_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The open approvals."""
    asked = read(params.ApprovalList, given)
    session_id = await api.session_id(asked.session_id) if asked.session_id else None
    found = await approvals.pending(api.db, session_id)
    after = expiry.after_ms(api.ctx)
    return {"approvals": [expiry.dated(view, after).to_wire() for view in found]}


async def approval_get(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """One approval."""
    asked = read(params.OfApproval, given)
    approval_id = await api.approval_id(asked.approval_id)
    found = await approvals.view(api.db, approval_id)
    return expiry.dated(found, expiry.after_ms(api.ctx)).to_wire()


async def approval_decide(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A decision on what was shown; DESIGN §4."""
    asked = read(params.ApprovalDecide, given)
    approval_id = asked.approval_id
    if not is_whole(approval_id, Prefix.APPROVAL):
        approval_id = await api.approval_id(approval_id)
    wanted = deciding.Wanted(
        approval_id=approval_id,
        run_id=asked.run_id,
        payload_sha256=asked.payload_sha256,
        action=asked.action,
        token=asked.token,
        decided_by=f"{caller.reader} ({caller.client})",
        option=asked.option,
        reason=asked.reason,
        client=caller.client,
        host=caller.host,
        prefix=asked.prefix,
        content=asked.content,
    )
    decision = await api.ctx.store.write(
        lambda tx: deciding.decide(api.ctx, tx, wanted), brief=True
    )
    if decision.amendment == "pending":
        await amending.amend_for(api.ctx, decision.decision_id)
        row = await approvals.decision_of(api.db, decision.approval_id)
        assert row is not None
        decision = approvals.to_decision(row, decision.state)
    return decision.to_wire()


METHODS: dict[str, Method] = {
    "approval.list": approval_list,
    "approval.get": approval_get,
    "approval.decide": approval_decide,
}
