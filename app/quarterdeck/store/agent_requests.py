"""What an agent asked of us and is not answered yet: files and terminals (DESIGN §4)."""

import json
from typing import Any

import aiosqlite

from quarterdeck.store.transaction import Row, Tx, one, rows


async def insert(
    tx: Tx, run_id: str, request_id: int | str, method: str, params: dict[str, Any]
) -> None:
    """Note a request with the transaction that ingested it."""
    await tx.run(
        "INSERT INTO agent_requests (run_id, request_id, method, params, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (run_id, json.dumps(request_id), method, json.dumps(params), tx.at),
    )


async def remove(tx: Tx, run_id: str, request_id: int | str) -> bool:
    """Forget a request with the transaction that answers it; False if it was answered before."""
    changed = await tx.run(
        "DELETE FROM agent_requests WHERE run_id = ? AND request_id = ?",
        (run_id, json.dumps(request_id)),
    )
    return bool(changed)


async def take(tx: Tx, run_id: str, request_id: int | str) -> Any | None:
    """Remove a request and return its params; None if it is there no more."""
    row = await tx.one(
        "DELETE FROM agent_requests WHERE run_id = ? AND request_id = ? RETURNING params",
        (run_id, json.dumps(request_id)),
    )
    return None if row is None else json.loads(row["params"])


async def of_run(db: aiosqlite.Connection, run_id: str) -> list[tuple[int | str, str, Any]]:
    """Return a run's unanswered requests: id, method, params."""
    found = await rows(
        db,
        "SELECT request_id, method, params FROM agent_requests WHERE run_id = ?"
        " ORDER BY created_at",
        (run_id,),
    )
    return [(json.loads(row[0]), row[1], json.loads(row[2])) for row in found]


async def insert_terminal(tx: Tx, run_id: str, command: str, cwd: str, output_bytes: int) -> str:
    """Reserve a terminal in state `created` and return its id, unique in the run."""
    row = await tx.one("SELECT count(*) + 1 FROM terminals WHERE run_id = ?", (run_id,))
    assert row is not None
    terminal_id = f"term_{row[0]}"
    await tx.run(
        "INSERT INTO terminals (run_id, terminal_id, command, cwd, output_bytes, state,"
        " created_at) VALUES (?, ?, ?, ?, ?, 'created', ?)",
        (run_id, terminal_id, command, cwd, output_bytes, tx.at),
    )
    return terminal_id


async def terminal(db: aiosqlite.Connection, run_id: str, terminal_id: str) -> Row | None:
    """Return a terminal's row, if the run has it."""
    return await one(
        db,
        "SELECT * FROM terminals WHERE run_id = ? AND terminal_id = ?",
        (run_id, terminal_id),
    )


async def terminals(db: aiosqlite.Connection, run_id: str) -> list[Row]:
    """Return a run's terminals that were not released."""
    return await rows(
        db, "SELECT * FROM terminals WHERE run_id = ? AND state <> 'released'", (run_id,)
    )


async def set_terminal_state(tx: Tx, run_id: str, terminal_id: str, state: str) -> None:
    """Set a terminal's state: created, running, released."""
    await tx.run(
        "UPDATE terminals SET state = ? WHERE run_id = ? AND terminal_id = ?",
        (state, run_id, terminal_id),
    )
