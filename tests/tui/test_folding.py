"""Folding by character: nothing is lost, nothing unsafe passes, no row is too wide."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from quarterdeck.model.hostile_text import clean
from quarterdeck.tui.folding import TAB, DiffKind, Mark, count_invisible, fold


def joined(text: str, width: int) -> str:
    lines: list[str] = []
    for row in fold(text, width, strict=True, diff=False):
        shown = "".join(piece for piece, _ in row.pieces)
        if row.number is None:
            lines[-1] += shown
        else:
            lines.append(shown)
    return "\n".join(lines)


@given(st.text(max_size=300), st.integers(2, 40))
def test_every_character_is_shown_cleaned_and_no_row_is_too_wide(text: str, width: int):
    assert joined(text, width) == clean(text, strict=True).replace("\t", TAB)
    for row in fold(text, width, strict=True, diff=False):
        cells = sum(cell_len(char) for piece, _ in row.pieces for char in piece)
        assert cells <= width or sum(len(piece) for piece, _ in row.pieces) == len(TAB)


def test_escapes_are_told_from_text_that_looks_like_them():
    (row,) = fold("\\u202e and \u202e", 80, strict=True, diff=False)
    assert row.pieces == (("\\u202e and ", Mark.TEXT), ("\\u202e", Mark.ESCAPE))


def test_only_the_first_row_of_a_line_has_its_number():
    rows = fold("abcdef\ng", 4, strict=True, diff=False)
    assert [row.number for row in rows] == [1, None, 2]


def test_lines_of_a_diff_are_told_apart_only_where_it_is_one():
    text = "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same"
    kinds = [row.kind for row in fold(text, 40, strict=True, diff=True)]
    assert kinds == [
        DiffKind.FILE,
        DiffKind.FILE,
        DiffKind.HUNK,
        DiffKind.REMOVED,
        DiffKind.ADDED,
        DiffKind.PLAIN,
    ]
    assert {row.kind for row in fold(text, 40, strict=True, diff=False)} == {DiffKind.PLAIN}


def test_invisible_characters_are_counted():
    assert count_invisible("plain\ttext\n") == 0
    assert count_invisible("a\u200bb\u200b\u202e\x1b") == 4
