"""Every decision with what it was about: the audit, and what dry runs judge again."""

import json
from typing import Any

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.records import AuditLine
from quarterdeck.store.transaction import Row, Tx, rows

PAGE_LIMIT = 500

_LINES = (
    "SELECT d.*, a.session_id, a.kind, a.title, a.subject, a.cwd, a.state, a.matched_rule,"
    " a.rule_text, a.reason AS asked_because, s.title AS session_title, s.agent AS agent"
    " FROM decisions d JOIN approvals a ON a.approval_id = d.approval_id"
    " JOIN sessions s ON s.session_id = a.session_id"
)


async def page(
    db: aiosqlite.Connection, since: int, after: tuple[int, str] | None, limit: int
) -> list[AuditLine]:
    """Return decisions from a time on, oldest first.

    Args:
        db: Where to read.
        since: Unix milliseconds.
        after: Moment and id of the last decision of the page before.
        limit: 1 to 500.
    """
    at, decision_id = after or (since, "")
    found = await rows(
        db,
        f"{_LINES} WHERE (d.decided_at, d.decision_id) > (?, ?)"
        " ORDER BY d.decided_at, d.decision_id LIMIT ?",
        (at, decision_id, min(max(limit, 1), PAGE_LIMIT)),
    )
    return [_line(row) for row in found]


def _line(row: Row) -> AuditLine:
    names = AuditLine.__dataclass_fields__
    told: dict[str, Any] = {name: row[name] for name in names if name != "decided_at"}
    return AuditLine(**told, decided_at=iso(row["decided_at"]))


async def recorded(db: aiosqlite.Connection, since: int, after: int, limit: int) -> list[Row]:
    """Return approvals from a time on with their sessions' places, in the order they were put."""
    return await rows(
        db,
        "SELECT a.*, s.agent AS agent, s.cwd AS session_cwd, s.approval_mode AS approval_mode"
        " FROM approvals a JOIN sessions s ON s.session_id = a.session_id"
        " WHERE a.created_at >= ? AND a.approval_no > ?"
        " AND a.kind IN ('tool_call', 'mcp', 'network_host', 'terminal', 'file')"
        " ORDER BY a.approval_no LIMIT ?",
        (since, after, limit),
    )


async def unamended(db: aiosqlite.Connection) -> list[Row]:
    """Return the decisions whose amendment of the rules is not done yet."""
    return await rows(
        db, "SELECT * FROM decisions WHERE amendment = 'pending' ORDER BY decided_at", ()
    )


async def amended(tx: Tx, decision_id: str, outcome: str) -> bool:
    """Note what came of an amendment; False if that was noted before."""
    changed = await tx.run(
        "UPDATE decisions SET amendment = ? WHERE decision_id = ? AND amendment = 'pending'",
        (outcome, decision_id),
    )
    return bool(changed)


async def cover(tx: Tx, approval: Row, path: str, of: int) -> None:
    """Use up one file of an approval for an edit; with the last of `of` files all of it."""
    covered = [*covered_paths(approval), path]
    await tx.run(
        "UPDATE approvals SET covered = ?, consumed = ? WHERE approval_id = ?",
        (json.dumps(covered), int(len(covered) >= of), approval["approval_id"]),
    )


def covered_paths(approval: Row) -> list[str]:
    """Return the files of an approval that were written already."""
    return json.loads(approval["covered"]) if approval["covered"] else []
