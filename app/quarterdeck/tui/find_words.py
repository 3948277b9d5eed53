"""What is looked for in a pane, and where it stands in text that is shown."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from quarterdeck.model.hostile_text import clean_line

LONGEST = 200
"""Characters that are looked for; what is typed beyond them is left out."""
REACH = 8 * LONGEST
"""Characters within which a place that begins before or goes on behind is looked for."""
CUT = "\0"
"""Joins two rows of one line that was cut because it is too long; in no safe text."""
_MARGIN = r"[ │|▌]*"
"""What stands before the rows of output, diffs and quotations."""
_MARGIN_AT = re.compile(_MARGIN)
_MARKUP = re.compile(r"[*_`~\\]")

Place = tuple[int, int]
"""Where something found begins in a text, and where it ends."""


@dataclass(frozen=True, slots=True)
class FindWords:
    """Words as a person typed them; capitals count only if some were typed."""

    words: str
    in_text: re.Pattern[str]
    """Finds them in a text, over line breaks too where they have a blank."""
    in_rows: re.Pattern[str]
    """Finds them in rows joined by line breaks and `CUT`."""
    in_markup: re.Pattern[str] | None
    """Finds them, but for signs of Markdown, in a text without such signs; None if none is left."""

    def places(self, text: str) -> list[Place]:
        """Return where they stand in a text."""
        return [match.span() for match in self.in_text.finditer(text)]

    def count_in_markup(self, text: str) -> int:
        """Return about how often they are shown once `text` is rendered as Markdown."""
        if self.in_markup is None:
            return 0
        return sum(1 for _ in self.in_markup.finditer(_MARKUP.sub("", text)))


def find_words(typed: str) -> FindWords | None:
    """Return what to look for, or None if nothing but blanks was typed."""
    words = clean_line(typed)[:LONGEST].strip()
    if not words:
        return None
    flags = re.NOFLAG if any(char.isupper() for char in words) else re.IGNORECASE
    bare = _MARKUP.sub("", words).strip()
    return FindWords(
        words,
        re.compile(_pattern(words, ""), flags),
        re.compile(_pattern(words, rf"(?:{CUT}{_MARGIN})?"), flags),
        re.compile(_pattern(bare, ""), flags) if bare else None,
    )


def _pattern(words: str, between: str) -> str:
    blank = rf"(?: +|[ ]*[\n{CUT}]{_MARGIN})"
    parts = [between.join(map(re.escape, word)) for word in words.split()]
    return blank.join(parts)


class JoinedRows:
    """Rows of a screen as one text, so that what goes on in the next row is found as well."""

    def __init__(self, rows: Iterable[tuple[str, bool]]) -> None:
        """Join rows; with each comes whether it was cut, so that its line goes on in the next."""
        self._starts: list[int] = []
        parts: list[str] = []
        length = 0
        for text, cut in rows:
            part = text.rstrip(" ") + (CUT if cut else "\n")
            self._starts.append(length)
            parts.append(part)
            length += len(part)
        self._ends = [*self._starts[1:], length]
        self._text = "".join(parts)

    def places(self, words: FindWords) -> list[Place]:
        """Return where the words stand in the joined text."""
        return [match.span() for match in words.in_rows.finditer(self._text)]

    def start(self, row: int) -> int:
        """Return where a row begins in the joined text."""
        return self._starts[row] if row < len(self._starts) else len(self._text)

    def row_of(self, offset: int) -> int:
        """Return the row in which a place begins."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def by_row(self, places: Iterable[Place]) -> dict[int, list[tuple[int, int, int]]]:
        """Return begin and end of the parts in each row, and where the place begins."""
        found: dict[int, list[tuple[int, int, int]]] = {}
        for start, end in places:
            row = self.row_of(start)
            while row < len(self._starts) and self._starts[row] < end:
                first, last = max(start, self._starts[row]), min(end, self._ends[row] - 1)
                if first > start:
                    margin = _MARGIN_AT.match(self._text, first, last)
                    first = margin.end() if margin else first
                if first < last:
                    at = self._starts[row]
                    found.setdefault(row, []).append((first - at, last - at, start))
                row += 1
        return found
