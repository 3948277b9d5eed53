"""Text cut to cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.widgets.cells import fit


@pytest.mark.parametrize(
    ("text", "cells", "shown"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 4, "abc…"),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 7, "漢字漢…"),
        ("漢字漢字", 6, "漢字… "),
        ("漢", 1, "…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        ("abc", 0, ""),
        ("ab", 1, "…"),
    ],
)
def test_text_fills_its_cells_exactly(text: str, cells: int, shown: str) -> None:
    assert fit(text, cells) == shown


def test_a_joined_emoji_is_not_cut_apart() -> None:
    family = "👨\u200d👩\u200d👧"
    assert fit(family + "abcd", 4) == family + "a…"
    assert fit(family + "abcd", 2) == "… "


def test_stacked_marks_cost_no_more_than_they_show() -> None:
    assert cell_len(fit("a" + "\u0301" * 100_000 + "b", 10)) == 10


@given(st.text(max_size=80), st.integers(1, 40))
def test_any_text_has_the_width_asked_for(text: str, cells: int) -> None:
    assert cell_len(fit(clean_line(text), cells)) == cells
