"""What a session carries beside what happens in it: notes, a summary, how long it is kept (A6)."""

import json

import aiosqlite

from quarterdeck.store import sessions, threads
from quarterdeck.store.transaction import Tx, one, rows

COLUMNS = ("conversation_id", "metadata", "summary", "ephemeral", "expires_at")


async def describe(tx: Tx, session_id: str, changes: dict[str, str | int | None]) -> None:
    """Set some of `COLUMNS`; what a reader had read stays read.

    Raises:
        QuarterdeckError: `unknown_session`, `session_deleted`; nothing was changed.
    """
    session = await sessions.load(tx.db, session_id)
    threads.check_not_deleted(session)
    changed = {name: changes[name] for name in COLUMNS if name in changes}
    before = sessions.json_or_none(session["metadata"])
    if "metadata" in changed and isinstance(before, dict) and sessions.IMPORTED in before:
        notes = json.loads(str(changed["metadata"]))
        notes[sessions.IMPORTED] = before[sessions.IMPORTED]
        changed["metadata"] = json.dumps(notes)
    if any(session[name] != value for name, value in changed.items()):
        await sessions.update(tx, session_id, **changed)
        await sessions.notice_quietly(tx, session_id)


async def overdue(db: aiosqlite.Connection, now_ms: int) -> list[str]:
    """Return the sessions whose time is over, the longest overdue first."""
    found = await rows(
        db,
        "SELECT session_id FROM sessions INDEXED BY sessions_expiring"
        " WHERE expires_at IS NOT NULL AND deleted_at IS NULL AND expires_at <= ?"
        " ORDER BY expires_at",
        (now_ms,),
    )
    return [row["session_id"] for row in found]


async def next_expiry(db: aiosqlite.Connection, after_ms: int) -> int | None:
    """Return when the next session's time is over that is not over yet."""
    row = await one(
        db,
        "SELECT min(expires_at) FROM sessions INDEXED BY sessions_expiring"
        " WHERE expires_at IS NOT NULL AND deleted_at IS NULL AND expires_at > ?",
        (after_ms,),
    )
    return row[0] if row else None
