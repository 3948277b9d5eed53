"""Glyphs and words."""

import pytest
from rich.cells import cell_len

from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import Attention, SessionState
from quarterdeck.tui.widgets.glyphs import (
    ASCII,
    UNICODE,
    Glyphs,
    event_word,
    glyphs_for,
    state_word,
)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_attention_has_its_own_single_width_glyph(glyphs: Glyphs) -> None:
    shown = [glyphs.for_attention(attention) for attention in Attention]
    assert len(set(shown)) == len(shown)
    assert [cell_len(glyph) for glyph in shown] == [1] * len(shown)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_event_type_has_a_single_width_glyph(glyphs: Glyphs) -> None:
    assert {cell_len(glyphs.for_event(kind)) for kind in EventType} == {1}


def test_words_tell_states_and_types_apart_within_eight_cells() -> None:
    states = [state_word(state) for state in SessionState]
    assert len(set(states)) == len(states)
    assert max(map(len, states)) <= 8
    assert max(len(event_word(kind)) for kind in EventType) <= 8


def test_the_ascii_set_is_ascii() -> None:
    shown = [*map(ASCII.for_attention, Attention), *map(ASCII.for_event, EventType)]
    assert "".join([*shown, ASCII.cursor, ASCII.ellipsis, ASCII.rule, ASCII.bar]).isascii()


def test_the_set_follows_the_terminals_encoding() -> None:
    assert glyphs_for("UTF-8") is UNICODE
    assert glyphs_for("ascii") is ASCII
    assert glyphs_for(None) is ASCII


def test_what_a_newer_supervisor_sends_is_shown_as_it_is_but_safe() -> None:
    assert state_word("dreaming\x1b") == "dreaming\\x1b"
    assert event_word("dance") == "dance"
    assert UNICODE.for_attention("panic") == "?"
