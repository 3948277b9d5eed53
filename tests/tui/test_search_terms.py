"""What is typed to search is taken apart; the screen asks for just that."""

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.search_terms import Terms, read_terms
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of, deck_of_six

PROJECTS = ("/srv/one", "/srv/two", "/home/two")


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("plain words", Terms("plain words")),
        (
            "left agent:opencode type:error right type:diff session:ab12",
            Terms("left right", agent="opencode", types=("error", "diff"), session="ab12"),
        ),
        ('say "agent:x of it" agent:y', Terms('say "agent:x of it"', agent="y")),
        ('x agent:"two words"', Terms("x", agent="two words")),
        ("see http://x subagent:y", Terms("see http://x subagent:y")),
        ("x project:one", Terms("x", project="/srv/one")),
        ("x project:/any/where", Terms("x", project="/any/where")),
    ],
)
def test_terms_narrow_and_everything_else_is_words(line: str, terms: Terms) -> None:
    assert read_terms(line, PROJECTS) == terms


def test_dates_are_times_or_ages() -> None:
    terms = read_terms("x since:7d until:2026-11-20T10:00:00+00:00")
    assert terms.until == "2026-11-20T10:00:00.000Z"
    assert terms.since is not None
    assert terms.since.endswith("Z")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x since:soon", "no time"),
        ("x agent:", "nothing to look for"),
        ("x agent:a agent:b", "more than once"),
        ("x project:two", "/home/two or /srv/two"),
        ("x project:three", "no project here"),
    ],
)
def test_a_wrong_term_is_refused_with_what_is_wrong(line: str, said: str) -> None:
    with pytest.raises(QuarterdeckError, match=said) as caught:
        read_terms(line, PROJECTS)
    assert caught.value.code in ("invalid_query", "invalid_params")


async def test_the_search_screen_shows_its_terms_and_asks_by_them():
    box = deck_of_six()
    box.answers["event.search"] = {"hits": [], "cursor": None}
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("S")
        await until_shown(pilot, "agent:opencode type:error since:7d")
        await pilot.press(*"broken agent:a type:nonsense since:x", "enter")
        await until_shown(pilot, "no time")
        await pilot.press("backspace", *"7d", "enter")
        await until(pilot, lambda: box.called("event.search"))
    [asked] = box.called("event.search")
    assert (asked["query"], asked["agent"], asked["types"]) == ("broken", "a", ["nonsense"])
    assert asked["since"].endswith("Z")
