"""Approvals that nobody answers in time: one timer for the next one due, none without any (C5)."""

import asyncio
import json
import logging

from quarterdeck.model.clock import now_ms
from quarterdeck.model.states import Action, ApprovalState
from quarterdeck.rpc import message
from quarterdeck.store import approvals, runs, sessions
from quarterdeck.store.transaction import Row, Tx, rows
from quarterdeck.supervisor import asking, hook_settings, serving, turns
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder, record_on

LONGEST_SECONDS = 86_400.0
_KINDS = "kind IN ('tool_call', 'terminal', 'file')"

_log = logging.getLogger(__name__)


class Expiry:
    """The timer; whatever opens or settles an approval has it set anew."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._timer: asyncio.TimerHandle | None = None
        self._looking = False
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
        """Set no timer any more."""
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
        due = await self._due(now_ms() - after)
        if due:
            action = Action.ABORT if settings.on_expiry == "abort" else Action.DENY
            for approval_id in due:
                await self._ctx.store.write(
                    lambda tx, one=approval_id: self._expire(tx, one, action)
                )
        first = await rows(
            self._ctx.store.reading,
            f"SELECT min(created_at) FROM approvals WHERE state = 'pending' AND {_KINDS}",
        )
        at = first[0][0]
        self._set(None if at is None else (at + after - now_ms()) / 1000)

    async def _due(self, before: int) -> list[str]:
        found = await rows(
            self._ctx.store.reading,
            f"SELECT approval_id FROM approvals WHERE state = 'pending' AND {_KINDS}"
            " AND created_at <= ? ORDER BY approval_no",
            (before,),
        )
        return [row["approval_id"] for row in found]

    def _set(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is None or self._ctx.draining:
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
        request_id = json.loads(row["request_id"])
        if row["kind"] in asking.HELD_KINDS:
            await serving.refuse(rec, request_id, message.INVALID_REQUEST, why)
        else:
            await rec.say(rec.driver.answer_permission(request_id, action))
        if action is Action.ABORT:
            await turns.cancel_turn(rec, "aborted")
