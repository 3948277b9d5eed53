"""Removing a deleted session for good, in pieces small enough not to hold up others (C1)."""

from quarterdeck.store import search_index
from quarterdeck.store.transaction import Tx

EVENTS_AT_ONCE = 5_000

_OF_RUN = (
    "outbox",
    "agent_requests",
    "terminals",
    "runner_jobs",
)
_OF_SESSION = (
    "readers",
    "drafts",
    "grants",
    "approvals",
    "commands",
    "checkpoints",
    "forks",
    "usage_marks",
    "runs",
)


async def purge_events(tx: Tx, session_id: str) -> bool:
    """Delete some of the session's events; returns whether there may be more."""
    if await search_index.forget_some_of_session(tx, session_id):
        return True
    changed = await tx.run(
        "DELETE FROM events WHERE event_no IN (SELECT e.event_no FROM events e"
        " JOIN runs r ON r.run_no = e.run_no WHERE r.session_id = ?"
        f" LIMIT {EVENTS_AT_ONCE})",
        (session_id,),
    )
    return changed > 0


async def purge_rest(tx: Tx, session_id: str, before_ms: int) -> bool:
    """Delete all else of a session without events, unless it was restored meanwhile."""
    row = await tx.one(
        "SELECT 1 FROM sessions WHERE session_id = ? AND deleted_at < ?", (session_id, before_ms)
    )
    if row is None:
        return False
    await tx.run(
        "DELETE FROM decisions WHERE approval_id IN"
        " (SELECT approval_id FROM approvals WHERE session_id = ?)",
        (session_id,),
    )
    for table in _OF_RUN:
        await tx.run(
            f"DELETE FROM {table} WHERE run_id IN (SELECT run_id FROM runs WHERE session_id = ?)",
            (session_id,),
        )
    await tx.run(
        "DELETE FROM trimmed_runs WHERE run_no IN (SELECT run_no FROM runs WHERE session_id = ?)",
        (session_id,),
    )
    await tx.run(
        "DELETE FROM prompt_images WHERE command_id IN"
        " (SELECT command_id FROM commands WHERE session_id = ?)",
        (session_id,),
    )
    for table in _OF_SESSION:
        await tx.run(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))
    await tx.run("DELETE FROM sessions WHERE session_id = ?", (session_id,))
    return True
