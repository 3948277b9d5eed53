"""Sessions: creating, moving from state to state, listing (A6-A10)."""

import base64
import json
from dataclasses import dataclass
from typing import Any

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import (
    ATTENTION_ORDER,
    SESSION_MOVES,
    SessionState,
    attention,
)
from quarterdeck.store.transaction import Row, Tx, one, rows

_SEEN = "COALESCE((SELECT version FROM readers r WHERE r.reader = ? AND r.session_id = s.session_id), 0)"
_QUEUED = (
    "(SELECT count(*) FROM commands c WHERE c.session_id = s.session_id"
    " AND c.kind = 'turn' AND c.state = 'pending')"
)
_RANK = """CASE
    WHEN state = 'failed_needs_human' THEN 1
    WHEN open_approvals > 0 OR state = 'waiting' THEN 0
    WHEN state IN ('created', 'starting', 'running') THEN 2
    WHEN state = 'unknown' THEN 3
    WHEN seen < version THEN 4
    ELSE 5 END"""
_VIEW = f"""SELECT *, {_RANK} AS rank FROM (
    SELECT s.*, {_SEEN} AS seen, {_QUEUED} AS queued FROM sessions s)"""
_FILTERS: dict[str, str] = {
    "default": "rank < 5",
    "waiting": "rank = 0",
    "failed": "rank = 1",
    "running": "rank = 2",
    "unread": "rank = 4",
    "terminal": "execution_state = 'terminal' AND state <> 'running'",
    "idle": "state = 'idle'",
    "all": "1",
}


@dataclass(frozen=True, slots=True)
class NewSession:
    """What is known of a session when it is created."""

    session_id: str
    project: str
    agent: str
    cwd: str
    title: str
    preview: str
    start_key: str | None
    start_sha256: str | None


async def insert(tx: Tx, new: NewSession) -> None:
    """Create a session in state `created`."""
    version = await tx.next_version()
    await tx.run(
        "INSERT INTO sessions (session_id, project, agent, cwd, title, preview, version, state,"
        " state_since, state_source, start_key, start_sha256, created_at, last_activity)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'created', ?, 'request', ?, ?, ?, ?)",
        (
            new.session_id,
            new.project,
            new.agent,
            new.cwd,
            new.title,
            new.preview,
            version,
            tx.at,
            new.start_key,
            new.start_sha256,
            tx.at,
            tx.at,
        ),
    )


async def load(db: aiosqlite.Connection, session_id: str) -> Row:
    """Return a session's row.

    Raises:
        QuarterdeckError: `unknown_session`.
    """
    row = await one(db, "SELECT * FROM sessions WHERE session_id = ?", (session_id,))
    if row is None:
        raise QuarterdeckError("unknown_session", f"no session {session_id}")
    return row


async def move(
    tx: Tx,
    session_id: str,
    to: SessionState,
    *,
    source: str,
    run_id: str | None = None,
    **fields: Any,
) -> bool:
    """Compare and set: move a session to `to` if the table allows it from where it is (R5).

    Args:
        tx: The transaction.
        session_id: Which session.
        to: The state wanted.
        source: What the new state is known from: request, event, exit, recovery, timeout.
        run_id: If given, only while this run is the session's active one.
        fields: Further columns to set with it.

    Returns:
        Whether it was moved. False means that something newer happened; nothing was changed.
    """
    sources = [state.value for state, allowed in SESSION_MOVES.items() if to in allowed]
    marks = ", ".join("?" * len(sources))
    columns = "".join(f", {name} = ?" for name in fields)
    where = " AND active_run_id = ?" if run_id is not None else ""
    changed = await tx.run(
        f"UPDATE sessions SET state = ?, state_since = ?, state_source = ?, last_activity = ?"
        f"{columns} WHERE session_id = ? AND state IN ({marks}){where}",
        (to.value, tx.at, source, tx.at, *fields.values(), session_id, *sources)
        + ((run_id,) if run_id is not None else ()),
    )
    if changed:
        await notice(tx, session_id)
    return bool(changed)


async def notice(tx: Tx, session_id: str) -> None:
    """Give the session a new version: something happened that a reader should notice (A8)."""
    version = await tx.next_version()
    await tx.run(
        "UPDATE sessions SET version = ? WHERE session_id = ?",
        (version, session_id),
    )


async def update(tx: Tx, session_id: str, **fields: Any) -> None:
    """Set columns that are no state."""
    columns = ", ".join(f"{name} = ?" for name in fields)
    await tx.run(
        f"UPDATE sessions SET {columns} WHERE session_id = ?", (*fields.values(), session_id)
    )


async def count_approvals(tx: Tx, session_id: str) -> int:
    """Recount a session's open approvals and return how many there are."""
    row = await tx.one(
        "UPDATE sessions SET open_approvals = (SELECT count(*) FROM approvals a"
        " WHERE a.session_id = sessions.session_id AND a.state = 'pending')"
        " WHERE session_id = ? RETURNING open_approvals",
        (session_id,),
    )
    return row[0] if row else 0


async def resolve(db: aiosqlite.Connection, table: str, column: str, given: str) -> str:
    """Return the one id that `given` is, begins or ends.

    Raises:
        QuarterdeckError: `unknown_…` or `ambiguous_id`.
    """
    exact = await one(db, f"SELECT {column} FROM {table} WHERE {column} = ?", (given,))
    if exact is not None:
        return exact[0]
    digits = given.partition("_")[2] or given
    found: list[Row] = []
    if len(digits) >= 4 and digits.isalnum():
        found = await rows(
            db,
            f"SELECT {column} FROM {table} WHERE {column} LIKE ? OR {column} LIKE ? LIMIT 2",
            (f"%{digits}", f"%_{digits}%"),
        )
    if len(found) > 1:
        raise QuarterdeckError("ambiguous_id", f"{given!r} fits more than one id")
    if not found:
        kind = column.removesuffix("_id")
        raise QuarterdeckError(f"unknown_{kind}", f"no {kind} {given!r}")
    return found[0][0]


async def view(db: aiosqlite.Connection, session_id: str, reader: str) -> SessionView:
    """Return one session as `reader` sees it; raises `unknown_session`."""
    row = await one(db, f"{_VIEW} WHERE session_id = ?", (reader, session_id))
    if row is None:
        raise QuarterdeckError("unknown_session", f"no session {session_id}")
    return to_view(row)


async def page(
    db: aiosqlite.Connection,
    reader: str,
    *,
    state: str = "default",
    agent: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> tuple[list[SessionView], str | None]:
    """Return a page in attention order, then latest activity first (A10).

    Args:
        db: A reading connection.
        reader: Whose read marks count.
        state: A filter of A10.
        agent: Only this profile's sessions.
        cursor: From the page before.
        limit: Clamped to 1..100 (A3).

    Raises:
        QuarterdeckError: `invalid_params` for an unknown filter or a cursor from elsewhere.
    """
    if state not in _FILTERS:
        known = ", ".join(_FILTERS)
        raise QuarterdeckError("invalid_params", f"state: {state!r} is none of {known}")
    limit = max(1, min(limit, 100))
    where, values = [_FILTERS[state]], [reader]
    if agent is not None:
        where.append("agent = ?")
        values.append(agent)
    if cursor is not None:
        where.append("(rank, -last_activity, session_id) > (?, ?, ?)")
        values += _decode(cursor)
    found = await rows(
        db,
        f"{_VIEW} WHERE {' AND '.join(f'({part})' for part in where)}"
        f" ORDER BY rank, -last_activity, session_id LIMIT {limit + 1}",
        values,
    )
    more = len(found) > limit
    found = found[:limit]
    return [to_view(row) for row in found], _encode(found[-1]) if more else None


async def counts(db: aiosqlite.Connection, reader: str) -> dict[str, int]:
    """Return how many sessions have each attention for `reader`."""
    found = await rows(db, f"SELECT rank, count(*) FROM ({_VIEW}) GROUP BY rank", (reader,))
    by_rank = {row[0]: row[1] for row in found}
    return {name.value: by_rank.get(rank, 0) for name, rank in ATTENTION_ORDER.items()}


def _encode(row: Row) -> str:
    key = [row["rank"], -row["last_activity"], row["session_id"]]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _decode(cursor: str) -> list[Any]:
    try:
        rank, activity, session_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return [int(rank), int(activity), str(session_id)]
    except (ValueError, TypeError) as error:
        raise QuarterdeckError("invalid_params", "cursor: not one of this list") from error


def to_view(row: Row) -> SessionView:
    """Make the wire record of a row of `_VIEW`."""
    state = SessionState(row["state"])
    return SessionView(
        session_id=row["session_id"],
        title=row["title"],
        agent=row["agent"],
        state=state.value,
        attention=attention(
            state,
            open_approvals=row["open_approvals"],
            version=row["version"],
            read_version=row["seen"],
        ).value,
        cwd=row["cwd"],
        project=row["project"],
        last_event_seq=row["last_event_seq"],
        run_id=row["active_run_id"] or row["last_run_id"],
        active=row["active_run_id"] is not None,
        version=row["version"],
        read_version=row["seen"],
        open_approvals=row["open_approvals"],
        queued=row["queued"],
        state_since=iso(row["state_since"]),
        state_source=row["state_source"],
        created_at=iso(row["created_at"]),
        last_activity=iso(row["last_activity"]),
        preview=row["preview"],
        failure=row["failure"],
        failure_kind=row["failure_kind"],
        terminal_status=row["terminal_status"],
        agent_session_id=row["agent_session_id"],
        source=row["source"],
        mode=row["mode"],
        usage=json_or_none(row["usage"]),
        recovery_attempts=row["recovery_attempts"],
    )


def json_or_none(text: str | None) -> Any:
    """Read a stored JSON detail; a damaged one is as if it were not there (C9)."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
