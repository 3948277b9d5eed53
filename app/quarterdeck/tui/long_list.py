"""A list of thousands of sessions: each round reads its beginning, and behind that what changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.listed import calm
from quarterdeck.tui.refresh import LOST_MOST, PAGES, all_sessions, pages_of, place_of, still_there

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck
    from quarterdeck.model.records import SessionView

WHOLE_S = 60.0
"""Seconds after which a list is read as a whole again, if anything happens or happened."""
CHANGES_MOST = 100
"""How many changed sessions are taken one by one; with more the list is read as a whole."""

Known = dict[str, "SessionView"]


class LongList:
    """Reads the sessions a board lists, as many pages as the person wanted.

    What presses or is new stands at the beginning of the list (A10), which is read in every round.
    Behind it only those are put in their places of which the change feed tells (A8), those that
    left the beginning, and the one looked at. Read marks and activity of others there, of which no
    feed tells, may be `WHOLE_S` old.
    """

    def __init__(self) -> None:
        self._pages = 0
        self._first: Known = {}
        self._version = 0
        self._whole_at = 0.0
        self._cursor: str | None = None
        self.partial = False
        """Whether the last round left something unread, so that one should follow some day."""

    async def read(
        self,
        deck: Deck,
        pages: int,
        known: Iterable[SessionView],
        now: float,
        looked_at: str | None = None,
    ) -> tuple[tuple[SessionView, ...], bool]:
        """Return the first sessions in attention order, and whether there are more.

        Args:
            deck: Whose sessions.
            pages: How many pages are wanted.
            known: What was listed before.
            now: Seconds of any steady clock.
            looked_at: The session under the cursor.
        """
        self.partial = False
        if pages <= PAGES:
            return await all_sessions(deck, pages=pages, known=known)
        before = {row.session_id: row for row in known}
        first, cursor = await pages_of(deck, "all", PAGES)
        rows = None
        if 0 < self._pages <= pages and cursor is not None and now < self._whole_at + WHOLE_S:
            rows = await self._with_changes(deck, first, before, looked_at)
        self.partial = rows is not None
        if rows is not None and pages > self._pages and self._cursor is not None:
            more, self._cursor = await pages_of(deck, "all", pages - self._pages, self._cursor)
            rows |= {key: row for key, row in more.items() if key not in rows}
        if rows is None:
            seen = [row.version for row in (*before.values(), *first.values())]
            self._version = max([self._version, *seen])
            rows = first
            if cursor is not None:
                more, cursor = await pages_of(deck, "all", pages - PAGES, cursor)
                rows = first | {key: row for key, row in more.items() if key not in first}
            self._whole_at, self._cursor = now, cursor
        self._first, self._pages = first, pages
        return calm(rows.values()), self._cursor is not None

    async def _with_changes(
        self, deck: Deck, first: Known, before: Known, looked_at: str | None
    ) -> Known | None:
        """Return the list with what is known to have changed, None if that is too much."""
        lost = [key for key in self._first if key not in first]
        marked = [
            key
            for key, row in first.items()
            if (old := before.get(key)) is not None
            and (old.version, old.read_version != row.read_version) == (row.version, True)
        ]
        if max(len(lost), len(marked)) > LOST_MOST:
            return None
        try:
            changed, version = await deck.changes(self._version, limit=CHANGES_MOST)
        except QuarterdeckError as error:
            if error.code != "invalid_params":
                raise
            self._version = 0  # another store's
            return None
        self._version = version
        if len(changed) >= CHANGES_MOST:
            return None
        fresh: dict[str, SessionView | None] = {
            row.session_id: None if row.archived_at or row.deleted_at else row for row in changed
        }
        for key in (*lost, *([looked_at] if looked_at in before else ())):
            if key not in first and key not in fresh:
                fresh[key] = await still_there(deck, before.get(key) or self._first[key])
        behind = {key: row for key, row in before.items() if key not in first}
        if self._cursor is not None and behind:
            # What is no more than further down than the list goes stays out of it.
            last = place_of(next(reversed(behind.values())))
            fresh = {
                key: row
                for key, row in fresh.items()
                if key in before or row is None or place_of(row) < last
            }
        if all(behind.get(key) == row for key, row in fresh.items() if key not in first):
            return first | behind
        behind |= {key: row for key, row in fresh.items() if row is not None and key not in first}
        kept = [row for key, row in behind.items() if fresh.get(key, row) is not None]
        return first | {row.session_id: row for row in sorted(kept, key=place_of)}
