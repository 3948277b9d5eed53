"""`approve_always`, `deny_always`: the rule added with a decision, written after COMMIT (C5)."""

import asyncio
import json
import shlex
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.policy import amend
from quarterdeck.policy.amend import AmendmentRefused
from quarterdeck.policy.call import Decision
from quarterdeck.policy.proposal import why_not
from quarterdeck.policy.rule_file import RuleFileError
from quarterdeck.store import approvals, auditing, runs, sessions
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import judging
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import record_on


def wanted_rule(
    row: Row, prefix: str | None, redactor: Redactor, decision: Decision = Decision.ALLOW
) -> str:
    """Return what an `approve_always` or `deny_always` would add, as JSON.

    Args:
        row: The approval's.
        prefix: The prefix as the person left it; None for what was proposed.
        redactor: Knows what is a secret.
        decision: Allow, or forbid, which is for hosts alone.

    Raises:
        QuarterdeckError: `invalid_option` if the approval offers no amendment, or the prefix is
            shorter than the one proposed, or other, or can never be allowed for good, or holds a
            secret.
    """
    offer = judging.offered(row, decision)
    if offer is None:
        told = "allowed" if decision is Decision.ALLOW else "forbidden"
        raise QuarterdeckError("invalid_option", f"nothing of this can be {told} for good")
    if "host" in offer:
        if prefix not in (None, offer["host"]):
            raise QuarterdeckError("invalid_option", f"prefix: only {offer['host']} was proposed")
        return json.dumps({"host": offer["host"], "decision": decision.value})
    proposed = shlex.split(offer["prefix"])
    try:
        words = proposed if prefix is None else shlex.split(prefix)
    except ValueError as error:
        raise QuarterdeckError("invalid_option", f"prefix: {error}") from error
    if words[: len(proposed)] != proposed:
        raise QuarterdeckError(
            "invalid_option", f"prefix: must begin with what was proposed: {offer['prefix']}"
        )
    problem = why_not(tuple(words))
    if problem is not None:
        raise QuarterdeckError("invalid_option", f"prefix: {problem}")
    if judging.holds_secret(redactor, words):
        raise QuarterdeckError("invalid_option", "prefix: a secret in it would be kept for good")
    return json.dumps({"prefix": words})


async def amend_for(ctx: Context, decision_id: str) -> None:
    """Write a decision's rule into the person's file and note it; again changes nothing (D9)."""
    with ctx.policy.being_written():
        found = await auditing.unamended(ctx.store.reading)
        row = next((row for row in found if row["decision_id"] == decision_id), None)
        if row is None:
            return
        wanted = json.loads(row["prefix"])
        outcome = await asyncio.to_thread(_write, ctx, wanted, row["approval_id"])

    async def note(tx: Tx) -> None:
        if not await auditing.amended(tx, decision_id, outcome) or not outcome.startswith("failed"):
            return
        approval = await approvals.load(tx.db, row["approval_id"])
        session = await sessions.load(tx.db, approval["session_id"])
        rec = await record_on(ctx, tx, await runs.load(tx.db, row["run_id"]), session["cwd"])
        told = f"the rule was not added, the decision holds for this once: {outcome}"
        rec.event(EventType.ERROR, {"message": told, "where": "policy"})
        await rec.flush()

    await ctx.store.write(note)


async def repair(ctx: Context) -> None:
    """After a start: write the rules that a crash kept from being written."""
    for row in await auditing.unamended(ctx.store.reading):
        await amend_for(ctx, row["decision_id"])


def _write(ctx: Context, wanted: dict[str, Any], approval_id: str) -> str:
    decision = Decision(wanted.get("decision", Decision.ALLOW))
    verb = "approved" if decision is Decision.ALLOW else "denied"
    file, reason = ctx.policy.user_file, f"{verb} with {approval_id}"
    try:
        if "host" in wanted:
            return amend.settle_host(file, wanted["host"], decision, reason)
        return amend.allow_command(file, tuple(wanted["prefix"]), reason)
    except (AmendmentRefused, RuleFileError, OSError) as error:
        return f"failed: {error}"
