"""Runs: one activation of a session's agent (A1, R1-R9)."""

from typing import Any

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import RunView
from quarterdeck.model.states import TERMINAL_RUN_STATES, RunState
from quarterdeck.store import bundles
from quarterdeck.store.sessions import json_or_none
from quarterdeck.store.transaction import Row, Tx, one, rows

_ENDED = ", ".join(f"'{state.value}'" for state in sorted(TERMINAL_RUN_STATES))


async def insert(tx: Tx, run_id: str, session_id: str, via: str, bundle: str | None = None) -> Row:
    """Create the session's next run, in state `pending`, and return its row (R3).

    Without a bundle of its own it names the one of the run before it (A6).
    """
    row = await tx.one(
        "INSERT INTO runs (run_id, session_id, number, state, via, bundle, created_at)"
        " VALUES (?, ?, (SELECT count(*) + 1 FROM runs WHERE session_id = ?), 'pending', ?,"
        " COALESCE(?, (SELECT bundle FROM runs WHERE session_id = ? ORDER BY number DESC LIMIT 1)),"
        " ?) RETURNING *",
        (run_id, session_id, session_id, via, bundle, session_id, tx.at),
    )
    assert row is not None
    return row


async def load(db: aiosqlite.Connection, run_id: str) -> Row:
    """Return a run's row; raises `unknown_run`."""
    row = await one(db, "SELECT * FROM runs WHERE run_id = ?", (run_id,))
    if row is None:
        raise QuarterdeckError("unknown_run", f"no run {run_id}")
    return row


async def of_session(db: aiosqlite.Connection, session_id: str) -> list[RunView]:
    """Return a session's runs, oldest first."""
    found = await rows(
        db,
        "SELECT r.*, COALESCE(t.events, 0) AS trimmed, t.at AS trimmed_at FROM runs r"
        " LEFT JOIN trimmed_runs t USING (run_no) WHERE r.session_id = ? ORDER BY r.number",
        (session_id,),
    )
    return [to_view(row, trimmed=row["trimmed"], trimmed_at=row["trimmed_at"]) for row in found]


async def update(tx: Tx, run_id: str, **fields: Any) -> bool:
    """Set columns of a run that has not ended; an ended one never changes again (A1)."""
    columns = ", ".join(f"{name} = ?" for name in fields)
    changed = await tx.run(
        f"UPDATE runs SET {columns} WHERE run_id = ? AND state NOT IN ({_ENDED})",
        (*fields.values(), run_id),
    )
    return bool(changed)


async def finish(tx: Tx, run_id: str, state: RunState, reason: str | None) -> bool:
    """End a run and its jobs; on an ended one this changes nothing and returns False (A1, R7)."""
    if not await update(tx, run_id, state=state.value, reason=reason, ended_at=tx.at):
        return False
    await tx.run(
        "UPDATE runner_jobs SET state = 'cancelled', reason = 'the run ended', ended_at = ?"
        " WHERE run_id = ? AND state IN ('pending', 'acknowledged')",
        (tx.at, run_id),
    )
    return True


async def live(db: aiosqlite.Connection) -> list[tuple[str, str]]:
    """Return the running (session, run) pairs, without the starting ones (R9)."""
    found = await rows(
        db,
        "SELECT s.session_id, r.run_id FROM sessions s JOIN runs r ON r.run_id = s.active_run_id"
        " WHERE r.state = 'running' ORDER BY r.run_no",
    )
    return [(row[0], row[1]) for row in found]


async def capabilities(db: aiosqlite.Connection, agent: str) -> dict[str, Any] | None:
    """Return what an agent said it can do when a run of it last began; None if none has (A15)."""
    row = await one(
        db,
        "SELECT r.agent_info FROM runs r CROSS JOIN sessions s ON s.session_id = r.session_id"
        " WHERE s.agent = ? AND r.agent_info IS NOT NULL ORDER BY r.run_no DESC LIMIT 1",
        (agent,),
    )
    told = None if row is None else json_or_none(row["agent_info"])
    found = told.get("capabilities") if isinstance(told, dict) else None
    return found if isinstance(found, dict) else None


def takes_images(capabilities: dict[str, Any] | None) -> bool:
    """Return whether an agent of these capabilities takes images in prompts."""
    told = (capabilities or {}).get("prompt_capabilities")
    return isinstance(told, dict) and told.get("image") is True


def to_view(row: Row, *, trimmed: int = 0, trimmed_at: int | None = None) -> RunView:
    """Make the wire record of a row; no run that works has trimmed events."""
    return RunView(
        run_id=row["run_id"],
        session_id=row["session_id"],
        number=row["number"],
        state=row["state"],
        last_event_seq=row["last_event_seq"],
        created_at=iso(row["created_at"]),
        ended_at=None if row["ended_at"] is None else iso(row["ended_at"]),
        reason=row["reason"],
        agent_info=json_or_none(row["agent_info"]),
        runner_id=row["runner_id"],
        bundle=bundles.summary(row["bundle"]),
        trimmed=trimmed,
        trimmed_at=None if trimmed_at is None else iso(trimmed_at),
    )
