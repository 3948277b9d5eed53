"""What an agent asked of us and is not answered yet: permissions, files, terminals (DESIGN §4).

Each request is known by a number that is never given twice, since an agent may use the id of a
request it took back for another one.
"""

import json
from dataclasses import dataclass
from typing import Any

import aiosqlite

from quarterdeck.store.transaction import Row, Tx, one, rows

PERMISSION = "permission"
"""The method of a request that is answered by its approval alone."""


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """One request that has no answer yet."""

    request_no: int
    request_id: int | str
    method: str
    params: Any


async def insert(
    tx: Tx, run_id: str, request_id: int | str, method: str, params: dict[str, Any]
) -> AgentRequest:
    """Note a request with the transaction that ingested it."""
    row = await tx.one(
        "INSERT INTO agent_requests (run_id, request_id, method, params, created_at)"
        " VALUES (?, ?, ?, ?, ?) RETURNING *",
        (run_id, json.dumps(request_id), method, json.dumps(params), tx.at),
    )
    assert row is not None
    return _request(row)


async def remove(tx: Tx, request_no: int) -> AgentRequest | None:
    """Forget a request with the transaction that answers it; None if it is open no more."""
    row = await tx.one("DELETE FROM agent_requests WHERE request_no = ? RETURNING *", (request_no,))
    return None if row is None else _request(row)


async def withdraw(tx: Tx, run_id: str, request_id: int | str) -> None:
    """Forget a request that its agent took back: the id may come to mean another one."""
    await tx.run(
        "DELETE FROM agent_requests WHERE run_id = ? AND request_id = ?",
        (run_id, json.dumps(request_id)),
    )


async def release(tx: Tx, request_no: int, method: str) -> AgentRequest | None:
    """Turn a held request into one that is served; None if it is open no more."""
    row = await tx.one(
        "UPDATE agent_requests SET method = ? WHERE request_no = ? RETURNING *",
        (method, request_no),
    )
    return None if row is None else _request(row)


async def of_run(db: aiosqlite.Connection, run_id: str) -> list[AgentRequest]:
    """Return a run's unanswered requests, oldest first."""
    found = await rows(
        db, "SELECT * FROM agent_requests WHERE run_id = ? ORDER BY request_no", (run_id,)
    )
    return [_request(row) for row in found]


def _request(row: Row) -> AgentRequest:
    return AgentRequest(
        row["request_no"], json.loads(row["request_id"]), row["method"], json.loads(row["params"])
    )


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
