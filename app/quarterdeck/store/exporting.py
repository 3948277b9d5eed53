"""A session as records, page by page: what is stored when the export begins."""

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.export_format import (
    FORMAT,
    CheckpointRecord,
    CommandRecord,
    EndRecord,
    EventRecord,
    RunRecord,
    SessionRecord,
)
from quarterdeck.model.states import STILL_OPEN, TERMINAL_COMMAND_STATES, TERMINAL_RUN_STATES
from quarterdeck.store import sessions
from quarterdeck.store.events import decode
from quarterdeck.store.sessions import IMPORTED, json_or_none
from quarterdeck.store.transaction import Row, one, rows

PAGE_ROWS = 500
PAGE_BYTES = 512 * 1024


@dataclass(slots=True)
class _Position:
    """How far an export has come; the cursor of its next page."""

    session_id: str
    until: int
    """The store's last event when the export began; later ones are left out."""
    command_no: int = 0
    commands_done: bool = False
    run_no: int = 0
    seq: int = 0
    runs: int = 0
    commands: int = 0
    events: int = 0


async def page(
    db: aiosqlite.Connection, session_id: str, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the next records of a session and the cursor of the page after.

    Raises:
        QuarterdeckError: `unknown_session`; `invalid_params` for a cursor from elsewhere.
    """
    session = await sessions.load(db, session_id)
    found: list[dict[str, Any]] = []
    if cursor is None:
        last = await one(db, "SELECT COALESCE(max(event_no), 0) FROM events")
        assert last is not None
        at = _Position(session_id, last[0])
        found.append(_session(session))
    else:
        at = _decode(cursor, session_id)
    size = 0
    if not at.commands_done:
        for row in await _commands(db, at):
            found.append(_command(row, session))
            at.command_no, at.commands, size = row["command_no"], at.commands + 1, size + _size(row)
            if size > PAGE_BYTES:
                return found, _encode(at)
        if len(found) >= PAGE_ROWS:
            return found, _encode(at)
        at.commands_done = True
    return await _runs(db, session, at, found, size)


async def _runs(
    db: aiosqlite.Connection, session: Row, at: _Position, found: list[dict[str, Any]], size: int
) -> tuple[list[dict[str, Any]], str | None]:
    while True:
        for row in await _events(db, at):
            payload = decode(row["payload"])
            told = EventRecord.model_construct(
                run_id=row["run_id"],
                seq=row["seq"],
                type=row["type"],
                at=iso(row["at"]),
                payload=payload,
            )
            found.append(told.to_line())
            at.seq, at.events, size = row["seq"], at.events + 1, size + len(row["payload"])
            if size > PAGE_BYTES or len(found) >= PAGE_ROWS:
                return found, _encode(at)
        run = await one(
            db,
            "SELECT r.*, COALESCE(t.events, 0) AS trimmed FROM runs r"
            " LEFT JOIN trimmed_runs t USING (run_no)"
            " WHERE r.session_id = ? AND r.run_no > ? ORDER BY r.run_no LIMIT 1",
            (at.session_id, at.run_no),
        )
        if run is None:
            end = EndRecord(runs=at.runs, commands=at.commands, events=at.events)
            return [*found, *await _checkpoints(db, at), end.to_line()], None
        found.append(_run(run, session))
        at.run_no, at.seq, at.runs = run["run_no"], 0, at.runs + 1


async def _commands(db: aiosqlite.Connection, at: _Position) -> list[Row]:
    return await rows(
        db,
        "SELECT * FROM commands WHERE session_id = ? AND command_no > ?"
        f" ORDER BY command_no LIMIT {PAGE_ROWS}",
        (at.session_id, at.command_no),
    )


async def _events(db: aiosqlite.Connection, at: _Position) -> list[Row]:
    return await rows(
        db,
        "SELECT e.*, r.run_id FROM events e JOIN runs r USING (run_no)"
        f" WHERE e.run_no = ? AND e.seq > ? AND e.event_no <= ? ORDER BY e.seq LIMIT {PAGE_ROWS}",
        (at.run_no, at.seq, at.until),
    )


async def _checkpoints(db: aiosqlite.Connection, at: _Position) -> list[dict[str, Any]]:
    """Return the checkpoints, but for those at events that came after the export began."""
    found = await rows(
        db,
        "SELECT c.* FROM checkpoints c JOIN runs r ON r.run_id = c.run_id WHERE c.session_id = ?"
        " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.run_no = r.run_no AND e.seq = c.seq"
        " AND e.event_no > ?) AND r.run_no <= ? ORDER BY c.at, c.name",
        (at.session_id, at.until, at.run_no),
    )
    return [
        CheckpointRecord.model_construct(
            name=row["name"], run_id=row["run_id"], seq=row["seq"], at=iso(row["at"])
        ).to_line()
        for row in found
    ]


def _size(row: Row) -> int:
    return len(row["text"] or "")


_OBJECTS = ("usage", "plan", "changes")
_MOMENTS = ("created_at", "last_activity", "archived_at", "expires_at")
_FLAGS = ("pinned", "ephemeral")


def _session(row: Row) -> dict[str, Any]:
    """Return the session; one that was imported is told as it was before that."""
    metadata = json_or_none(row["metadata"])
    metadata = metadata if isinstance(metadata, dict) else {}
    noted = metadata.pop(IMPORTED, None)
    noted = noted if isinstance(noted, dict) else {}
    own = {name: row[name] for name in SessionRecord.model_fields if name in row.keys()}  # noqa: SIM118 (a Row's values)
    own |= {name: _object(row[name]) for name in _OBJECTS}
    own |= {name: None if row[name] is None else iso(row[name]) for name in _MOMENTS}
    own |= {name: bool(row[name]) for name in _FLAGS}
    source, parent = noted.get("source"), noted.get("parent_session_id")
    own["source"] = source if isinstance(source, str) else row["source"]
    if own["parent_session_id"] is None and isinstance(parent, str):
        own["parent_session_id"] = parent
    if own["execution_state"] != "terminal":
        own["execution_state"] = "idle"
    own["metadata"] = metadata
    return SessionRecord.model_construct(format=FORMAT, **own).to_line()


def _object(text: str | None) -> dict[str, Any] | None:
    found = json_or_none(text)
    return found if isinstance(found, dict) else None


def _run(row: Row, session: Row) -> dict[str, Any]:
    ended = row["state"] in TERMINAL_RUN_STATES
    at = row["ended_at"] if ended else session["last_activity"]
    return RunRecord.model_construct(
        run_id=row["run_id"],
        number=row["number"],
        state=row["state"] if ended else "cancelled",
        via=row["via"],
        reason=row["reason"] if ended else STILL_OPEN,
        agent_info=_object(row["agent_info"]),
        bundle=_object(row["bundle"]),
        trimmed=row["trimmed"],
        created_at=iso(row["created_at"]),
        ended_at=None if at is None else iso(at),
    ).to_line()


def _command(row: Row, session: Row) -> dict[str, Any]:
    ended = row["state"] in TERMINAL_COMMAND_STATES
    at = row["ended_at"] if ended else session["last_activity"]
    return CommandRecord.model_construct(
        command_id=row["command_id"],
        run_id=row["run_id"],
        kind=row["kind"],
        state=row["state"] if ended else "cancelled",
        text=row["text"],
        reason=row["reason"] if ended else STILL_OPEN,
        created_at=iso(row["created_at"]),
        ended_at=None if at is None else iso(at),
    ).to_line()


def _encode(at: _Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(asdict(at)).encode()).decode()


def _decode(cursor: str, session_id: str) -> _Position:
    try:
        at = _Position(**json.loads(base64.urlsafe_b64decode(cursor.encode())))
        numbers = (at.until, at.command_no, at.run_no, at.seq, at.runs, at.commands, at.events)
        if at.session_id != session_id or not all(
            type(n) is int and 0 <= n < 2**63 for n in numbers
        ):
            raise ValueError(cursor)
    except (ValueError, TypeError) as error:
        raise QuarterdeckError("invalid_params", "cursor: not one of this export") from error
    return at
