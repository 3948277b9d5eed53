"""One loop that fetches what is shown: at once, then never more than one round at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import ATTENTION_ORDER, Attention
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.listed import calm

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck
    from quarterdeck.model.records import SessionView

GAP_S = 0.05
"""The least time from the start of one round to the start of the next."""
REST = 2.0
"""After a round the loop rests this many times as long as the round took."""
PAGES = 10
"""How many pages of sessions are fetched at first; the end of the list asks for as many more."""
PAGE_ROWS = 100
LOST_MOST = 16
"""How many sessions that escaped from the pages are asked for by themselves."""


class Refresh:
    """Turns pushes, however many, into rounds of fetching."""

    def __init__(
        self,
        link: Link,
        fetch: Callable[[Deck], Awaitable[None]],
        on_problem: Callable[[str], None],
    ) -> None:
        """Prepare the loop.

        Args:
            link: Where the deck comes from.
            fetch: Does one round.
            on_problem: Hears what a failed round says.
        """
        self._link, self._fetch, self._on_problem = link, fetch, on_problem
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Ask for a round; cheap, and harmless however often."""
        self._wanted.set()

    async def run(self) -> None:
        """Fetch whenever something is wanted and the link is up, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            await self._link.wait_up()
            self._wanted.clear()
            began = loop.time()
            try:
                await self._fetch(self._link.deck)
                self._link.proved_good()
            except QuarterdeckError as error:
                if error.code not in ("unreachable", "shutting_down"):
                    self._on_problem(reason_of(error))
            took = loop.time() - began
            await asyncio.sleep(max(GAP_S - took, REST * took))


async def all_sessions(
    deck: Deck, state: str = "all", pages: int = PAGES, known: Iterable[SessionView] = ()
) -> tuple[tuple[SessionView, ...], bool]:
    """Return the first sessions of a state in attention order, and whether there are more.

    A session that moved between two pages while they were read is kept once. One that so escaped
    from all of them is asked for by itself: a row must not vanish from under the cursor.

    Args:
        deck: Whose sessions.
        state: A filter of A10.
        pages: How many pages are read at most.
        known: What was listed before.
    """
    found, cursor = await pages_of(deck, state, pages)
    if cursor is None and len(found) >= PAGE_ROWS:
        for lost in [row for row in known if row.session_id not in found][:LOST_MOST]:
            if (row := await still_there(deck, lost)) is not None:
                _put_in_place(found, row)
    return calm(found.values()), cursor is not None


async def pages_of(
    deck: Deck, state: str, pages: int, cursor: str | None = None
) -> tuple[dict[str, SessionView], str | None]:
    """Return the sessions of so many pages by their ids, and where there are more."""
    found: dict[str, SessionView] = {}
    for _ in range(pages):
        rows, cursor = await deck.sessions(state=state, cursor=cursor, limit=PAGE_ROWS)
        for row in rows:
            found.setdefault(row.session_id, row)
        if cursor is None:
            break
    return found, cursor


async def still_there(deck: Deck, lost: SessionView) -> SessionView | None:
    """Return a session as it is now, None if it is on no list any more."""
    try:
        row = await deck.session(lost.session_id)
    except QuarterdeckError as error:
        if error.code != "unknown_session":
            raise
        return None
    return None if row.archived_at or row.deleted_at else row


def place_of(row: SessionView) -> tuple[int, bool, _Down, _Down]:
    """Return what puts a session in its place among others, ascending (A10)."""
    return _rank(row), not row.pinned, _Down(row.last_activity), _Down(row.session_id)


class _Down(str):
    """A text that comes after those that are greater."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


def _put_in_place(found: dict[str, SessionView], row: SessionView) -> None:
    """Put a row behind the last one that is as pressing."""
    rows = list(found.values())
    at = max((i for i, r in enumerate(rows, 1) if _rank(r) <= _rank(row)), default=0)
    rows.insert(at, row)
    found.clear()
    found.update((r.session_id, r) for r in rows)


def _rank(row: SessionView) -> int:
    return ATTENTION_ORDER[Attention(row.attention)]
