"""Sessions whose time is over: closed and deleted once they do nothing (A6).

One timer for the next one due, none without any. A session that works or waits for a person is
left alone until its turn is over; in case it goes to rest in another way it is looked at again
every minute meanwhile.
"""

import asyncio
import logging

from quarterdeck.model.clock import now_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import SessionState
from quarterdeck.store import describing, sessions, threads
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import turns
from quarterdeck.supervisor.context import Context

LONGEST_SECONDS = 86_400.0
AGAIN_SECONDS = 60.0
_BUSY = (
    SessionState.CREATED,
    SessionState.STARTING,
    SessionState.RUNNING,
    SessionState.WAITING,
)

_log = logging.getLogger(__name__)


class SessionExpiry:
    """The timer; whatever says how long a session is kept has it set anew."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._left = False
        """Whether a session is overdue that could not be ended yet."""
        ctx.rearm_sessions = self.rearm
        ctx.turn_over = self._turn_over

    def rearm(self) -> None:
        """Look again at what is due."""
        if not self._ctx.draining:
            self._ctx.do(self._look(), "session expiry")

    def close(self) -> None:
        """Set no timer any more, nor let a look that is under way set one."""
        self._closed = True
        self._ctx.rearm_sessions = self._ctx.turn_over = lambda: None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn_over(self) -> None:
        if self._left:
            self.rearm()

    async def _look(self) -> None:
        now = now_ms()
        left = False
        for session_id in await describing.overdue(self._ctx.store.reading, now):
            try:
                left |= not await self._ctx.store.write(
                    lambda tx, one=session_id: self._end(tx, one)
                )
            except QuarterdeckError as error:
                _log.warning("a session could not expire", extra={"error": error.message})
                left = True
        self._left = left
        following = await describing.next_expiry(self._ctx.store.reading, now)
        waits = [AGAIN_SECONDS] if left else []
        if following is not None:
            waits.append(max(0.05, (following - now_ms()) / 1000))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if waits and not self._closed and not self._ctx.draining:
            wait = min(LONGEST_SECONDS, *waits)
            self._timer = asyncio.get_running_loop().call_later(wait, self.rearm)

    async def _end(self, tx: Tx, session_id: str) -> bool:
        """Close or delete one; returns whether nothing is left to be done for it."""
        session = await sessions.load(tx.db, session_id)
        if session["deleted_at"] is not None:
            return True
        state = SessionState(session["state"])
        if state in _BUSY or session["open_approvals"]:
            return False
        if state is SessionState.CLOSED:
            await threads.delete(tx, session_id)
            return True
        # Closing it deletes it, as its time is over.
        await turns.close(self._ctx, tx, session_id)
        return True
