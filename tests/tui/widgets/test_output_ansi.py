"""Colours of a command's output: SGR and nothing else (DESIGN §5)."""

import pytest
from rich.style import Style

from quarterdeck.model.hostile_text import drop_unsafe
from quarterdeck.tui.widgets.output_ansi import coloured, readable, without_colours


def shown(raw: str) -> list[tuple[str, str]]:
    found = coloured(raw)
    return [(text, str(style)) for text, style in found.pieces(0, len(found.text))]


def test_colours_and_weights_are_kept():
    assert shown("\x1b[31mred\x1b[0m plain \x1b[1;38;5;200mx\x1b[38;2;1;2;3my") == [
        ("red", "color(1)"),
        (" plain ", "none"),
        ("x", "bold color(200)"),
        ("y", "bold #010203"),
    ]


def test_a_part_of_the_text_has_the_style_it_lies_in():
    assert [(t, str(s)) for t, s in coloured("ab\x1b[32mcdef\x1b[0mgh").pieces(3, 7)] == [
        ("def", "color(2)"),
        ("g", "none"),
    ]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\x1b[2J\x1b[H\x1b[10;20Hb\x1b[Kc\x1b[?1049hd", "abcd"),
        ("a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b]0;title\x07b\x1b]52;c;cGFzdGU=\x07c", "abc"),
        ("a\x1bP1;2|x\x1b\\b\x1b(0c", "abc"),
        ("a\x1b]0;never ended\nb", "a\\x1b]0;never ended\nb"),
        ("a\x9b31mb\x1b", "a\\x9b31mb\\x1b"),
        ("10%\r20%\x08", "10%\\x0d20%\\x08"),
        ("\u202eb\u200b", "\\u202eb\\u200b"),
        ("x\ty\r\n", "x    y\n"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
    ],
)
def test_all_else_is_gone_or_spelled_out(raw: str, text: str):
    assert coloured(raw).text == text
    assert without_colours(raw) == text
    assert drop_unsafe(text) == text


def test_nothing_is_hidden_by_its_style():
    """Concealed, blinking and invisible ink are shown like all else, and no link is kept."""
    found = coloured("\x1b[8ma\x1b[5mb\x1b[0m\x1b[31;41mc\x1b]8;;http://x\x1b\\d")
    ground = Style.parse("white on black")
    for _, style in found.pieces(0, len(found.text)):
        assert not (style.conceal or style.blink or style.link or style.meta)
        seen = readable(style, ground)
        assert seen.color != seen.bgcolor
    dark = coloured("\x1b[38;2;0;0;0mx").styles[0]
    assert readable(dark, ground).color == ground.color


@pytest.mark.parametrize(
    "raw",
    ["\x1b]" * 32_000, "\x1b[" + "1;" * 32_000, "\x1b[0;" * 16_000, "\x1b[31mx" * 13_000],
    ids=["strings", "parameters", "unfinished", "colours"],
)
def test_sequences_without_end_are_not_searched_again_and_again(raw: str):
    found = coloured(raw)
    assert len(found.styles) <= 4_001
    assert drop_unsafe(found.text) == found.text
