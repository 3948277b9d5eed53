"""Checkpoints: named points of a session's history (C2)."""

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import CheckpointView
from quarterdeck.store.transaction import Row, Tx, one, rows

LATEST = "latest"


async def save(tx: Tx, session_id: str, name: str, run_id: str, seq: int) -> CheckpointView:
    """Save a checkpoint; one of the same name is moved.

    `latest` is saved when a prompt is handed over and when its answer is whole: a piece of an
    answer is no message yet, so streaming costs nothing here.
    """
    row = await tx.one(
        "INSERT INTO checkpoints (session_id, name, run_id, seq, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (session_id, name) DO UPDATE SET run_id = excluded.run_id,"
        " seq = excluded.seq, at = excluded.at RETURNING *",
        (session_id, name, run_id, seq, tx.at),
    )
    assert row is not None
    return to_view(row)


async def find(db: aiosqlite.Connection, session_id: str, name: str) -> Row | None:
    """Return a checkpoint's row, if there is one of that name."""
    return await one(
        db, "SELECT * FROM checkpoints WHERE session_id = ? AND name = ?", (session_id, name)
    )


async def load(db: aiosqlite.Connection, session_id: str, name: str) -> Row:
    """Return a checkpoint's row; raises `unknown_checkpoint`."""
    row = await find(db, session_id, name)
    if row is None:
        raise QuarterdeckError("unknown_checkpoint", f"no checkpoint {name!r} of {session_id}")
    return row


async def of_session(db: aiosqlite.Connection, session_id: str) -> list[CheckpointView]:
    """Return a session's checkpoints, the newest first."""
    found = await rows(
        db, "SELECT * FROM checkpoints WHERE session_id = ? ORDER BY at DESC, name", (session_id,)
    )
    return [to_view(row) for row in found]


async def delete(tx: Tx, session_id: str, name: str) -> None:
    """Forget a checkpoint; raises `unknown_checkpoint`."""
    await load(tx.db, session_id, name)
    await tx.run("DELETE FROM checkpoints WHERE session_id = ? AND name = ?", (session_id, name))


def to_view(row: Row) -> CheckpointView:
    """Make the wire record of a row."""
    return CheckpointView(
        session_id=row["session_id"],
        name=row["name"],
        run_id=row["run_id"],
        seq=row["seq"],
        at=iso(row["at"]),
    )
