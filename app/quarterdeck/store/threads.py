"""What a person does to a session as a whole: rename, pin, archive, delete, restore (C1)."""

import aiosqlite

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import SessionState
from quarterdeck.store import sessions
from quarterdeck.store.transaction import Row, Tx, rows

UNDO_DAYS = 30
UNDO_MS = UNDO_DAYS * 24 * 60 * 60 * 1000


def check_not_deleted(session: Row) -> None:
    """Raise `session_deleted` for a session that was deleted and can only be restored."""
    if session["deleted_at"] is not None:
        raise QuarterdeckError(
            "session_deleted",
            f"session {session['session_id']} was deleted",
            session_id=session["session_id"],
        )


async def rename(tx: Tx, session_id: str, title: str) -> None:
    """Give a session another title (A7)."""
    await _set(tx, session_id, "title", title)


async def set_pinned(tx: Tx, session_id: str, pinned: bool) -> None:
    """Pin or unpin: a pinned session stays in the default list, first among its like."""
    await _set(tx, session_id, "pinned", int(pinned))


async def set_archived(tx: Tx, session_id: str, archived: bool) -> None:
    """Take a session out of the lists, or bring it back as it was."""
    session = await sessions.load(tx.db, session_id)
    if (session["archived_at"] is not None) is not archived or session["deleted_at"] is not None:
        await _set(tx, session_id, "archived_at", tx.at if archived else None)


async def delete(tx: Tx, session_id: str) -> None:
    """Delete a session in a way that can be undone for 30 days.

    Raises:
        QuarterdeckError: `session_live` while it has, or is about to have, an agent.
    """
    session = await sessions.load(tx.db, session_id)
    if session["deleted_at"] is not None:
        return
    starting = session["state"] in (SessionState.CREATED, SessionState.STARTING)
    if session["active_run_id"] is not None or starting:
        raise QuarterdeckError(
            "session_live",
            f"session {session_id} has a live run",
            session_id=session_id,
            run_id=session["active_run_id"],
        )
    await _set(tx, session_id, "deleted_at", tx.at)


async def restore(tx: Tx, session_id: str) -> None:
    """Undo a deletion; on a session that was not deleted this changes nothing.

    Raises:
        QuarterdeckError: `unknown_session` once its 30 days are over: it may be half gone by now.
    """
    session = await sessions.load(tx.db, session_id)
    if session["deleted_at"] is not None and session["deleted_at"] < tx.at - UNDO_MS:
        raise QuarterdeckError(
            "unknown_session", f"session {session_id} was deleted over {UNDO_DAYS} days ago"
        )
    if session["deleted_at"] is not None:
        await sessions.update(tx, session_id, deleted_at=None)
        await sessions.notice_quietly(tx, session_id)


async def expired(db: aiosqlite.Connection, before_ms: int) -> list[str]:
    """Return the sessions that were deleted before `before_ms`, the oldest first."""
    found = await rows(
        db,
        "SELECT session_id FROM sessions WHERE deleted_at IS NOT NULL AND deleted_at < ?"
        " ORDER BY deleted_at",
        (before_ms,),
    )
    return [row["session_id"] for row in found]


async def _set(tx: Tx, session_id: str, column: str, value: str | int | None) -> None:
    session = await sessions.load(tx.db, session_id)
    check_not_deleted(session)
    if session[column] != value:
        await sessions.update(tx, session_id, **{column: value})
        await sessions.notice_quietly(tx, session_id)
