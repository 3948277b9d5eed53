"""Of a scroll bar only what looks different is painted anew (DESIGN §9)."""

from hypothesis import example, given
from hypothesis import strategies as st
from textual.scrollbar import ScrollBarRender

from quarterdeck.tui.widgets.scroll_thumb import changed_rows, thumb

ROWS = st.integers(1, 80)
PLACES = st.tuples(st.integers(1, 100_000), st.floats(0, 1))


def drawn(rows: int, lines: int, top: int) -> list[tuple[str, object]]:
    """Return the cells of a bar as Textual draws them, what a click on them does left out."""
    window = rows if rows < lines else 0
    segments = ScrollBarRender.render_bar(
        size=rows, virtual_size=lines, window_size=window, position=top
    ).segments
    return [(text, style and style.clear_meta_and_links()) for text, style, _ in segments]


def place(rows: int, lines: int, share: float) -> tuple[int, int]:
    return lines, round(share * max(0, lines - rows))


@given(ROWS, PLACES, PLACES)
@example(36, (1_000, 1.0), (1_001, 1.0))
@example(36, (100_000, 0.0), (100_000, 0.5))
@example(36, (30, 0.0), (40, 1.0))
def test_what_looks_different_is_within_what_is_repainted(
    rows: int, before: tuple[int, float], after: tuple[int, float]
) -> None:
    places = [place(rows, *before), place(rows, *after)]
    was, now = (drawn(rows, *of) for of in places)
    thumbs = [thumb(rows, lines, rows, top) for lines, top in places]
    repainted = {row for first, end in changed_rows(*thumbs) for row in range(first, end)}
    assert {row for row in range(rows) if was[row] != now[row]} <= repainted


def test_the_thumb_of_a_long_trace_that_is_followed_repaints_nothing() -> None:
    ends = [thumb(36, lines, 36, lines - 36) for lines in (2_000, 2_001, 900_000)]
    assert [*changed_rows(ends[0], ends[1]), *changed_rows(ends[1], ends[2])] == []


def test_one_line_more_repaints_only_the_ends_of_the_thumb() -> None:
    rows = list(changed_rows(thumb(36, 100, 36, 64), thumb(36, 101, 36, 65)))
    assert sum(end - first for first, end in rows) <= 4
