"""Pages of sessions: attention order, filters, projects, the change feed (A9, A10).

What decides the order is in one index: how pressing a session is for everybody, its pin, its last
activity. Only among those that press nobody does the reader's own mark part unread from read. What
is unread stands in a table of its own, in that same order, for every reader who has a mark; for a
reader without one everything is. So a page walks an index and sorts nothing.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

import aiosqlite

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import ProjectView
from quarterdeck.model.states import Attention
from quarterdeck.store.sessions import SHOWN, to_members
from quarterdeck.store.transaction import Row, one, rows

Members = tuple[Any, ...]
"""What a `SessionView` has, in its order: as sessions go over the wire, a page being large."""

PAGE_LIMIT = 100
CHANGES_LIMIT = 500

_FROM = (
    f"SELECT {SHOWN}, s.urgency, {{number}} AS segment FROM sessions s {{index}}"
    " LEFT JOIN readers r ON r.reader = ? AND r.session_id = s.session_id"
)
_READ = "s.urgency = 0 AND r.version >= s.version"
_FROM_UNREAD = (
    f"SELECT {SHOWN}, s.urgency, {{number}} AS segment"
    " FROM unread u INDEXED BY unread_listed CROSS JOIN sessions s ON s.session_id = u.session_id"
    " LEFT JOIN readers r ON r.reader = u.reader AND r.session_id = s.session_id"
)
_KNOWN = "EXISTS (SELECT 1 FROM known_readers k WHERE k.reader = ?)"
"""Whether a reader has a mark, so that what is unread for them is kept."""
_URGENCY = {
    4: Attention.WAITING,
    3: Attention.FAILED,
    2: Attention.ACTIVE,
    1: Attention.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the list within which the index order is the list's order."""

    where: str
    key: tuple[str, ...] = ("pinned", "last_activity", "session_id")
    """Columns that order it, every one downwards."""
    read: bool | None = None
    """Whether it has what the reader has read, or has not; None if that is all the same."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which segments a filter shows, one after the other, of which shelf."""

    segments: tuple[Segment, ...]
    shelf: int = 0
    extra: tuple[str, ...] = ()


_PRESSING = Segment("s.urgency > 0", ("urgency", "pinned", "last_activity", "session_id"))
_UNREAD = Segment("s.urgency = 0", read=False)
_PINNED = Segment(f"{_READ} AND s.pinned = 1", ("last_activity", "session_id"), read=True)
_ALL = (_PRESSING, _UNREAD, Segment(_READ, read=True))

FILTERS: dict[str, Filter] = {
    "default": Filter((_PRESSING, _UNREAD, _PINNED)),
    "waiting": Filter((Segment("s.urgency = 4"),)),
    "failed": Filter((Segment("s.urgency = 3"),)),
    "running": Filter((Segment("s.urgency = 2"),)),
    "unread": Filter((_UNREAD,)),
    "terminal": Filter(_ALL, extra=("execution_state = 'terminal'", "state <> 'running'")),
    "idle": Filter(_ALL, extra=("state = 'idle'",)),
    "all": Filter(_ALL),
    "archived": Filter(_ALL, shelf=1),
    "deleted": Filter(_ALL, shelf=2),
}
"""A10's filters, and the two shelves that none of those shows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which list is asked for; a cursor belongs to one of them."""

    reader: str
    state: str = "default"
    agent: str | None = None
    project: str | None = None

    def fingerprint(self) -> str:
        """Return what a cursor carries, so that one from another list is refused."""
        return sha256(canonical(["sessions", self.reader, self.state, self.agent, self.project]))[
            :16
        ]


async def page(
    db: aiosqlite.Connection, wanted: Wanted, *, cursor: str | None = None, limit: int = PAGE_LIMIT
) -> tuple[list[Members], str | None]:
    """Return a page by attention, pinned ones first, then latest activity (A10).

    Args:
        db: A reading connection.
        wanted: Whose list, which filter, which agent and project.
        cursor: From the page before.
        limit: Clamped to 1..100 (A3).

    Raises:
        QuarterdeckError: `invalid_params` for an unknown filter or a cursor from elsewhere.
    """
    if wanted.state not in FILTERS:
        known = ", ".join(FILTERS)
        raise QuarterdeckError("invalid_params", f"state: {wanted.state!r} is none of {known}")
    limit = max(1, min(limit, PAGE_LIMIT))
    at, after = (0, None) if cursor is None else _decode(wanted, cursor)
    found = await rows(db, *page_query(wanted, at, after, limit + 1))
    told = [to_members(row) for row in found[:limit]]
    return told, None if len(found) <= limit else _encode(wanted, found[limit - 1])


def page_query(
    wanted: Wanted, at: int, after: list[Any] | None, limit: int
) -> tuple[str, list[Any]]:
    """Return the SQL of a page, and its values: one query, so that a page is one change of threads.

    Segments come one after the other, and those that the limit does not reach are not begun.

    Args:
        wanted: Which list.
        at: The segment to begin with.
        after: The key of the last row of the page before; None for the beginning.
        limit: How many rows at most.
    """
    parts: list[str] = []
    values: list[Any] = []
    for number in range(at, len(FILTERS[wanted.state].segments)):
        begin = after if number == at else None
        unread = FILTERS[wanted.state].segments[number].read is False
        for kept in (True, False) if unread else (False,):
            part, more = _segment_query(wanted, number, begin, limit, kept=kept)
            parts.append(f"SELECT * FROM ({part})")
            values += more
    return f"{' UNION ALL '.join(parts)} LIMIT {limit}", values


async def _is_known(db: aiosqlite.Connection, reader: str) -> bool:
    return await one(db, f"SELECT 1 WHERE {_KNOWN}", (reader,)) is not None


def _segment_query(
    wanted: Wanted, number: int, after: list[Any] | None, limit: int, *, kept: bool
) -> tuple[str, list[Any]]:
    """Return the SQL of one segment; `kept`: from what is kept as unread for a known reader."""
    chosen = FILTERS[wanted.state]
    segment = chosen.segments[number]
    index = "sessions_of_project" if wanted.project is not None else "sessions_listed"
    source = (_FROM_UNREAD if kept else _FROM).format(number=number, index=f"INDEXED BY {index}")
    name, first = ("u", "u.reader = ?") if kept else ("s", segment.where)
    where, values = [first, f"{name}.shelf = {chosen.shelf}"], [wanted.reader]
    for column, value in (("project", wanted.project), ("agent", wanted.agent)):
        if value is not None:
            where.append(f"{name}.{column} = ?")
            values.append(value)
    where += [f"{name}.{condition}" for condition in chosen.extra]
    if after is not None:
        columns = ", ".join(f"{name}.{column}" for column in segment.key)
        where.append(f"({columns}) < ({', '.join('?' * len(segment.key))})")
        values += after
    order = ", ".join(f"{name}.{column} DESC" for column in segment.key)
    most = f"{limit}"
    if segment.read is not None and not kept:
        # As a condition it would be looked at for every row; a limit of none begins no walk.
        most = f"{limit} * ({'' if segment.read else 'NOT '}{_KNOWN})"
        values.append(wanted.reader)
    return f"{source} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT {most}", values


def _encode(wanted: Wanted, row: Row) -> str:
    number = row["segment"]
    key = [row[name] for name in FILTERS[wanted.state].segments[number].key]
    text = json.dumps([wanted.fingerprint(), number, key])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decode(wanted: Wanted, cursor: str) -> tuple[int, list[Any]]:
    try:
        fingerprint, number, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        segments = FILTERS[wanted.state].segments
        *numbers, session_id = key
        if (
            fingerprint == wanted.fingerprint()
            and type(number) is int
            and 0 <= number < len(segments)
            and len(key) == len(segments[number].key)
            and all(type(part) is int and abs(part) < 2**63 for part in numbers)
            and type(session_id) is str
        ):
            return number, key
    except (ValueError, TypeError):
        pass
    raise QuarterdeckError("invalid_params", "cursor: not one of this list")


async def counts(db: aiosqlite.Connection, reader: str) -> dict[str, int]:
    """Return how many listed sessions have each attention for `reader` (A9)."""
    found = await rows(
        db, "SELECT urgency, count(*) FROM sessions WHERE shelf = 0 GROUP BY urgency"
    )
    by_urgency = {row[0]: row[1] for row in found}
    unread = by_urgency.get(0, 0)
    if await _is_known(db, reader):
        row = await one(db, "SELECT count(*) FROM unread WHERE reader = ? AND shelf = 0", (reader,))
        unread = row[0] if row else 0
    told = {kind.value: by_urgency.get(urgency, 0) for urgency, kind in _URGENCY.items()}
    return {
        **told,
        Attention.UNREAD.value: unread,
        Attention.READ.value: by_urgency.get(0, 0) - unread,
    }


async def changes(
    db: aiosqlite.Connection, reader: str, *, after_version: int, limit: int
) -> tuple[list[Members], int]:
    """Return the sessions with a greater version, in version order, and the cursor (A8, A10).

    The cursor is the greatest version returned. Archived and deleted sessions are told of too.

    Args:
        db: A reading connection.
        reader: Whose read marks count.
        after_version: The cursor of the page before; 0 for the beginning.
        limit: Clamped to 1..500.

    Raises:
        QuarterdeckError: `invalid_params` for a version this store has not reached.
    """
    row = await one(db, "SELECT value FROM counters WHERE name = 'version'")
    newest = row[0] if row else 0
    if after_version > newest:
        raise QuarterdeckError(
            "invalid_params",
            f"after_version: {after_version} is not of this store, which is at {newest}",
        )
    limit = max(1, min(limit, CHANGES_LIMIT))
    found = await rows(
        db,
        f"{_FROM.format(number=0, index='INDEXED BY sessions_version')} WHERE s.version > ?"
        f" ORDER BY s.version LIMIT {limit}",
        (reader, after_version),
    )
    told = [to_members(row) for row in found]
    return told, found[-1]["version"] if found else after_version


async def projects(db: aiosqlite.Connection, reader: str) -> list[ProjectView]:
    """Return the projects with how many of their sessions need what, latest activity first."""
    known = await _is_known(db, reader)
    unread = "COALESCE(u.unread, 0)" if known else "sum(s.shelf = 0 AND s.urgency = 0)"
    found = await rows(
        db,
        "SELECT s.project, sum(s.shelf = 0) AS sessions, sum(s.shelf = 1) AS archived,"
        " sum(s.shelf = 0 AND s.urgency = 4) AS waiting,"
        " sum(s.shelf = 0 AND s.urgency = 3) AS failed,"
        " sum(s.shelf = 0 AND s.urgency = 2) AS active,"
        f" {unread} AS unread, max(s.last_activity) AS last_activity"
        " FROM sessions s INDEXED BY sessions_of_project"
        " LEFT JOIN (SELECT project, count(*) AS unread FROM unread"
        "  WHERE reader = ? AND shelf = 0 GROUP BY project) u USING (project)"
        " WHERE s.shelf < 2 GROUP BY s.project ORDER BY last_activity DESC, s.project",
        (reader,),
    )
    return [
        ProjectView(
            project=row["project"],
            sessions=row["sessions"],
            archived=row["archived"],
            waiting=row["waiting"],
            failed=row["failed"],
            active=row["active"],
            unread=row["unread"],
            last_activity=iso(row["last_activity"]),
        )
        for row in found
    ]
