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


async def unmark(tx: Tx, reader: str, session_id: str) -> None:
    """Make a session unread for `reader` again, as if its last news had not been seen."""
    await tx.run(
        "UPDATE readers SET version = (SELECT version - 1 FROM sessions s"
        " WHERE s.session_id = readers.session_id), at = ? WHERE reader = ? AND session_id = ?"
        " AND version >= (SELECT version FROM sessions s WHERE s.session_id = readers.session_id)",
        (tx.at, reader, session_id),
    )


async def mark_all(tx: Tx, reader: str, up_to: int | None, project: str | None) -> int:
    """Mark every listed session read, and return how many were not.

    Args:
        tx: The transaction.
        reader: Whose marks.
        up_to: Only sessions whose version is not above this one: what the client has seen.
        project: Only this project's.
    """
    where, values = "", []
    if up_to is not None:
        where += " AND s.version <= ?"
        values.append(up_to)
    if project is not None:
        where += " AND s.project = ?"
        values.append(project)
    return await tx.run(
        "INSERT INTO readers (reader, session_id, version, at)"
        " SELECT ?, s.session_id, s.version, ? FROM sessions s WHERE s.shelf = 0 AND s.version >"
        " COALESCE((SELECT version FROM readers r WHERE r.reader = ? AND"
        f" r.session_id = s.session_id), 0){where}"
        " ON CONFLICT (reader, session_id) DO UPDATE SET version = excluded.version,"
        " at = excluded.at",
        (reader, tx.at, reader, *values),
    )
