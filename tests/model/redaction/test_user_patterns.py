"""Patterns of the configuration: what they may be and what they find (A2, A16)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.model.redaction.user_patterns import (
    MOST_PARTS,
    PatternRefused,
    UserPattern,
    compile_all,
)

USEFUL = [
    (r"ACME-[A-Z0-9]{20}", "ACME-A1B2C3D4E5F6G7H8I9J0"),
    (r"\b\d{3}-\d{2}-\d{4}\b", "123-45-6789"),
    (r"(?i)project (?:blue|red)bird", "Project REDbird"),
    (r"\w+@corp\.example", "jane_doe@corp.example"),
    (r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", "00:1a:2b:3c:4d:5e"),
    (r"\[\[[^\]]{1,40}\]\]", "[[top secret]]"),
    (r"käse(?:kuchen)?\x21", "käsekuchen!"),
    (r"[]x^]{3}-\{\d+\}", "]^x-{42}"),
]


@pytest.mark.parametrize(("source", "secret"), USEFUL)
def test_a_pattern_finds_what_it_says(source: str, secret: str) -> None:
    """The match is replaced, what is around it stays."""
    redactor = Redactor(compile_all([source]))
    assert redactor.redact(f"so {secret} it") in (
        "so ‹redacted user-pattern short› it",
        "so ‹redacted user-pattern medium› it",
    )


def test_a_pattern_may_have_a_name() -> None:
    """A marker then says it."""
    redactor = Redactor([UserPattern(r"ACME-\d{4}", "acme-id")])
    assert redactor.redact("ACME-1234") == "‹redacted acme-id short›"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (r"(a+)+b", "repeated group"),
        (r"(?:a|b)*c", "repeated group"),
        (r"a**", "repeat of a repeat"),
        (r"a+?b", "lazy"),
        (r"\w+\w+x", "also take what follows"),
        (r".*;", "also take what follows"),
        (r"x*", "empty text"),
        (r"\b", "empty text"),
        ("", "empty text"),
        (r"(a)\1", "not supported"),
        (r"(?=a)b", "only plain groups"),
        (r"(?P<n>a)b", "only plain groups"),
        (r"^a", "pieces"),
        (r"a$", "pieces"),
        (r"(a", "without its"),
        (r"a)", "without its"),
        (r"[a", "class without end"),
        (r"a{3,2}", "reversed"),
        (r"a{9999}", "above 4096"),
        (r"+a", "nothing to repeat"),
        (r"[z-a]b", "not a regular expression"),
        (r"a{600}b{600}", "more than 1024"),
        (r"abcdefghij" * 11, f"more than {MOST_PARTS} parts"),
        ("(" * 11 + "a" + ")" * 11, "deep"),
        ("(a|ab)" * 7 + "c", "also take what follows"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named(source: str, why: str) -> None:
    """A16: the error has a code, and says which pattern and why."""
    with pytest.raises(PatternRefused, match=re.escape(why)) as caught:
        compile_all([r"ACME-\d+", source])
    assert caught.value.code == "config_invalid"
    assert repr(source) in caught.value.message or len(source) > 80


def test_a_kind_is_a_short_name() -> None:
    """A marker must stay one readable word."""
    with pytest.raises(PatternRefused, match="short name"):
        UserPattern("abc", "‹bad›")


def test_the_largest_pattern_compiles() -> None:
    """Its expression of beginnings nests as deep as it has parts."""
    assert UserPattern("a" * MOST_PARTS).begun("xx" + "a" * 99, 0) == 2


@given(st.text("()[]{}|*+?\\^$.ab1,-:i", max_size=12))
def test_any_text_is_a_pattern_or_refused(source: str) -> None:
    """Whatever stands in the configuration, nothing but PatternRefused is raised."""
    try:
        pattern = UserPattern(source)
    except PatternRefused:
        return
    assert pattern.whole.fullmatch("") is None


@given(st.sampled_from(USEFUL), st.data())
def test_every_beginning_of_a_match_is_held(useful: tuple[str, str], data: st.DataObject) -> None:
    """A text that ends in a beginning of a match says where it begins, or earlier."""
    source, secret = useful
    cut = data.draw(st.integers(1, len(secret) - 1))
    begun = UserPattern(source).begun("-- " + secret[:cut], 0)
    assert begun is not None and begun <= 3
