"""What is old is trimmed: events of closed sessions, a run whole, so that no seq has a gap (A2)."""

from dataclasses import dataclass

import aiosqlite

from quarterdeck.store import search_index
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx, one, rows

EVENTS_AT_ONCE = 2000

_TRIMMABLE = """s.state = 'closed' AND s.active_run_id IS NULL AND s.pinned = 0
AND s.open_approvals = 0 AND NOT EXISTS (
    SELECT 1 FROM commands c WHERE c.session_id = s.session_id
    AND c.state IN ('pending', 'acknowledged')
)"""
_HAS_EVENTS = """EXISTS (
    SELECT 1 FROM runs r WHERE r.session_id = s.session_id AND r.last_event_seq > 0
    AND NOT EXISTS (SELECT 1 FROM trimmed_runs t WHERE t.run_no = r.run_no)
)"""


@dataclass(slots=True)
class Trimmed:
    """What a pass took away."""

    sessions: int = 0
    events: int = 0


async def trim(
    store: Store, *, before: int | None, max_bytes: int | None, trimmed: Trimmed
) -> None:
    """Trim closed sessions that are too old, then the oldest while the store is too large.

    Live, waiting, failed and pinned sessions are never trimmed. The sessions themselves stay,
    with title, commands and usage.

    Args:
        store: The store.
        before: Sessions without activity since then, in Unix milliseconds; None for none.
        max_bytes: How large the store's used pages may be; None for no limit.
        trimmed: Is counted up.
    """
    await _finish(store)
    while before is not None and (session_id := await _oldest(store.reading, before)):
        await _trim_session(store, session_id, trimmed)
    while max_bytes is not None and await used_bytes(store.reading) > max_bytes:
        session_id = await _oldest(store.reading, None)
        if session_id is None:
            return
        await _trim_session(store, session_id, trimmed)


async def _oldest(db: aiosqlite.Connection, before: int | None) -> str | None:
    row = await one(
        db,
        f"SELECT session_id FROM sessions s WHERE {_TRIMMABLE} AND {_HAS_EVENTS}"
        " AND last_activity < ? ORDER BY last_activity LIMIT 1",
        ((1 << 62) if before is None else before,),
    )
    return None if row is None else row["session_id"]


async def _trim_session(store: Store, session_id: str, trimmed: Trimmed) -> None:
    async def mark(tx: Tx) -> int:
        """Note what goes, unless the session was taken up again meanwhile."""
        before = await _count(tx)
        await tx.run(
            "INSERT INTO trimmed_runs (run_no, events, at)"
            " SELECT r.run_no, r.last_event_seq, ? FROM runs r JOIN sessions s USING (session_id)"
            f" WHERE r.session_id = ? AND r.last_event_seq > 0 AND {_TRIMMABLE}"
            " ON CONFLICT DO NOTHING",
            (tx.at, session_id),
        )
        return await _count(tx) - before

    events = await store.write(mark)
    trimmed.sessions += events > 0
    trimmed.events += events
    await _finish(store)


async def _count(tx: Tx) -> int:
    row = await tx.one("SELECT COALESCE(sum(events), 0) FROM trimmed_runs")
    return 0 if row is None else row[0]


async def _finish(store: Store) -> None:
    """Delete what is marked as trimmed, in pieces, also what a crash has left of it."""
    left = await rows(
        store.reading,
        "SELECT run_no FROM trimmed_runs t"
        " WHERE EXISTS (SELECT 1 FROM events e WHERE e.run_no = t.run_no)",
    )
    for row in left:
        while await store.write(lambda tx, run_no=row["run_no"]: _delete_some(tx, run_no)):
            pass


async def _delete_some(tx: Tx, run_no: int) -> bool:
    """Take some of a run out of the index, and once that is done, some of its events."""
    if await search_index.forget_some(tx, run_no):
        return True
    gone = await tx.run(
        "DELETE FROM events WHERE event_no IN"
        f" (SELECT event_no FROM events WHERE run_no = ? LIMIT {EVENTS_AT_ONCE})",
        (run_no,),
    )
    return gone == EVENTS_AT_ONCE


async def used_bytes(db: aiosqlite.Connection) -> int:
    """Return how many bytes the store's pages in use have."""
    found = [
        await one(db, f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size")
    ]
    pages, free, size = (0 if row is None else row[0] for row in found)
    return (pages - free) * size


async def ended_runs(db: aiosqlite.Connection, before: int) -> list[str]:
    """Return the runs that ended before a time, in Unix milliseconds, and that no session has."""
    found = await rows(
        db,
        "SELECT run_id FROM runs WHERE state IN ('completed', 'failed', 'blocked', 'cancelled')"
        " AND ended_at < ? AND run_id NOT IN"
        " (SELECT active_run_id FROM sessions WHERE active_run_id IS NOT NULL)",
        (before,),
    )
    return [row["run_id"] for row in found]
