"""Flags of a command are read conservatively: clusters, values, abbreviations (DESIGN §6)."""

import pytest

from quarterdeck.policy import flags

ALLOWED = ("-l", "-a", "-n=", "-U#", "-#", "--all", "--color=", "-name")


@pytest.mark.parametrize(
    "words",
    [
        ("-l",),
        ("-la", "src"),
        ("-n5",),
        ("-ln", "5"),
        ("-U3",),
        ("-20",),
        ("--all", "--", "x"),
        ("--color=never",),
        ("-name", "*.py"),
        ("-",),
    ],
)
def test_listed_flags_may_follow(words: tuple[str, ...]) -> None:
    assert flags.only(words, ALLOWED)


@pytest.mark.parametrize(
    "words",
    [
        ("-x",),
        ("-lx",),
        ("-Ux",),
        ("--al",),
        ("--all=x",),
        ("--colo=x",),
        ("-n", "--", "--output=x"),
        ("--color", "--output"),
        ("-U3x",),
    ],
)
def test_no_other_flag_may_not_even_after_two_dashes(words: tuple[str, ...]) -> None:
    assert not flags.only(words, ALLOWED)


@pytest.mark.parametrize(
    "word",
    ["--output", "--output=x", "--out", "--o", "-output", "-o", "-ofile", "-lo", "-exec", "--exec"],
)
def test_a_denied_flag_is_met_in_every_form(word: str) -> None:
    assert flags.denied(("a", word), ("--output", "-o", "-exec")) == word


@pytest.mark.parametrize("word", ["--outer", "-l", "output", "--", "-", "--list"])
def test_other_words_are_not_denied(word: str) -> None:
    assert flags.denied((word,), ("--output", "-o")) is None
