"""A unified diff as rows with the numbers of their lines, in one column or side by side.

A diff may have hundreds of thousands of lines, of which a screen shows forty. Of each line only its
first character is looked at; what a row says, and its numbers, are made when it is asked for.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from quarterdeck.tui.folding import DiffKind

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_RUN = re.compile(r"(-+)(\+*)|(\++)|[^-+]+")
_SIGNS = frozenset("+- \\@")
"""What the lines of a diff begin with from its first hunk on; others are left out."""
_KINDS = {
    "+": DiffKind.ADDED,
    "-": DiffKind.REMOVED,
    " ": DiffKind.PLAIN,
    "@": DiffKind.HUNK,
}
_STEP = 1024
"""Lines from one place to the next at which it is noted how many of which sign came before."""
_HEAD = ("Binary files", "rename ", "old mode", "new mode", "similarity")


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a file's difference."""

    kind: DiffKind
    text: str
    """Raw, without its sign."""
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class DiffRow:
    """What stands on one row: one line, or the old and the new one side by side."""

    left: DiffLine | None
    right: DiffLine | None = None

    @property
    def line(self) -> DiffLine | None:
        """What a comment on the row is about: the new line where there is one."""
        return self.right or self.left


class DiffLines(Sequence[DiffLine]):
    """The lines of one file's unified diff, without its file headers."""

    def __init__(self, text: str) -> None:
        """Read a unified diff."""
        raw = text.split("\n")
        first = next((at for at, line in enumerate(raw) if _HUNK.match(line)), len(raw))
        head = [line for line in raw[:first] if line.startswith(_HEAD)]
        body = [line for line in raw[first:] if line[:1] in _SIGNS]
        signs = "".join([line[0] for line in body])
        self._hunks = _places(signs, "@")
        if odd := {at for at in self._hunks if not _HUNK.match(body[at])}:
            body = [line for at, line in enumerate(body) if at not in odd]
            signs = "".join([line[0] for line in body])
            self._hunks = _places(signs, "@")
        self._raw = head + body
        self.signs = "f" * len(head) + signs
        """The first character of each line; `f` for what is told of the file as a whole."""
        self._hunks = [at + len(head) for at in self._hunks]
        self._counted = [(0, 0)]
        for at in range(_STEP, len(self._raw), _STEP):
            self._counted.append(self._before(at, len(self._counted) - 1))

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._raw)

    @overload
    def __getitem__(self, index: int) -> DiffLine: ...
    @overload
    def __getitem__(self, index: slice) -> list[DiffLine]: ...
    def __getitem__(self, index: int | slice) -> DiffLine | list[DiffLine]:
        """Return lines with their numbers."""
        if isinstance(index, slice):
            return [self._line(at) for at in range(*index.indices(len(self)))]
        return self._line(range(len(self))[index])

    def _line(self, at: int) -> DiffLine:
        sign, raw = self.signs[at], self._raw[at]
        kind = _KINDS.get(sign, DiffKind.FILE)
        if kind in (DiffKind.FILE, DiffKind.HUNK):
            return DiffLine(kind, raw)
        begin, _ = self.hunk(at)
        found = _HUNK.match(self._raw[begin])
        assert found is not None  # lines with a sign come behind a hunk's head only
        olds, news = self._before(begin, begin // _STEP)
        old, new = self._before(at, at // _STEP)
        old, new = int(found[1]) + old - olds, int(found[2]) + new - news
        return DiffLine(
            kind,
            raw[1:],
            None if kind is DiffKind.ADDED else old,
            None if kind is DiffKind.REMOVED else new,
        )

    def _before(self, at: int, noted: int) -> tuple[int, int]:
        """Return how many lines before `at` are of the old file, and how many of the new one."""
        begin, (old, new) = noted * _STEP, self._counted[noted]
        same = self.signs.count(" ", begin, at)
        removed, added = self.signs.count("-", begin, at), self.signs.count("+", begin, at)
        return old + same + removed, new + same + added

    def hunk(self, at: int) -> tuple[int, int]:
        """Return where the hunk of a line begins, and before which line it ends."""
        place = bisect_right(self._hunks, at)
        begin = self._hunks[place - 1] if place else 0
        return begin, self._hunks[place] if place < len(self._hunks) else len(self)


class OneColumn:
    """A row for each line."""

    def __init__(self, lines: DiffLines) -> None:
        """Put each line on a row of its own."""
        self._lines = lines

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._lines)

    def __getitem__(self, row: int) -> DiffRow:
        """Return one row."""
        return DiffRow(self._lines[row])

    def line_at(self, row: int) -> int:
        """Return which line a row is about."""
        return row


class SideBySide:
    """Rows with what was on the left and what is on the right."""

    def __init__(self, lines: DiffLines) -> None:
        """Pair what was taken out with what came in its place."""
        self._lines = lines
        self._firsts: list[int] = []
        self._runs: list[tuple[int, int, int]] = []
        rows = 0
        for run in _RUN.finditer(lines.signs):
            removed, added = len(run[1] or ""), len(run[2] or run[3] or "")
            self._firsts.append(rows)
            self._runs.append((run.start(), removed, added))
            rows += max(removed, added) or run.end() - run.start()
        self._rows = rows

    def __len__(self) -> int:
        """Return how many rows there are."""
        return self._rows

    def __getitem__(self, row: int) -> DiffRow:
        """Return one row."""
        left, right = self._places(row)
        was = None if left is None else self._lines[left]
        if right is None or left == right:
            same = was if was is not None and was.kind is DiffKind.PLAIN else None
            return DiffRow(was, same)
        return DiffRow(was, self._lines[right])

    def line_at(self, row: int) -> int:
        """Return which line a row is about: the new one where there is one."""
        left, right = self._places(row)
        return (left or 0) if right is None else right

    def _places(self, row: int) -> tuple[int | None, int | None]:
        """Return which lines stand on the left and on the right."""
        at = bisect_right(self._firsts, range(self._rows)[row]) - 1
        first, removed, added = self._runs[at]
        place = row - self._firsts[at]
        if not removed and not added:
            return first + place, first + place
        left = first + place if place < removed else None
        return left, first + removed + place if place < added else None


def _places(signs: str, sign: str) -> list[int]:
    """Return where a character stands."""
    return [found.start() for found in re.finditer(re.escape(sign), signs)]
