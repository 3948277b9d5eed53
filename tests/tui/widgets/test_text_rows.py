"""Long text cut into rows."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from quarterdeck.tui.widgets.text_rows import TextRows, line_count


def rows_of(text: str, width: int, *, by_word: bool = True) -> list[str]:
    rows = TextRows(width, by_word=by_word)
    rows.extend(text)
    return [rows.row(text, index) for index in range(len(rows))]


def test_words_wrap_and_long_ones_are_cut() -> None:
    assert rows_of("one two three", 8) == ["one two", "three"]
    assert rows_of("abcdefghij kl", 4) == ["abcd", "efgh", "ij", "kl"]


def test_line_breaks_and_indentation_stay() -> None:
    assert rows_of("a\n\n  b\n", 8) == ["a", "", "  b"]


def test_by_cell_every_column_stays() -> None:
    assert rows_of("ab cd ef", 4, by_word=False) == ["ab c", "d ef"]


def test_wide_characters_are_not_cut() -> None:
    assert rows_of("漢字漢", 5) == ["漢字", "漢"]


def test_only_as_many_rows_are_cut_as_asked_for() -> None:
    rows = TextRows(10, by_word=False, max_rows=3)
    rows.extend("x" * 1_000_000)
    assert (len(rows), rows.end) == (3, 30)


def test_lines_are_counted_as_a_person_does() -> None:
    assert [line_count(text) for text in ("", "a", "a\n", "a\nb")] == [0, 1, 1, 2]


texts = st.text(alphabet="ab \n漢e\u0301\u200d👩", max_size=60)


@given(st.lists(texts, max_size=6), st.integers(2, 12), st.booleans())
def test_text_that_grows_is_cut_like_text_that_is_there(
    parts: list[str], width: int, by_word: bool
) -> None:
    rows = TextRows(width, by_word=by_word)
    text = ""
    for part in parts:
        text += part
        rows.extend(text)
    assert [rows.row(text, index) for index in range(len(rows))] == rows_of(
        text, width, by_word=by_word
    )


@given(texts, st.integers(2, 12), st.booleans())
def test_rows_fit_and_lose_only_blanks_and_line_breaks(
    text: str, width: int, by_word: bool
) -> None:
    rows = rows_of(text, width, by_word=by_word)
    assert all(cell_len(row) <= width for row in rows)
    kept = "".join(rows).replace(" ", "")
    assert kept == text.replace(" ", "").replace("\n", "")
