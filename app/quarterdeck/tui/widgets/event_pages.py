"""The events of one run, fetched page by page as somebody looks at them (A2, A3)."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from quarterdeck.model.records import EventView

PAGE = 128
"""Events of a page."""
MAX_PAGES = 64
MAX_TEXT = 32_000_000
"""Characters of event text kept, about; a few pages of huge events must not fill the memory."""
_MAX_FETCHES = 4
_MAX_WANTED = 8

Fetch = Callable[[str, int, int], Awaitable[list[EventView]]]
"""Takes the run's id, the seq to start after and how many events; returns them in order."""

_log = logging.getLogger(__name__)


class EventPages:
    """Pages of 128 events, the least recently looked at dropped first.

    Nothing here raises because of a fetch: what failed is fetched again at the next look.
    For another run make another one and `close` this, so that late answers are dropped.
    """

    def __init__(
        self,
        run_id: str,
        last_seq: int,
        fetch: Fetch,
        loaded: Callable[[int, int], None],
        seqs: Sequence[int] | None = None,
    ) -> None:
        """Create it with nothing loaded.

        Args:
            run_id: Whose events.
            last_seq: The seq of the run's last event so far.
            fetch: Gets events from the supervisor.
            loaded: Called with the first and last seq of what has newly arrived.
            seqs: Of which events `fetch` tells, if not of all; may grow. What is a seq elsewhere
                here is then a place in it, counted from 1.
        """
        self._seqs = seqs
        self.run_id = run_id
        self.last_seq = last_seq
        self._fetch = fetch
        self._loaded = loaded
        self._pages: OrderedDict[int, list[EventView]] = OrderedDict()
        self._text: dict[int, int] = {}
        self._wanted: OrderedDict[int, None] = OrderedDict()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._closed = False

    def __len__(self) -> int:
        """Return how many pages are kept."""
        return len(self._pages)

    def grow(self, last_seq: int) -> None:
        """Learn that the run has more events; nothing is fetched until looked at."""
        self.last_seq = max(self.last_seq, last_seq)

    def get(self, seq: int) -> EventView | None:
        """Return an event, or None while it is being fetched; pages beside it come as well."""
        if not 1 <= seq <= self.last_seq or self._closed:
            return None
        number, place = divmod(seq - 1, PAGE)
        # Neighbours are wanted first: what was wanted last is fetched first.
        for beside in (number - 1, number + 1):
            if 0 <= beside * PAGE < self.last_seq and beside not in self._pages:
                self._want(beside)
        page = self._pages.get(number)
        if page is not None:
            self._pages.move_to_end(number)
            if place < len(page):
                return page[place]
        self._want(number)
        return None

    async def read(self, place: int, limit: int) -> list[EventView]:
        """Fetch events from a place on, to be looked at and not kept.

        Raises:
            QuarterdeckError: They cannot be fetched now.
        """
        limit = min(limit, self.last_seq - place + 1)
        if limit <= 0 or self._closed:
            return []
        return self._in_order(await self._fetch(self.run_id, self._seq(place) - 1, limit), place)

    def close(self) -> None:
        """Drop everything; answers still on their way are dropped too."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()
        self._pages.clear()
        self._wanted.clear()

    def _want(self, number: int) -> None:
        if number in self._tasks:
            return
        self._wanted[number] = None
        self._wanted.move_to_end(number)
        if len(self._wanted) > _MAX_WANTED:
            self._wanted.popitem(last=False)
        if not self._closed and len(self._tasks) < _MAX_FETCHES:
            # Not before the caller has looked at all it shows, so that the last look counts.
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        while self._wanted and len(self._tasks) < _MAX_FETCHES and not self._closed:
            number, _ = self._wanted.popitem()
            self._tasks[number] = asyncio.create_task(self._load(number))

    async def _load(self, number: int) -> None:
        held = self._pages.get(number, [])
        first = number * PAGE + len(held) + 1
        limit = min(PAGE - len(held), self.last_seq - first + 1)
        events: list[EventView] = []
        try:
            if limit > 0:
                events = await self._fetch(self.run_id, self._seq(first) - 1, limit)
        except Exception as error:
            _log.warning("events %s of %s not fetched: %r", first, self.run_id, error)
        finally:
            self._tasks.pop(number, None)
        if self._closed:
            return
        events = self._in_order(events[:limit], first)
        if events:
            self._keep(number, held + events)
            self._loaded(first, first + len(events) - 1)
        self._start()

    def _seq(self, place: int) -> int:
        return place if self._seqs is None else self._seqs[place - 1]

    def _in_order(self, events: list[EventView], first: int) -> list[EventView]:
        """Return the events up to the first that is not the next by seq; there should be none."""
        for index, event in enumerate(events):
            if event.seq != self._seq(first + index):
                return events[:index]
        return events

    def _keep(self, number: int, events: list[EventView]) -> None:
        self._pages[number] = events
        self._pages.move_to_end(number)
        self._text[number] = sum(_weight(event.payload) for event in events)
        while len(self._pages) > 4 and (
            len(self._pages) > MAX_PAGES or sum(self._text.values()) > MAX_TEXT
        ):
            dropped, _ = self._pages.popitem(last=False)
            del self._text[dropped]


def _weight(payload: Any) -> int:
    if not isinstance(payload, dict):
        return 0
    return sum(len(value) for value in payload.values() if isinstance(value, str))
