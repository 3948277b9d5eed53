"""Titles and previews (A6, A7)."""

import pytest

from quarterdeck.model.titles import fold, title


def test_a_title_given_is_kept_up_to_200_characters() -> None:
    assert title("  Fix \n the\tbuild ", "prompt") == "Fix the build"
    assert title("t" * 200, "prompt") == "t" * 200
    assert title("t" * 201, "prompt") == "t" * 199 + "…"


@pytest.mark.parametrize("given", [None, "", " \n\t"])
def test_without_one_it_is_the_prompt_folded_to_120_characters(given: str | None) -> None:
    assert title(given, " make \n\n it\u00a0 work ") == "make it work"
    assert title(given, "p" * 121) == "p" * 119 + "…"


def test_there_is_always_a_title() -> None:
    assert title(None, " \n ") == "untitled"


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 500])
def test_folding_never_exceeds_its_limit(length: int) -> None:
    assert len(fold("x" * length, 10)) == min(length, 10)
