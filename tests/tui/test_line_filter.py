"""The last filter before the terminal (DESIGN §5)."""

import pytest
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color

from quarterdeck.tui.line_filter import UnsafeTextFilter

BLACK = Color(0, 0, 0)


def filtered(*segments: Segment) -> list[Segment]:
    return UnsafeTextFilter().apply(list(segments), BLACK)


@pytest.mark.parametrize(
    "text",
    ["\x1b]0;t\x07", "\x1b[2J", "\x9b31m", "a\u202eb", "\u200b", "\ufeff", "a\nb", "a\tb", "\x7f"],
)
def test_an_unsafe_code_point_does_not_reach_the_terminal(text: str) -> None:
    (segment,) = filtered(Segment("x" + text + "y"))
    assert not set(segment.text) & set("\x1b\x07\x9b\u202e\u200b\ufeff\n\t\x7f")
    assert segment.text.startswith("x")


def test_a_private_use_character_leaves_its_cell_blank() -> None:
    (segment,) = filtered(Segment("a\ue0b0b"))
    assert "\ue0b0" not in segment.text
    assert cell_len(segment.text) == cell_len("a\ue0b0b")


def test_plain_lines_and_controls_pass_untouched() -> None:
    segments = [Segment("plain", Style(bold=True)), Segment("\x1b[2J", None, [(ControlType.HOME,)])]
    given = list(segments)
    assert UnsafeTextFilter().apply(segments, BLACK) is segments
    assert segments == given


def test_wide_characters_and_joined_emoji_stay() -> None:
    text = "漢字 e\u0301 👨\u200d👩\u200d👧 é"
    assert filtered(Segment(text))[0].text == text


def test_links_of_agents_are_not_followed() -> None:
    (segment,) = filtered(Segment("text", Style(bold=True, link="http://x/\x1b]0;t\x07")))
    assert segment.style is not None
    assert segment.style.link is None
    assert segment.style.bold
