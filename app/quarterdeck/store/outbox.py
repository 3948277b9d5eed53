"""The outbox: what is to be said to an agent, with its place in the spool (DESIGN §4)."""

import json
from dataclasses import dataclass

import aiosqlite

from quarterdeck.store.transaction import Row, Tx, rows


@dataclass(frozen=True, slots=True)
class Entry:
    """One line to an agent and where it stands in the spool."""

    run_id: str
    ordinal: int
    start: int
    payload: bytes
    role: str
    method: str | None
    rpc_id: int | str | None
    command_id: str | None


async def insert(tx: Tx, entry: Entry) -> None:
    """Commit an entry before it is appended to the spool."""
    await tx.run(
        "INSERT INTO outbox (run_id, ordinal, start, length, role, method, rpc_id, command_id,"
        " payload, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.run_id,
            entry.ordinal,
            entry.start,
            len(entry.payload),
            entry.role,
            entry.method,
            None if entry.rpc_id is None else json.dumps(entry.rpc_id),
            entry.command_id,
            entry.payload,
            tx.at,
        ),
    )


async def undelivered(db: aiosqlite.Connection, run_id: str) -> list[Row]:
    """Return a run's entries whose text is still kept, in spool order."""
    return await rows(
        db,
        "SELECT ordinal, start, payload FROM outbox WHERE run_id = ? AND payload IS NOT NULL"
        " ORDER BY ordinal",
        (run_id,),
    )


async def undelivered_decisions(tx: Tx, run_id: str, forwarded: int, last_words: int) -> list[Row]:
    """Return the decided approvals of a run that its agent has not surely taken in.

    Args:
        tx: The transaction.
        run_id: A run whose agent has ended.
        forwarded: Bytes of the spool that were written to the agent's stdin.
        last_words: The seq of the last event that came from the agent: it may have died with an
            answer on its stdin that was decided after that.
    """
    return await tx.all(
        "SELECT a.approval_id, a.subject FROM outbox o"
        " JOIN approvals a ON a.run_id = o.run_id AND a.request_id = o.rpc_id"
        " JOIN decisions d ON d.approval_id = a.approval_id"
        " WHERE o.run_id = ? AND o.role = 'answer' AND a.decided_at = o.created_at"
        " AND (o.start + o.length > ? OR a.approval_id IN"
        " (SELECT json_extract(e.payload, '$.approval_id')"
        " FROM events e JOIN runs r ON r.run_no = e.run_no"
        " WHERE r.run_id = o.run_id AND e.type = 'approval.decided' AND e.seq > ?"
        " AND json_valid(e.payload))) ORDER BY a.approval_no",
        (run_id, forwarded, last_words),
    )


async def forget_delivered(tx: Tx, run_id: str, forwarded: int) -> None:
    """Drop the text of entries that the keeper has forwarded whole."""
    await tx.run(
        "UPDATE outbox SET payload = NULL WHERE run_id = ? AND payload IS NOT NULL"
        " AND start + length <= ?",
        (run_id, forwarded),
    )
