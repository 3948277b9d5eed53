"""Finding in a view of lines: which of them have the words, looked at outward from the person."""

import asyncio
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from quarterdeck.tui.find_words import FindWords
from quarterdeck.tui.widgets.findable_view import HitCount


class FoundLines(Protocol):
    """The lines of a view, however many."""

    slice: int
    """How many are looked at before others may run."""

    def size(self) -> int:
        """Return how many lines there are now."""
        ...

    def here(self) -> int:
        """Return the line the person is at."""
        ...

    def current(self) -> int:
        """Return the line that is marked as the current one, -1 if none is."""
        ...

    async def having(self, words: FindWords, first: int, end: int) -> Sequence[int]:
        """Return, in order, which of the lines from `first` to before `end` have the words.

        Raises:
            QuarterdeckError: They cannot be fetched now.
        """
        ...

    def show_hit(self, line: int, /) -> None:
        """Show a line as the current one."""
        ...


class LineHits:
    """Lines with some words; those between `_low` and `_high` were looked at."""

    def __init__(self, lines: FoundLines, words: FindWords) -> None:
        """Begin with nothing looked at, where the person is."""
        self.words = words
        self._lines = lines
        self._begin()

    def _begin(self) -> None:
        self._low = self._high = max(0, min(self._lines.here(), self._lines.size()))
        self._found = array("Q")
        self._forward = True

    @property
    def known(self) -> HitCount:
        """How many lines are known, and which of them the person is at."""
        line, at = self._lines.current(), 0
        place = bisect_left(self._found, max(line, 0))
        if self._low == 0 and place < len(self._found) and self._found[place] == line:
            at = place + 1
        return HitCount(at, len(self._found), not self._is_done)

    @property
    def _is_done(self) -> bool:
        return self._low == 0 and self._high >= self._lines.size()

    async def count(self) -> AsyncIterator[None]:
        """Look at the lines after the person and before, in turns."""
        while not self._is_done:
            size = self._lines.size()
            ahead = self._high < size and (self._low == 0 or self._forward)
            self._forward = not self._forward
            if ahead:
                first, end = self._high, min(size, self._high + self._lines.slice)
            else:
                first, end = max(0, self._low - self._lines.slice), self._low
            low, high = self._low, self._high
            found = array("Q", await self._lines.having(self.words, first, end))
            if (low, high) != (self._low, self._high):
                continue  # begun anew elsewhere meanwhile
            if ahead:
                self._found.extend(found)
                self._high = end
            else:
                self._found = found + self._found
                self._low = first
            yield
            await asyncio.sleep(0)

    def go(self, step: int) -> bool | None:
        """Go to the next line that has the words, or to the one before, over the ends too."""
        here = self._lines.here()
        if not self._low <= here <= self._high:
            self._begin()
            return None
        found = self._found
        place = bisect_right(found, here) if step > 0 else bisect_left(found, here)
        place -= step < 0
        if not 0 <= place < len(found):
            at_end = place >= len(found)
            if (self._high < self._lines.size()) if at_end else (self._low > 0):
                return None
            # Over the end, to what is first there, which must have been looked at as well.
            if step and ((self._low > 0) if at_end else (self._high < self._lines.size())):
                return None
            if not found:
                return None if not self._is_done else False
            place = (0 if at_end else len(found) - 1) if step else len(found) - 1
        self._lines.show_hit(found[place])
        return True
