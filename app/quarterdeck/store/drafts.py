"""Drafts: what a reader has begun to write to a session, kept until it is sent."""

import aiosqlite

from quarterdeck.store.transaction import Tx, one


async def load(db: aiosqlite.Connection, reader: str, session_id: str) -> str:
    """Return a reader's draft for a session, empty if there is none."""
    row = await one(
        db, "SELECT text FROM drafts WHERE reader = ? AND session_id = ?", (reader, session_id)
    )
    return "" if row is None else row["text"]


async def save(tx: Tx, reader: str, session_id: str, text: str) -> None:
    """Keep a draft; an empty one is forgotten."""
    if text:
        await tx.run(
            "INSERT INTO drafts (reader, session_id, text, at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET text = excluded.text, at = excluded.at",
            (reader, session_id, text, tx.at),
        )
    else:
        await tx.run("DELETE FROM drafts WHERE reader = ? AND session_id = ?", (reader, session_id))
