"""Stopping everything at once: every start, every turn and every waiting prompt (R8, A12)."""

import logging
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import CommandState, SessionState
from quarterdeck.store import commands, sessions
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import turns
from quarterdeck.supervisor.context import Context

REASON = "everything was stopped"
_STARTING = (SessionState.CREATED, SessionState.STARTING)

_log = logging.getLogger(__name__)


async def stop_all(ctx: Context) -> dict[str, Any]:
    """End what every session does and take back what waits; agents that have started stay alive.

    A session is one transaction: its waiting prompts are taken back before its turn is ended, so
    ending it starts nothing. A session that cannot be stopped keeps no other from being stopped.

    Returns:
        `sessions` whose turn or start was ended, how many prompts were `taken_back`, and what
        `failed`, each with why.
    """
    stopped: list[str] = []
    failed: list[dict[str, str]] = []
    taken_back = 0
    for session_id in await sessions.with_work(ctx.store.reading):
        try:
            ended, taken = await ctx.store.write(lambda tx, of=session_id: _stop(ctx, tx, of))
        except QuarterdeckError as error:
            failed.append({"session_id": session_id, "code": error.code, "message": str(error)})
            continue
        except Exception:
            _log.exception("stopping a session failed", extra={"session_id": session_id})
            failed.append({"session_id": session_id, "code": "internal", "message": "see the log"})
            continue
        taken_back += taken
        if ended:
            stopped.append(session_id)
    return {"sessions": stopped, "taken_back": taken_back, "failed": failed}


async def _stop(ctx: Context, tx: Tx, session_id: str) -> tuple[bool, int]:
    """Stop one session; return whether a turn or start was ended, and the prompts taken back."""
    session = await sessions.load(tx.db, session_id)
    starting = session["state"] in _STARTING
    waiting = await commands.queue(tx, session_id)
    for row in waiting:
        await commands.set_state(tx, row["command_id"], CommandState.CANCELLED, REASON)
    ended = starting or session["active_command_id"] is not None
    if ended:
        await turns.cancel(ctx, tx, session_id, session["active_run_id"])
    if waiting:
        await sessions.notice_quietly(tx, session_id)
    # The prompt that a start is for is to a person part of the start, not of the queue.
    return ended, max(0, len(waiting) - 1) if starting else len(waiting)
