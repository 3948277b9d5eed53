"""Approvals that nobody answers in time: one timer for the next one due, none without any (C5)."""

import asyncio
import logging
from dataclasses import replace

from quarterdeck.model.clock import from_iso, iso, now_ms, steady_ms
from quarterdeck.model.records import ApprovalView
from quarterdeck.model.states import ASKED_BY_AGENT, Action, ApprovalState
from quarterdeck.rpc import message
from quarterdeck.store import approvals, runs, sessions
from quarterdeck.store.transaction import Row, Tx, rows
from quarterdeck.supervisor import asking, hook_settings, serving, turns
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder, record_on

LONGEST_SECONDS = 86_400.0
_KINDS = "kind IN ({})".format(", ".join(f"'{kind}'" for kind in ASKED_BY_AGENT))

_log = logging.getLogger(__name__)


def after_ms(ctx: Context) -> int | None:
    """Return how long questions wait by the configuration of now, None for as long as it takes."""
    settings = ctx.sections.load(ctx.places, "approvals", hook_settings.Approvals)
    if settings.expire_after is None or settings.on_expiry == "keep":
        return None
    return round(settings.expire_after * 1000)


def dated(view: ApprovalView, after: int | None) -> ApprovalView:
    """Return an approval with the time at which it expires, if it does."""
    if after is None or view.state != ApprovalState.PENDING or view.kind not in ASKED_BY_AGENT:
        return view
    return replace(view, expires_at=iso(from_iso(view.created_at) + after))


class Expiry:
    """The timer; whatever opens or settles an approval has it set anew."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._timer: asyncio.TimerHandle | None = None
        self._looking = False
        self._closed = False
        self._born: dict[str, int] = {}
        """When each open approval was asked, in steady time: the wall clock may be set."""
        ctx.rearm = self.rearm

    @property
    def armed(self) -> bool:
        """Whether a timer is set."""
        return self._timer is not None

    def rearm(self) -> None:
        """Look again at what is due next."""
        if not self._looking and not self._ctx.draining:
            self._looking = True
            self._ctx.do(self._look(), "expiry")

    def close(self) -> None:
        """Set no timer any more, nor let a look that is under way set one."""
        self._closed = True
        self._ctx.rearm = lambda: None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _settings(self) -> hook_settings.Approvals:
        return self._ctx.sections.load(self._ctx.places, "approvals", hook_settings.Approvals)

    async def _look(self) -> None:
        self._looking = False
        settings = self._settings()
        if settings.expire_after is None or settings.on_expiry == "keep":
            self._set(None)
            return
        after = round(settings.expire_after * 1000)
        await self._note_births()
        before = steady_ms() - after
        due = [approval_id for approval_id, born in self._born.items() if born <= before]
        if due:
            action = Action.ABORT if settings.on_expiry == "abort" else Action.DENY
            for approval_id in due:
                await self._ctx.store.write(
                    lambda tx, one=approval_id: self._expire(tx, one, action)
                )
            await self._note_births()
        first = min(self._born.values(), default=None)
        self._set(None if first is None else (first + after - steady_ms()) / 1000)

    async def _note_births(self) -> None:
        """Keep the steady time of each open approval, by the wall clock when first seen."""
        found = await rows(
            self._ctx.store.reading,
            "SELECT approval_id, created_at FROM approvals"
            f" WHERE state = 'pending' AND {_KINDS} ORDER BY approval_no",
        )
        now, steady = now_ms(), steady_ms()
        self._born = {
            row["approval_id"]: self._born.get(
                row["approval_id"], steady - max(0, now - row["created_at"])
            )
            for row in found
        }

    def _set(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is None or self._closed or self._ctx.draining:
            return
        wait = min(max(seconds, 0.05), LONGEST_SECONDS)
        self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self.rearm()

    async def _expire(self, tx: Tx, approval_id: str, action: Action) -> None:
        """Answer one for nobody, as the configuration says; unless somebody just did."""
        row = await approvals.load(tx.db, approval_id)
        if row["state"] != ApprovalState.PENDING:
            return
        session = await sessions.load(tx.db, row["session_id"])
        rec = await record_on(self._ctx, tx, await runs.load(tx.db, row["run_id"]), session["cwd"])
        why = "nobody answered in time"
        await approvals.record_decision(
            tx,
            row,
            action=action.value,
            option=None,
            reason=why,
            token=approval_id,
            decided_by="expiry",
        )
        await approvals.settle(tx, approval_id, ApprovalState.EXPIRED, action.value)
        asking.decided(rec, row, action.value, by="expiry", reason=why)
        await self._tell_agent(rec, row, action, why)
        await asking.reflect(rec)
        await rec.flush()

    async def _tell_agent(self, rec: Recorder, row: Row, action: Action, why: str) -> None:
        if row["kind"] in asking.HELD_KINDS:
            await serving.refuse(rec, row["request_no"], message.INVALID_REQUEST, why)
        else:
            await asking.answer_permission(rec, row, action, why)
        if action is Action.ABORT:
            await turns.cancel_turn(rec, "aborted")
