"""Commands: what was asked of a run; a session's waiting turns are its queue (A1, A4)."""

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.records import CommandView
from quarterdeck.model.states import CommandKind, CommandState
from quarterdeck.store.transaction import Row, Tx, rows

_OPEN = "state IN ('pending', 'acknowledged')"


async def insert(
    tx: Tx,
    session_id: str,
    run_id: str | None,
    kind: CommandKind,
    *,
    text: str | None = None,
    key: str | None = None,
    payload_sha256: str | None = None,
) -> Row:
    """Add a command in state `pending` and return its row.

    With an idempotency key that the run has seen, the first command is returned if the payload
    is the same (A4).

    Raises:
        QuarterdeckError: `conflict` if the key was used with another payload.
    """
    if key is not None and run_id is not None:
        first = await tx.one(
            "SELECT * FROM commands WHERE run_id = ? AND idempotency_key = ?", (run_id, key)
        )
        if first is not None:
            if first["payload_sha256"] != payload_sha256:
                raise QuarterdeckError("conflict", f"key {key!r} was used with another payload")
            return first
    row = await tx.one(
        "INSERT INTO commands (command_id, session_id, run_id, kind, state, text,"
        " idempotency_key, payload_sha256, created_at)"
        " VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?) RETURNING *",
        (
            new_id(Prefix.COMMAND),
            session_id,
            run_id,
            kind.value,
            text,
            key,
            payload_sha256,
            tx.at,
        ),
    )
    assert row is not None
    return row


async def set_state(
    tx: Tx, command_id: str, state: CommandState, reason: str | None = None
) -> bool:
    """Move an open command; an ended one never changes again (A1). Returns whether it moved."""
    ended = None if state in (CommandState.PENDING, CommandState.ACKNOWLEDGED) else tx.at
    changed = await tx.run(
        f"UPDATE commands SET state = ?, reason = COALESCE(?, reason), ended_at = ?"
        f" WHERE command_id = ? AND {_OPEN}",
        (state.value, reason, ended, command_id),
    )
    return bool(changed)


async def acknowledge(tx: Tx, command_id: str, run_id: str) -> None:
    """Note that a waiting turn was handed to `run_id`."""
    await tx.run(
        "UPDATE commands SET state = 'acknowledged', run_id = ?"
        " WHERE command_id = ? AND state = 'pending'",
        (run_id, command_id),
    )


async def next_turn(tx: Tx, session_id: str) -> Row | None:
    """Return the session's oldest turn that was not handed over, if any."""
    return await tx.one(
        "SELECT * FROM commands WHERE session_id = ? AND kind = 'turn' AND state = 'pending'"
        " ORDER BY command_no LIMIT 1",
        (session_id,),
    )


async def finish_open(
    tx: Tx,
    session_id: str,
    state: CommandState,
    reason: str,
    *,
    kinds: tuple[CommandKind, ...] = tuple(CommandKind),
    handed_over_only: bool = False,
) -> list[str]:
    """End a session's open commands and return their ids, oldest first."""
    marks = ", ".join("?" * len(kinds))
    which = "state = 'acknowledged'" if handed_over_only else _OPEN
    found = await tx.all(
        f"UPDATE commands SET state = ?, reason = ?, ended_at = ? WHERE session_id = ?"
        f" AND {which} AND kind IN ({marks}) RETURNING command_id, command_no",
        (state.value, reason, tx.at, session_id, *(kind.value for kind in kinds)),
    )
    return [row["command_id"] for row in sorted(found, key=lambda row: row["command_no"])]


async def of_session(db: aiosqlite.Connection, session_id: str) -> list[CommandView]:
    """Return a session's last 100 commands, newest last (A3)."""
    found = await rows(
        db,
        "SELECT * FROM commands WHERE session_id = ? ORDER BY command_no DESC LIMIT 100",
        (session_id,),
    )
    return [to_view(row) for row in reversed(found)]


def to_view(row: Row) -> CommandView:
    """Make the wire record of a row."""
    return CommandView(
        command_id=row["command_id"],
        session_id=row["session_id"],
        run_id=row["run_id"],
        kind=row["kind"],
        state=row["state"],
        created_at=iso(row["created_at"]),
        text=row["text"],
        reason=row["reason"],
        ended_at=None if row["ended_at"] is None else iso(row["ended_at"]),
    )
