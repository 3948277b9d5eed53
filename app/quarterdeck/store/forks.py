"""Forks: where a session came from and what of its parent's history it is still to be told (C1)."""

from dataclasses import dataclass

import aiosqlite

from quarterdeck.store import checkpoints
from quarterdeck.store.transaction import Row, Tx, one


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a session's history."""

    run_id: str | None
    seq: int
    checkpoint: str | None = None


async def insert(
    tx: Tx, session_id: str, run_id: str, parent: Row, point: Point, history: str
) -> None:
    """Note where a session was forked from; `run_id` is its own first run, reserved."""
    await tx.run(
        "INSERT INTO forks (session_id, parent_session_id, parent_agent_session_id,"
        " parent_run_id, parent_seq, checkpoint, run_id, history, history_sent, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_id,
            parent["session_id"],
            parent["agent_session_id"],
            point.run_id,
            point.seq,
            point.checkpoint,
            run_id,
            history,
            int(not history),
            tx.at,
        ),
    )


async def find(db: aiosqlite.Connection, session_id: str) -> Row | None:
    """Return where a session was forked from, if it was."""
    return await one(db, "SELECT * FROM forks WHERE session_id = ?", (session_id,))


async def mark_told(tx: Tx, session_id: str) -> None:
    """Note that the agent knows the history: it forked it itself, or was given it in words."""
    await tx.run("UPDATE forks SET history_sent = 1 WHERE session_id = ?", (session_id,))


async def agent_session(tx: Tx, fork: Row) -> str | None:
    """Return the agent's own id of the parent, if the agent's fork of it is the same history.

    It is not if the fork is of an earlier point, if the parent went on meanwhile or works just
    now, or if the parent's agent was once restarted without its memory.
    """
    parent = await one(
        tx.db, "SELECT * FROM sessions WHERE session_id = ?", (fork["parent_session_id"],)
    )
    if parent is None or parent["active_command_id"] is not None:
        return None
    known = fork["parent_agent_session_id"]
    latest = await checkpoints.find(tx.db, parent["session_id"], checkpoints.LATEST)
    if known is None or known != parent["agent_session_id"] or latest is None:
        return None
    later = await tx.one(
        "SELECT 1 FROM runs said, runs forked WHERE said.run_id = ? AND forked.run_id = ?"
        " AND (said.number, ?) > (forked.number, ?)",
        (latest["run_id"], fork["parent_run_id"], latest["seq"], fork["parent_seq"]),
    )
    restarted = await tx.one(
        "SELECT 1 FROM runs WHERE session_id = ? AND via = 'new' AND number > 1 LIMIT 1",
        (parent["session_id"],),
    )
    return None if later is not None or restarted is not None else known
