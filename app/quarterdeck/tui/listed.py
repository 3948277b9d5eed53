"""Which sessions the list shows: a view by state, and words typed as a filter."""

from collections.abc import Iterable
from enum import StrEnum

from quarterdeck.model.records import SessionView
from quarterdeck.tui.board import Board


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
    def following(self) -> "View":
        """The next one, the first after the last."""
        views = list(View)
        return views[(views.index(self) + 1) % len(views)]


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
