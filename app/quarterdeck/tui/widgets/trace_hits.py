"""Finding in the trace: a page of events after the other, fetched outward from the cursor."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from quarterdeck.model.records import EventView
from quarterdeck.tui.find_words import FindWords
from quarterdeck.tui.widgets.trace_lines import has_words

FETCHED = 500
"""Events of one fetch: as many as the supervisor gives at once (A3)."""
_AT_ONCE = 100
"""Events that are looked at before others may run."""


class TraceLines:
    """The lines of a trace, told by their places from 0."""

    slice = FETCHED

    def __init__(
        self,
        size: Callable[[], int],
        here: Callable[[], int],
        fetch: Callable[[int, int], Awaitable[list[EventView]]],
        show: Callable[[int], None],
    ) -> None:
        """Take how the trace tells of itself.

        Args:
            size: Returns how many lines there are.
            here: Returns the line under the cursor.
            fetch: Takes a line and how many; returns their events, fewer if there are no more.
            show: Puts the cursor on a line.
        """
        self.size, self.here, self._fetch, self._show = size, here, fetch, show

    def current(self) -> int:
        """Return the line under the cursor."""
        return self.here()

    async def having(self, words: FindWords, first: int, end: int) -> Sequence[int]:
        """Return which of some lines have the words."""
        events = await self._fetch(first, end - first)
        found: list[int] = []
        for at in range(0, len(events), _AT_ONCE):
            part = events[at : at + _AT_ONCE]
            found += [first + at + n for n, event in enumerate(part) if has_words(event, words)]
            await asyncio.sleep(0)
        return found

    def show_hit(self, line: int) -> None:
        """Put the cursor on a line."""
        self._show(line)
