"""Sessions: creating, moving from state to state, listing (A6-A10)."""

import json
import logging
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

import aiosqlite

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView, member_names
from quarterdeck.model.states import (
    SESSION_MOVES,
    SessionState,
    attention,
    coordination,
)
from quarterdeck.store.transaction import Row, Tx, one, rows

_log = logging.getLogger(__name__)

QUEUED = (
    "(SELECT count(*) FROM commands c WHERE c.session_id = s.session_id"
    " AND c.kind IN ('turn', 'steer') AND c.state = 'pending')"
)
"""How many turns wait, as a column of a query over `sessions s`."""
_COLUMNS = (
    *("session_id", "title", "agent", "state", "cwd", "project", "last_event_seq"),
    *("active_run_id", "last_run_id", "active_command_id", "last_command_id", "version"),
    *("open_approvals", "state_since", "state_source", "created_at", "last_activity", "preview"),
    *("failure", "failure_kind", "terminal_status", "agent_session_id", "source", "mode", "usage"),
    *("recovery_attempts", "execution_state", "approval_mode", "model", "pinned", "archived_at"),
    *("deleted_at", "parent_session_id", "git_commit", "git_branch", "git_origin", "git_base"),
    *("plan", "changes", "conversation_id", "metadata", "summary", "ephemeral", "expires_at"),
)
SHOWN = ", ".join(
    [*(f"s.{name}" for name in _COLUMNS), "COALESCE(r.version, 0)", f"{QUEUED} AS queued"]
)
"""What `to_view` and `to_members` read, of `sessions s` and the reader's `readers r`."""
IMPORTED = "imported"
"""The note by which an import remembers where the session came from; nobody else's."""
_NAMES = (*_COLUMNS, "read_version", "queued")
_MOMENTS = ("state_since", "created_at", "last_activity")
_PERHAPS_MOMENTS = ("archived_at", "deleted_at", "expires_at")
_DETAILS = ("usage", "plan", "changes")
_members = itemgetter(*member_names(SessionView))
_VIEW = (
    f"SELECT {SHOWN} FROM sessions s"
    " LEFT JOIN readers r ON r.reader = ? AND r.session_id = s.session_id"
)


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
    source: str = "interactive"
    """A6: interactive, fork, import, workflow, api."""
    state: SessionState = SessionState.CREATED
    parent_session_id: str | None = None
    approval_mode: str = "normal"
    described: dict[str, str | int | None] = field(default_factory=dict)
    """Further columns of `describing.COLUMNS`."""


async def insert(tx: Tx, new: NewSession) -> None:
    """Create a session, in state `created` unless told otherwise."""
    version = await tx.next_version()
    await tx.run(
        "INSERT INTO sessions (session_id, project, agent, cwd, title, preview, version, state,"
        " state_since, state_source, start_key, start_sha256, source, parent_session_id,"
        " approval_mode, created_at, last_activity)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'request', ?, ?, ?, ?, ?, ?, ?)",
        (
            new.session_id,
            new.project,
            new.agent,
            new.cwd,
            new.title,
            new.preview,
            version,
            new.state.value,
            tx.at,
            new.start_key,
            new.start_sha256,
            new.source,
            new.parent_session_id,
            new.approval_mode,
            tx.at,
            tx.at,
        ),
    )
    if new.described:
        await update(tx, new.session_id, **new.described)


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
    if to is SessionState.CLOSED:
        # What is not to be kept goes with its end; that can be undone like any deletion.
        columns += (
            f", deleted_at = CASE WHEN ephemeral = 1 OR expires_at <= {tx.at}"
            f" THEN COALESCE(deleted_at, {tx.at}) ELSE deleted_at END"
        )
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


async def notice_quietly(tx: Tx, session_id: str) -> None:
    """Give the session a new version for the change feed; whoever had read it has read it still."""
    version = await tx.next_version()
    await tx.run(
        "UPDATE readers SET version = ? WHERE session_id = ? AND version >="
        " (SELECT version FROM sessions s WHERE s.session_id = readers.session_id)",
        (version, session_id),
    )
    await tx.run("UPDATE sessions SET version = ? WHERE session_id = ?", (version, session_id))


async def with_work(db: aiosqlite.Connection) -> list[str]:
    """Return the sessions that start, work on something or have a prompt that waits."""
    found = await rows(
        db,
        "SELECT session_id FROM sessions"
        " WHERE active_command_id IS NOT NULL OR state IN ('created', 'starting')"
        " UNION SELECT session_id FROM commands WHERE state IN ('pending', 'acknowledged')"
        " AND state = 'pending' AND kind IN ('turn', 'steer')",
    )
    return [row["session_id"] for row in found]


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
    row = await one(db, f"{_VIEW} WHERE s.session_id = ?", (reader, session_id))
    if row is None:
        raise QuarterdeckError("unknown_session", f"no session {session_id}")
    return to_view(row)


def to_view(row: Row) -> SessionView:
    """Make the record of a row whose first columns are `SHOWN`."""
    return SessionView(*to_members(row))


def to_members(row: Row) -> tuple[Any, ...]:
    """Return the members of `to_view(row)` in their order, without a record: pages are large."""
    # A Row looks a name up by comparing it with every column's; there are many of both here.
    told = dict(zip(_NAMES, row, strict=False))
    active, last = told.pop("active_run_id"), told.pop("last_run_id")
    working, worked = told.pop("active_command_id"), told.pop("last_command_id")
    told["run_id"] = active or last
    told["active"] = active is not None
    told["command_id"] = working or worked
    asked, unread = told["open_approvals"] > 0, told["read_version"] < told["version"]
    told["state"], told["attention"], told["coordination"] = _standing(told["state"], asked, unread)
    for name in _MOMENTS:
        told[name] = iso(told[name])
    for name in _PERHAPS_MOMENTS:
        if told[name] is not None:
            told[name] = iso(told[name])
    for name in _DETAILS:
        if told[name] is not None:
            told[name] = json_or_none(told[name])
    told["metadata"] = _metadata(told["metadata"])
    told["pinned"], told["ephemeral"] = bool(told["pinned"]), bool(told["ephemeral"])
    return _members(told)


@lru_cache(maxsize=256)
def _standing(state: str, asked: bool, unread: bool) -> tuple[str, str, str]:
    """Return state, attention (A9) and coordination (R1); a page has few different ones."""
    known = _state(state)
    looked_at = attention(known, open_approvals=int(asked), version=int(unread), read_version=0)
    return known.value, looked_at.value, coordination(known).value


def _metadata(text: str) -> dict[str, Any]:
    """Read what the creator noted; nearly always nothing."""
    found = {} if text == "{}" else json_or_none(text)
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if name != IMPORTED}


def _state(name: str) -> SessionState:
    """Read a session's state; one that this version does not know is `unknown` (C9)."""
    try:
        return SessionState(name)
    except ValueError:
        _log.warning("a session has an unknown state", extra={"state": name})
        return SessionState.UNKNOWN


def json_or_none(text: str | None) -> Any:
    """Read a stored JSON detail; a damaged one is as if it were not there (C9)."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        _log.warning("a damaged detail is passed over", extra={"detail": text[:100]})
        return None
