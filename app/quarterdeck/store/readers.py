"""Read marks (A9)."""

from quarterdeck.store.transaction import Tx


async def mark(tx: Tx, reader: str, session_id: str, version: int) -> None:
    """Store that `reader` saw the session at `version`; a mark never goes back."""
    await tx.run(
        "INSERT INTO readers (reader, session_id, version, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (reader, session_id) DO UPDATE SET version = excluded.version,"
        " at = excluded.at WHERE excluded.version > version",
        (reader, session_id, version, tx.at),
    )
