"""What is looked for, and where it stands in a text or in the rows of a screen."""

import pytest

from quarterdeck.tui.find_words import LONGEST, FindWords, JoinedRows, find_words


def words(typed: str) -> FindWords:
    found = find_words(typed)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("typed", "text", "count"),
    [
        ("needle", "Needle, needle", 2),
        ("Needle", "Needle, needle", 1),
        ("a.b", "a.b axb", 1),
        ("two words", "two words, two  words, two\nwords", 3),
        ("[/b]", "[b]x[/b]", 1),
        ("日本", "日本語 日本", 2),
        ("\x1b[31m", r"\x1b[31mred", 1),
        ("a\u202eb", r"a\u202eb", 1),
    ],
)
def test_small_letters_find_capitals_too_and_hostile_text_is_found_as_it_is_shown(
    typed: str, text: str, count: int
):
    assert len(words(typed).places(text)) == count


@pytest.mark.parametrize("typed", ["", "   ", "\t"])
def test_blanks_alone_find_nothing(typed: str):
    assert find_words(typed) is None


def test_of_a_very_long_text_only_the_beginning_is_looked_for():
    assert len(words("x" * 10_000).words) == LONGEST


def test_signs_of_markdown_are_in_nobodys_way():
    assert words("the needle").count_in_markup("**the** `needle`, the _needle_") == 2
    assert words("my_name").count_in_markup("call `my_name`") == 1
    assert words("**").count_in_markup("**bold**") == 0


def test_what_goes_on_in_the_next_row_is_one_place_without_the_margin():
    joined = JoinedRows([("│ one two   ", False), ("│ three", False)])
    places = joined.places(words("two three"))
    assert joined.by_row(places) == {0: [(6, 9, 6)], 1: [(2, 7, 6)]}


def test_only_a_row_that_was_cut_goes_on_inside_a_word():
    cut = JoinedRows([("nee", True), ("dle", False)])
    assert cut.by_row(cut.places(words("needle"))) == {0: [(0, 3, 0)], 1: [(0, 3, 0)]}
    whole = JoinedRows([("nee", False), ("dle", False)])
    assert whole.places(words("needle")) == []
