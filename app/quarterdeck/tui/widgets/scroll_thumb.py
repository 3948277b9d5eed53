"""Where the thumb of a scroll bar is, by eighths of a cell as Textual draws it."""

from collections.abc import Iterator
from math import ceil

EIGHTHS = 8


def thumb(rows: int, lines: int, page: int, top: int) -> tuple[int, int]:
    """Return where the thumb begins and ends, in eighths of a row; (0, 0) if there is none.

    Args:
        rows: Of the bar.
        lines: There are.
        page: Lines on the screen.
        top: The line shown first, from 0.
    """
    if not 0 < page < lines or not rows or lines == rows:
        return 0, 0
    size = max(1, page / (lines / rows))
    start = max(0, int((rows - size) * (top / (lines - page)) * EIGHTHS))
    return start, start + ceil(size * EIGHTHS)


def changed_rows(before: tuple[int, int], after: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Give out which rows look different: ranges from a first row to before another.

    Args:
        before: The thumb as it was.
        after: The thumb as it is.
    """
    for was, now in zip(before, after, strict=True):
        if was != now:
            yield min(was, now) // EIGHTHS, max(was, now) // EIGHTHS + 1
