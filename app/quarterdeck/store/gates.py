"""Gates: approvals asked for by name, once per run, gate, stage and round (D9)."""

from dataclasses import dataclass

import aiosqlite

from quarterdeck.store.transaction import Row, Tx, one, rows

DUE, DONE = "due", "done"

_ROW = (
    "SELECT a.*, g.gate, g.stage, g.round, g.effect FROM gates g"
    " JOIN approvals a ON a.approval_id = g.approval_id"
)


@dataclass(frozen=True, slots=True)
class GateKey:
    """By what a gate is known."""

    run_id: str
    gate: str
    stage: str
    round: int


async def insert(tx: Tx, key: GateKey, approval_id: str) -> None:
    """Note the key of an approval; the store refuses a second one with the same key."""
    await tx.run(
        "INSERT INTO gates (approval_id, run_id, gate, stage, round) VALUES (?, ?, ?, ?, ?)",
        (approval_id, key.run_id, key.gate, key.stage, key.round),
    )


async def find(db: aiosqlite.Connection, key: GateKey) -> Row | None:
    """Return the approval with a key, or None."""
    return await one(
        db,
        f"{_ROW} WHERE g.run_id = ? AND g.gate = ? AND g.stage = ? AND g.round = ?",
        (key.run_id, key.gate, key.stage, key.round),
    )


async def of_approval(db: aiosqlite.Connection, approval_id: str) -> Row | None:
    """Return a gate by its approval, or None."""
    return await one(db, f"{_ROW} WHERE g.approval_id = ?", (approval_id,))


async def open_rounds_before(tx: Tx, key: GateKey) -> list[Row]:
    """Return the open approvals of the same gate and stage with a lower round."""
    return await tx.all(
        f"{_ROW} WHERE g.run_id = ? AND g.gate = ? AND g.stage = ? AND g.round < ?"
        " AND a.state = 'pending' ORDER BY g.round",
        (key.run_id, key.gate, key.stage, key.round),
    )


async def latest_round(tx: Tx, key: GateKey) -> int:
    """Return the highest round of the same gate and stage, 0 without any."""
    row = await tx.one(
        "SELECT max(round) AS latest FROM gates WHERE run_id = ? AND gate = ? AND stage = ?",
        (key.run_id, key.gate, key.stage),
    )
    return 0 if row is None or row["latest"] is None else row["latest"]


async def due(db: aiosqlite.Connection) -> list[str]:
    """Return the approvals whose decision has not brought about all that it has to."""
    found = await rows(db, "SELECT approval_id FROM gates WHERE effect = 'due'", ())
    return [row["approval_id"] for row in found]


async def note(tx: Tx, approval_id: str, effect: str) -> None:
    """Note that a decision's effect is due, or done."""
    await tx.run("UPDATE gates SET effect = ? WHERE approval_id = ?", (effect, approval_id))
