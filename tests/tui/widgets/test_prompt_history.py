"""Browsing earlier prompts, and what is one's own meanwhile."""

from quarterdeck.tui.widgets.prompt_history import PromptHistory


def test_repeated_and_empty_prompts_are_left_out():
    history = PromptHistory()
    history.begin("own", ["b", "b", " ", "a", "own"])
    assert [history.move(1, "own"), history.move(1, "b"), history.move(1, "a")] == ["b", "a", None]


def test_what_was_edited_on_the_way_stays_edited():
    history = PromptHistory()
    history.begin("own", ["b", "a"])
    history.move(1, "own")
    assert history.move(1, "b!") == "a"
    assert history.move(-1, "a") == "b!"
    assert history.move(-1, "b!") == "own"
    assert not history.browsing


def test_an_earlier_prompt_is_a_draft_only_once_it_was_edited():
    history = PromptHistory()
    assert history.draft("own") == "own"
    history.begin("own", ["b"])
    history.move(1, "own")
    assert history.draft("b") == "own"
    assert history.draft("b!") == "b!"
    assert history.own == "own"
    history.end()
    assert not history.begun
    assert history.draft("b") == "b"
