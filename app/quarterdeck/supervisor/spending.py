"""What agents use is added up as they report it; at a cap, the next turn waits for a person."""

import math
from dataclasses import dataclass
from typing import Any

from quarterdeck.model.clock import local_day
from quarterdeck.model.states import ApprovalKind, ApprovalState
from quarterdeck.store import approvals, sessions, usage
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor import asking
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder
from quarterdeck.supervisor.settings import Limits

_MOST_STEPS = 2.0**40


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap of `[limits]` that is reached: what is used, and how much is allowed by now."""

    scope: str
    name: str
    metric: str
    step: float
    """What config.toml says; also by how much each raise adds."""
    raised: int
    used: float

    @property
    def allowed(self) -> float:
        """What may be used before a person is asked."""
        return self.step * (1 + self.raised)

    @property
    def wanted(self) -> int:
        """By how many steps it has to be raised in all, so that the waiting prompt can go on."""
        return max(self.raised + 1, math.floor(min(self.used / self.step, _MOST_STEPS)))

    def to_payload(self) -> dict[str, Any]:
        """Return what the approval's hash is about."""
        where = {"session": "this session", "project": f"the project {self.name}"}.get(
            self.scope, f"the day {self.name}"
        )
        added = self.step * (self.wanted - self.raised)
        text = (
            f"The spending cap of {where} is reached: {_amount(self.metric, self.used)} of"
            f" {_amount(self.metric, self.allowed)} are used.\n"
            f"Approving raises it by {_amount(self.metric, added)} and goes on with the"
            " waiting prompt; denying takes the session's waiting prompts back."
        )
        return {
            "kind": ApprovalKind.SPENDING_CAP.value,
            "text": text,
            "scope": self.scope,
            "name": self.name,
            "metric": self.metric,
            "raised": self.raised,
            "wanted": self.wanted,
        }


def _amount(metric: str, value: float) -> str:
    return f"{value:,.0f} tokens" if metric == "tokens" else f"a cost of {value:,.2f}"


async def place(rec: Recorder) -> usage.Place:
    """Return whose usage it is that the run's agent reports now."""
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    return usage.Place(
        session_id=rec.run.session_id,
        run_id=rec.run.run_id,
        command_id=session["active_command_id"] or "",
        project=session["project"],
        agent=session["agent"],
        conversation=session["agent_session_id"] or rec.run.run_id,
    )


async def cost_told(rec: Recorder, told: dict[str, Any]) -> None:
    """Take in a usage report of the agent; its cost is of the whole session so far."""
    if told.get("cost") is not None:
        await usage.add_cost(rec.tx, await place(rec), told["cost"])


async def tokens_told(rec: Recorder, told: dict[str, Any] | None) -> None:
    """Take in the tokens told with the end of a turn, before the turn is no more active."""
    if told:
        where = await place(rec)
        profile = rec.ctx.profile_or_none(where.agent)
        whole = profile is not None and profile.token_usage == "session"
        await usage.add_tokens(rec.tx, where, told, whole_session=whole)


async def reached(ctx: Context, session: Row, db: Any, at: int) -> Cap | None:
    """Return the first cap that a session may not go beyond without being asked about."""
    limits = ctx.sections.load(ctx.places, "limits", Limits)
    names = {"session": session["session_id"], "project": session["project"], "day": local_day(at)}
    for scope, name in names.items():
        steps = {
            metric: step
            for metric in ("cost", "tokens")
            if (step := getattr(limits, f"{metric}_per_{scope}")) is not None
        }
        if not steps:
            continue
        used = await usage.spent(db, scope, name)
        for metric, step in steps.items():
            raised = await usage.raises(db, scope, name, metric)
            cap = Cap(scope, name, metric, step, raised, used[metric])
            if cap.used >= cap.allowed:
                return cap
    return None


async def holds(rec: Recorder, session: Row) -> bool:
    """Tell whether the next turn has to wait because of a cap; if so, a person has been asked."""
    cap = await reached(rec.ctx, session, rec.tx.db, rec.tx.at)
    asked = await approvals.pending_of_session(
        rec.tx, session["session_id"], ApprovalKind.SPENDING_CAP
    )
    if cap is None:
        for row in asked:
            await asking.settle(rec, row, ApprovalState.SUPERSEDED, "the cap is not reached")
        return False
    if not asked:
        payload = cap.to_payload()
        await asking.ask(
            rec,
            NewApproval(
                session_id=session["session_id"],
                run_id=rec.run.run_id,
                kind=ApprovalKind.SPENDING_CAP,
                title=f"Spending cap of the {cap.scope} reached",
                cwd=session["cwd"],
                payload=payload,
                options=[],
                reason=f"[limits] {cap.metric}_per_{cap.scope} = {cap.step:g}",
            ),
        )
    return True
