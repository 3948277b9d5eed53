"""Long text cut into rows by its offsets, so that a megabyte costs two arrays and no copies."""

import re
from array import array
from bisect import bisect_right

from quarterdeck.tui.widgets.cells import end_of_cells

_BLANKS = re.compile(" *")


class TextRows:
    """The rows of a text that only grows: what was cut once stays, the last row is cut anew."""

    def __init__(self, width: int, *, by_word: bool, max_rows: int | None = None) -> None:
        """Create it without text.

        Args:
            width: Cells of a row.
            by_word: Break at blanks where there are any, else at the cell.
            max_rows: Cut no further than this; `end` then says how far.
        """
        self._width = max(1, width)
        self._by_word = by_word
        self._max_rows = max_rows
        self._starts = array("L")
        self._ends = array("L")
        self.end = 0
        """Offset behind the last row."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._starts)

    def row(self, text: str, index: int) -> str:
        """Return a row of `text`, the same that was given to `extend`."""
        return text[self._starts[index] : self._ends[index]]

    def start(self, index: int) -> int:
        """Return the offset a row starts at."""
        return self._starts[index]

    def end_of(self, index: int) -> int:
        """Return the offset behind the last character of a row."""
        return self._ends[index]

    def row_at(self, offset: int) -> int:
        """Return the row in which an offset lies, the last one if it lies behind."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def ends_line(self, text: str, index: int) -> bool:
        """Return whether a line of `text`, not only a row, ends with this row."""
        end = self._ends[index]
        return end >= len(text) or text[end] == "\n"

    def extend(self, text: str) -> None:
        """Cut `text`, which begins with all that was cut before."""
        position = self.end
        if self._starts:
            position = self._starts.pop()
            self._ends.pop()
        length = len(text)
        cut = self._cut
        while position < length and (self._max_rows is None or len(self) < self._max_rows):
            end, following = cut(text, position)
            self._starts.append(position)
            self._ends.append(end)
            position = following
        self.end = position

    def _cut(self, text: str, start: int) -> tuple[int, int]:
        """Return the end of the row that starts at `start`, and where the next one starts."""
        chunk = text[start : start + self._width + 1]
        if chunk.isascii():
            fits = min(len(chunk), self._width)
        else:
            fits = end_of_cells(text, start, self._width) - start
            chunk = text[start : start + fits + 1]
        line_break = chunk.find("\n")
        if line_break >= 0:
            return start + line_break, start + line_break + 1
        if len(chunk) <= fits:
            return start + fits, start + fits
        if self._by_word:
            blank = chunk.rfind(" ")
            if blank > 0 and chunk[:blank].strip(" "):
                blanks = _BLANKS.match(text, start + blank)
                following = blanks.end() if blanks else start + blank + 1
                return start + len(chunk[:blank].rstrip(" ")), following
        return start + fits, start + fits


def line_count(text: str) -> int:
    """Return the number of lines; a line break at the end begins no further one."""
    return text.count("\n") + (not text.endswith("\n")) if text else 0
