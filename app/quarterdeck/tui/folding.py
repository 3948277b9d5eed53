"""Folding text by character into rows of a given width, with unsafe characters spelled out."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len

from quarterdeck.model.hostile_text import clean

TAB = "→   "
_BREAKS = " /,;·"


class Mark(StrEnum):
    """What a piece of a row is."""

    TEXT = "text"
    ESCAPE = "escape"
    """An unsafe code point, spelled out."""
    TAB = "tab"


class DiffKind(StrEnum):
    """What a line of a unified diff is."""

    PLAIN = "plain"
    ADDED = "added"
    REMOVED = "removed"
    HUNK = "hunk"
    FILE = "file"


Piece = tuple[str, Mark]


@dataclass(frozen=True, slots=True)
class Row:
    """One row on the screen."""

    number: int | None
    """The line's number where the line begins, None where it goes on."""
    pieces: tuple[Piece, ...]
    kind: DiffKind

    @property
    def text(self) -> str:
        """What is shown in it."""
        return "".join(shown for shown, _ in self.pieces)


def fold(text: str, width: int, *, strict: bool, diff: bool) -> list[Row]:
    """Fold `text`, as it came from an agent, into rows of at most `width` cells.

    Args:
        text: The raw text; it is cleaned here.
        width: Cells of a row, at least 2, so that a wide character fits.
        strict: As for `hostile_text.clean`.
        diff: Whether the lines are those of a unified diff.
    """
    rows: list[Row] = []
    source = text if strict else text.replace("\r\n", "\n")
    for number, line in enumerate(source.split("\n"), 1):
        kind = _diff_kind(line) if diff else DiffKind.PLAIN
        parts = _fold_line(line, max(width, 2), strict)
        rows += [Row(None if i else number, pieces, kind) for i, pieces in enumerate(parts)]
    return rows


def wrap(value: str, width: int) -> list[str]:
    """Fold one value into rows of at most `width` cells, after words and path separators.

    No character is left out or added: a row is broken after a blank or a separator if it has
    one in its second half, else anywhere, as `fold` does.
    """
    whole = fold(value, 1 << 30, strict=True, diff=False)
    shown = "".join(piece for row in whole for piece, _ in row.pieces)
    rows: list[str] = []
    row, used, cut = "", 0, 0
    for char in shown:
        cells = cell_len(char)
        if used + cells > max(width, 2) and row:
            cut = cut if cut * 2 >= len(row) else len(row)
            rows.append(row[:cut])
            row, cut = row[cut:], 0
            used = cell_len(row)
        row += char
        used += cells
        if char in _BREAKS:
            cut = len(row)
    return [*rows, row]


def count_invisible(text: str) -> int:
    """Return how many characters of `text` the strict cleaning spells out."""
    unsafe = [ch for ch in set(text) if clean(ch, strict=True) != ch]
    return sum(text.count(ch) for ch in unsafe)


def _diff_kind(line: str) -> DiffKind:
    if line.startswith(("+++ ", "--- ")):
        return DiffKind.FILE
    first = line[:1]
    if first == "@" and line.startswith("@@ "):
        return DiffKind.HUNK
    return {"+": DiffKind.ADDED, "-": DiffKind.REMOVED}.get(first, DiffKind.PLAIN)


def _fold_line(line: str, width: int, strict: bool) -> list[tuple[Piece, ...]]:
    if line.isascii() and line.isprintable():
        cuts = range(0, len(line), width) if line else range(1)
        return [((line[at : at + width], Mark.TEXT),) for at in cuts]
    return list(_fold_pieces(_pieces(line, strict), width))


def _pieces(line: str, strict: bool) -> Iterator[Piece]:
    """Split a line into its characters' shown forms; an escape stays whole only if it fits."""
    for char in line:
        if char == "\t":
            yield TAB, Mark.TAB
            continue
        shown = clean(char, strict=strict)
        if shown == char:
            yield char, Mark.TEXT
        else:
            yield from ((part, Mark.ESCAPE) for part in shown)


def _fold_pieces(pieces: Iterator[Piece], width: int) -> Iterator[tuple[Piece, ...]]:
    row: list[Piece] = []
    used = 0
    for shown, mark in pieces:
        cells = cell_len(shown)
        if used + cells > width and row:
            yield _joined(row)
            row, used = [], 0
        row.append((shown, mark))
        used += cells
    yield _joined(row)


def _joined(row: list[Piece]) -> tuple[Piece, ...]:
    joined: list[Piece] = []
    for shown, mark in row:
        if joined and joined[-1][1] is mark:
            joined[-1] = (joined[-1][0] + shown, mark)
        else:
            joined.append((shown, mark))
    return tuple(joined)
