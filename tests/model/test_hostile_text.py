"""Agent text is hostile (DESIGN §5)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.model.hostile_text import clean, clean_line, drop_unsafe, mixed_scripts


def is_unsafe(char: str) -> bool:
    """Tell by Unicode's own categories what must never reach a terminal as it is."""
    return unicodedata.category(char) in ("Cc", "Cs", "Co", "Zl", "Zp") or char in (
        "\u061c\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
        "\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad\U000e0041"
    )


@given(st.text())
def test_nothing_unsafe_is_left_but_tab_and_newline(text: str) -> None:
    for cleaned in (clean(text), clean(text, strict=True)):
        assert [ch for ch in cleaned if is_unsafe(ch) and ch not in "\t\n"] == []


@given(st.text())
def test_one_line_is_one_safe_line(text: str) -> None:
    assert [ch for ch in clean_line(text) if is_unsafe(ch)] == []
    assert len(clean_line(text).splitlines()) <= 1


@given(st.text())
def test_the_last_filter_lets_nothing_unsafe_through(text: str) -> None:
    left = drop_unsafe(text)
    assert [ch for ch in left if is_unsafe(ch) and ch not in "\t\n"] == []


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\x9bb", "a\\x9bb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\ue000", "\\ue000"),
        ("a\rb", "a\\x0db"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("é 漢字 🚀 [bold]", "é 漢字 🚀 [bold]"),
    ],
)
def test_unsafe_characters_become_visible_escapes(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_line_ends_of_windows_are_line_ends_except_where_every_byte_counts() -> None:
    assert clean("a\r\nb") == "a\nb"
    assert clean("a\r\nb", strict=True) == "a\\x0d\nb"


@pytest.mark.parametrize("odd", ["\u200d", "\ufe0f", "\u00a0", "\u2003", "\u3000"])
def test_in_approvals_joiners_and_false_blanks_are_spelled_out_too(odd: str) -> None:
    assert odd in clean(f"a{odd}b")
    assert odd not in clean(f"a{odd}b", strict=True)


def test_family_emoji_stay_whole_outside_approvals() -> None:
    family = "👩\u200d👩\u200d👧"
    assert clean(family) == family


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cat /etc/passwd", []),
        ("cat p\u0430sswd", ["p\u0430sswd"]),  # Cyrillic a
        ("привет мир", []),  # a word of one script
        ("\uff52\uff4d -rf", ["\uff52\uff4d"]),  # full-width letters
        ("café naïve", []),
        ("x\u03bf", ["x\u03bf"]),  # Greek omicron
    ],
)
def test_words_of_several_scripts_are_found(text: str, found: list[str]) -> None:
    assert mixed_scripts(text) == found
