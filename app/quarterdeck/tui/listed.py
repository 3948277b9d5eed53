"""Which sessions the list shows and in what order: a view, a filter, an order, groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Union

from quarterdeck.model.states import Attention
from quarterdeck.tui.board import Board

if TYPE_CHECKING:
    from quarterdeck.model.records import SessionView


class View(StrEnum):
    """What the list holds, in the order in which a key goes through them."""

    ALL = "all"
    WAITING = "waiting"
    FAILED = "failed"
    ACTIVE = "active"
    UNREAD = "unread"
    PINNED = "pinned"
    ARCHIVED = "archived"
    DELETED = "deleted"

    @property
    def shelf(self) -> bool:
        """Whether its sessions stand in no other list, and so are fetched apart."""
        return self in (View.ARCHIVED, View.DELETED)

    @property
    def following(self) -> View:
        """The next one, the first after the last."""
        views = list(View)
        return views[(views.index(self) + 1) % len(views)]


class Order(StrEnum):
    """What the list is sorted by, in the order in which a key goes through them."""

    ATTENTION = "attention"
    ACTIVITY = "last activity"
    TITLE = "title"
    AGENT = "agent"

    @property
    def following(self) -> Order:
        """The next one, the first after the last."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


class Grouping(StrEnum):
    """What the list is grouped by, in the order in which a key goes through them."""

    NONE = "nothing"
    PROJECT = "project"
    AGENT = "agent"
    HOST = "host"

    @property
    def following(self) -> Grouping:
        """The next one, the first after the last."""
        groupings = list(Grouping)
        return groupings[(groupings.index(self) + 1) % len(groupings)]


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a group of sessions."""

    key: str
    """The project's, the agent's or the host's whole name."""
    label: str
    total: int
    counts: tuple[tuple[str, int], ...]
    """How many have which attention, the most pressing first; none that is 0."""
    folded: bool


ListedRow = Union["SessionView", Header]
_PRESSING: dict[str, int] = {attention: place for place, attention in enumerate(Attention)}


def arranged(
    sessions: Sequence[SessionView],
    order: Order,
    grouping: Grouping,
    folded: Collection[str],
    host: str = "",
) -> tuple[ListedRow, ...]:
    """Return the lines of the list.

    Attention order is the board's, which has pinned ones first among their like, since what
    waits comes first in every list; every other order has pinned ones on top of all, or of
    their group. Groups stand in the order of their first sessions.

    Args:
        sessions: In the order of the board.
        order: What to sort by.
        grouping: What to group by.
        folded: Keys of the groups of which only the header is shown.
        host: The name of the supervisor's machine.
    """
    rows = _sorted(sessions, order)
    if grouping is Grouping.NONE:
        return tuple(rows)
    groups: dict[str, list[SessionView]] = {}
    for row in rows:
        groups.setdefault(group_of(row, grouping, host), []).append(row)
    lines: list[ListedRow] = []
    for key, members in groups.items():
        header = _header(key, grouping, members, key in folded)
        lines.append(header)
        if not header.folded:
            lines += members
    return tuple(lines)


def calm(sessions: Iterable[SessionView]) -> tuple[SessionView, ...]:
    """Return sessions in attention order, with those that work in the order in which they began.

    By last activity, as the store has it (A10), they would change places with every line that
    one of them writes, under the eyes and the cursor of whoever reads the list.
    """
    rows = list(sessions)
    places = [at for at, row in enumerate(rows) if row.attention == Attention.ACTIVE]
    working = sorted((rows[at] for at in places), key=lambda row: row.session_id, reverse=True)
    working.sort(key=lambda row: (row.pinned, row.state_since or ""), reverse=True)
    for at, row in zip(places, working, strict=True):
        rows[at] = row
    return tuple(rows)


def group_of(session: SessionView, grouping: Grouping, host: str = "") -> str:
    """Return the key of the group a session belongs to; `host` is the supervisor's machine."""
    if grouping is Grouping.HOST:
        return host_of(session, host)
    return session.agent if grouping is Grouping.AGENT else session.project


def host_of(session: SessionView, host: str) -> str:
    """Return the machine a session says it is on, else the supervisor's, which is `host`."""
    return getattr(session, "host", "") or host


def _header(key: str, grouping: Grouping, members: list[SessionView], folded: bool) -> Header:
    found: dict[str, int] = {}
    for member in members:
        found[member.attention] = found.get(member.attention, 0) + 1
    last = len(_PRESSING)
    counts = sorted(found.items(), key=lambda item: _PRESSING.get(item[0], last))
    label = PurePath(key).name if grouping is Grouping.PROJECT else key
    return Header(key, label or key or "(none)", len(members), tuple(counts), folded)


def _sorted(sessions: Sequence[SessionView], order: Order) -> Sequence[SessionView]:
    if order is Order.ATTENTION:
        return sessions
    if order is Order.ACTIVITY:
        return sorted(sessions, key=lambda s: (s.pinned, s.last_activity), reverse=True)
    if order is Order.TITLE:
        return sorted(sessions, key=lambda s: (not s.pinned, s.title.casefold()))
    return sorted(sessions, key=lambda s: (not s.pinned, s.agent.casefold(), s.title.casefold()))


def listed(board: Board, view: View, words: str) -> tuple[SessionView, ...]:
    """Return the sessions to show, in the order of the board."""
    return tuple(s for s in _of_view(board, view) if _has(s, words.lower().split()))


def _of_view(board: Board, view: View) -> Iterable[SessionView]:
    if view is View.ALL:
        return board.sessions
    if view.shelf:
        return board.shelf if board.shelf_of == view else ()
    if view is View.PINNED:
        return (s for s in board.sessions if s.pinned)
    return (s for s in board.sessions if s.attention == view)


def _has(session: SessionView, words: list[str]) -> bool:
    if not words:
        return True
    text = f"{session.title} {session.agent} {session.cwd} {session.state}".lower()
    return all(word in text for word in words)
