"""A unified diff as rows with the numbers of their lines, in one column or side by side."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from quarterdeck.tui.folding import DiffKind

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


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


def lines_of(text: str) -> list[DiffLine]:
    """Read a unified diff of one file; its file headers are left out."""
    found: list[DiffLine] = []
    old = new = 0
    inside = False
    for raw in text.split("\n"):
        hunk = _HUNK.match(raw)
        if hunk is not None:
            inside, old, new = True, int(hunk[1]), int(hunk[2])
            found.append(DiffLine(DiffKind.HUNK, raw))
        elif not inside:
            if raw.startswith(("Binary files", "rename ", "old mode", "new mode", "similarity")):
                found.append(DiffLine(DiffKind.FILE, raw))
        elif raw.startswith("+"):
            found.append(DiffLine(DiffKind.ADDED, raw[1:], None, new))
            new += 1
        elif raw.startswith("-"):
            found.append(DiffLine(DiffKind.REMOVED, raw[1:], old, None))
            old += 1
        elif raw.startswith(" "):
            found.append(DiffLine(DiffKind.PLAIN, raw[1:], old, new))
            old, new = old + 1, new + 1
        elif raw.startswith("\\"):
            found.append(DiffLine(DiffKind.FILE, raw))
    return found


def one_column(lines: Iterable[DiffLine]) -> list[DiffRow]:
    """Return a row for each line."""
    return [DiffRow(line) for line in lines]


def side_by_side(lines: Iterable[DiffLine]) -> list[DiffRow]:
    """Return rows with what was on the left and what is on the right."""
    rows: list[DiffRow] = []
    removed: list[DiffLine] = []
    added: list[DiffLine] = []

    def pair() -> None:
        for at in range(max(len(removed), len(added))):
            left = removed[at] if at < len(removed) else None
            right = added[at] if at < len(added) else None
            rows.append(DiffRow(left, right))
        removed.clear()
        added.clear()

    for line in lines:
        if line.kind is DiffKind.REMOVED:
            if added:
                pair()
            removed.append(line)
        elif line.kind is DiffKind.ADDED:
            added.append(line)
        else:
            pair()
            same = line if line.kind is DiffKind.PLAIN else None
            rows.append(DiffRow(line, same))
    pair()
    return rows
