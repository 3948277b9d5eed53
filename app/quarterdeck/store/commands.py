"""Commands: what was asked of a run; a session's waiting turns are its queue (A1, A4)."""

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.records import CommandView
from quarterdeck.model.states import (
    PROMPT_KINDS,
    TERMINAL_COMMAND_STATES,
    CommandKind,
    CommandState,
)
from quarterdeck.store.transaction import Row, Tx, one, rows

_OPEN = "state IN ('pending', 'acknowledged')"
_QUEUE = (
    "SELECT *, COALESCE(position, command_no) AS place FROM commands WHERE session_id = ?"
    " AND kind IN ('turn', 'steer') AND state = 'pending' ORDER BY place"
)


async def insert(
    tx: Tx,
    session_id: str,
    run_id: str | None,
    kind: CommandKind,
    *,
    text: str | None = None,
    key: str | None = None,
    payload_sha256: str | None = None,
    any_run: bool = False,
) -> Row:
    """Add a command in state `pending` and return its row.

    With an idempotency key that the run has seen, the first command is returned if the payload
    is the same (A4). A prompt that still waits belongs to whichever run is next, so its key
    counts too. Where the sender names no run, `any_run` has every run's keys count: the run may
    have died and been followed by another before the sender tried again.

    Raises:
        QuarterdeckError: `conflict` if the key was used with another payload.
    """
    if key is not None:
        first = await tx.one(
            "SELECT * FROM commands WHERE session_id = ? AND idempotency_key = ?"
            " AND (? OR run_id = ? OR state = 'pending') ORDER BY command_no DESC LIMIT 1",
            (session_id, key, any_run, run_id),
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


async def queue(tx: Tx, session_id: str) -> list[Row]:
    """Return the session's prompts that were not handed over, in the order they will be."""
    return await tx.all(_QUEUE, (session_id,))


async def next_turn(tx: Tx, session_id: str) -> Row | None:
    """Return the session's first prompt that was not handed over, if any."""
    return await tx.one(f"{_QUEUE} LIMIT 1", (session_id,))


async def queue_view(db: aiosqlite.Connection, session_id: str) -> list[CommandView]:
    """Return the prompts that wait, the next one first; the first 100 (A3)."""
    return [to_view(row) for row in await rows(db, f"{_QUEUE} LIMIT 100", (session_id,))]


async def load(db: aiosqlite.Connection, command_id: str) -> Row:
    """Return a command's row; raises `unknown_command`."""
    row = await one(db, "SELECT * FROM commands WHERE command_id = ?", (command_id,))
    if row is None:
        raise QuarterdeckError("unknown_command", f"no command {command_id}")
    return row


async def open_of_session(tx: Tx, session_id: str) -> list[Row]:
    """Return a session's open commands, oldest first."""
    return await tx.all(
        f"SELECT * FROM commands WHERE session_id = ? AND {_OPEN} ORDER BY command_no",
        (session_id,),
    )


def is_queued(row: Row) -> bool:
    """Tell whether a command is a prompt that still waits; False for an ended command (A1).

    Raises:
        QuarterdeckError: `not_queued` if it is open but not, or not any more, in the queue.
    """
    if row["state"] in TERMINAL_COMMAND_STATES:
        return False
    if row["state"] != CommandState.PENDING or row["kind"] not in PROMPT_KINDS:
        raise QuarterdeckError(
            "not_queued",
            f"command {row['command_id']} ({row['kind']}) is {row['state']}, not queued",
            state=row["state"],
        )
    return True


async def set_text(tx: Tx, command_id: str, text: str) -> None:
    """Change what a waiting prompt says."""
    await tx.run(
        "UPDATE commands SET text = ? WHERE command_id = ? AND state = 'pending'",
        (text, command_id),
    )


async def move_before(tx: Tx, row: Row, before: str | None) -> None:
    """Put a waiting prompt before another one of its session, or at the end of the queue.

    The places that the queue has are dealt out anew, so that what is queued later comes later.

    Raises:
        QuarterdeckError: `not_queued` if `before` is not in the same queue.
    """
    waiting = await queue(tx, row["session_id"])
    order = [other["command_id"] for other in waiting if other["command_id"] != row["command_id"]]
    if before == row["command_id"]:
        return
    if before is not None and before not in order:
        raise QuarterdeckError("not_queued", f"command {before} is not in the same queue")
    order.insert(len(order) if before is None else order.index(before), row["command_id"])
    places = [other["place"] for other in waiting]
    await tx.many(
        "UPDATE commands SET position = ? WHERE command_id = ?",
        list(zip(places, order, strict=True)),
    )


async def put_first(tx: Tx, row: Row) -> None:
    """Put a waiting prompt before all but those that were put first earlier."""
    for other in await queue(tx, row["session_id"]):
        if other["kind"] != CommandKind.STEER:
            await move_before(tx, row, other["command_id"])
            return


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


async def of_session(
    db: aiosqlite.Connection, session_id: str, limit: int = 100
) -> list[CommandView]:
    """Return a session's last commands, newest last; `limit` is clamped to 1..100 (A3)."""
    limit = max(1, min(limit, 100))
    found = await rows(
        db,
        f"SELECT * FROM commands WHERE session_id = ? ORDER BY command_no DESC LIMIT {limit}",
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
