"""What the store holds, and whether it is sound: SQLite's own checks and our invariants."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.store.retention import used_bytes
from quarterdeck.store.transaction import one

_COUNTED = ("sessions", "runs", "commands", "events", "approvals", "search_blocks", "usage")
PROBLEMS_LIMIT = 100

INVARIANTS: dict[str, str] = {
    "events of no run": """
        SELECT DISTINCT 'run_no ' || run_no FROM events e
        WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_no = e.run_no)""",
    "seqs that are not 1, 2, 3 … up to the run's last": """
        SELECT r.run_id FROM runs r LEFT JOIN (
            SELECT run_no, count(*) AS n, min(seq) AS low, max(seq) AS high
            FROM events GROUP BY run_no
        ) e USING (run_no)
        WHERE NOT EXISTS (SELECT 1 FROM trimmed_runs t WHERE t.run_no = r.run_no)
        AND (COALESCE(e.n, 0), COALESCE(e.low, 1), COALESCE(e.high, 0))
            <> (r.last_event_seq, 1, r.last_event_seq)""",
    "active run that is not the session's, or has ended": """
        SELECT s.session_id FROM sessions s LEFT JOIN runs r ON r.run_id = s.active_run_id
        WHERE s.active_run_id IS NOT NULL AND (r.session_id IS NOT s.session_id
        OR r.state IN ('completed', 'failed', 'blocked', 'cancelled'))""",
    "count of open approvals that is wrong": """
        SELECT s.session_id FROM sessions s WHERE s.open_approvals <> (
            SELECT count(*) FROM approvals a
            WHERE a.session_id = s.session_id AND a.state = 'pending')""",
    "approval of no run": """
        SELECT a.approval_id FROM approvals a
        WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = a.run_id)""",
    "settled approval without its action": """
        SELECT approval_id FROM approvals WHERE state <> 'pending' AND state <> 'approved'
        AND action IS NULL""",
    "command of no run": """
        SELECT c.command_id FROM commands c WHERE c.run_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = c.run_id)""",
    "outbox of no run": """
        SELECT DISTINCT o.run_id FROM outbox o
        WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = o.run_id)""",
    "indexed text of events that are not there": """
        SELECT 'block ' || b.block_no FROM search_blocks b LEFT JOIN runs r USING (run_no)
        WHERE r.run_no IS NULL OR b.last_seq > r.last_event_seq OR b.first_seq > b.last_seq""",
    "indexed text without its place, or the other way round": """
        SELECT 'block ' || block_no FROM search_blocks
        WHERE block_no NOT IN (SELECT id FROM search_text_docsize)
        UNION ALL SELECT 'block ' || id FROM search_text_docsize
        WHERE id NOT IN (SELECT block_no FROM search_blocks)""",
}
"""What must never be there, each with the query that finds it."""


def check(path: Path) -> list[str]:
    """Return everything that is wrong with the store at `path`; it may be in use meanwhile."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
        db.isolation_level = None
        db.execute("BEGIN")
        found = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [
            f"{row[0]} row {row[1]} names a row of {row[2]} that is not there"
            for row in db.execute("PRAGMA foreign_key_check")
        ]
        for what, query in INVARIANTS.items():
            found += [f"{what}: {row[0]}" for row in db.execute(query)]
            if len(found) >= PROBLEMS_LIMIT:
                break
        db.execute("ROLLBACK")
    return found[:PROBLEMS_LIMIT]


async def stats(db: aiosqlite.Connection, path: Path) -> dict[str, Any]:
    """Return how large the store is and how much of what it holds."""
    counts: dict[str, int] = {}
    for table in _COUNTED:
        row = await one(db, f"SELECT count(*) FROM {table}")
        counts[table] = 0 if row is None else row[0]
    trimmed = await one(db, "SELECT count(*), COALESCE(sum(events), 0) FROM trimmed_runs")
    oldest = await one(db, "SELECT at FROM events ORDER BY event_no LIMIT 1")
    log = path.with_name(f"{path.name}-wal")
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "used_bytes": await used_bytes(db),
        "log_bytes": log.stat().st_size if log.exists() else 0,
        "rows": counts,
        "oldest_event": None if oldest is None else iso(oldest[0]),
        "trimmed_runs": 0 if trimmed is None else trimmed[0],
        "trimmed_events": 0 if trimmed is None else trimmed[1],
    }
