"""Markdown as lines."""

import pytest
from rich.style import Style

from quarterdeck.model.hostile_text import clean, drop_unsafe
from quarterdeck.tui.widgets.markdown_strips import markdown_strips


def lines_of(text: str, width: int = 40) -> list[str]:
    strips = markdown_strips(clean(text), width, Style(), {})
    assert strips is not None
    assert {strip.cell_length for strip in strips} <= {width}
    return [strip.text.rstrip() for strip in strips]


def test_a_message_is_rendered() -> None:
    assert lines_of("# Head\n\nsome **bold** `code`\n\n- item") == [
        "Head",
        "",
        "some bold code",
        "",
        " • item",
    ]


def test_code_keeps_its_columns() -> None:
    assert lines_of("```py\ndef f():\n    pass\n```") == ["  def f():", "      pass"]


def test_nothing_an_agent_wrote_disappears_as_html() -> None:
    assert lines_of("List<String> <b>x</b> </kbd>") == ["List<String> <b>x</b> </kbd>"]
    assert lines_of("<script>alert()</script>") == ["<script>alert()</script>"]


@pytest.mark.parametrize(
    "text",
    [
        "&#27;[2J &#x202e; &ZeroWidthSpace;",
        "[a](http://x/%E2%80%AE%1b)",
        "<http://x/%E2%80%AE%1b>",
        "![pic](http://x/%E2%80%AE)",
        "| a\u202e | \x1b]0;t\x07 |\n|---|---|\n| \x9b | [/foo] |",
        "> \u202e\x1b[31m",
    ],
)
def test_parsing_brings_no_unsafe_code_point_back(text: str) -> None:
    shown = "\n".join(lines_of(text))
    assert all(drop_unsafe(line) == line for line in shown.split("\n"))


def test_links_carry_no_link_and_show_their_address() -> None:
    strips = markdown_strips("[here](http://evil/)", 40, Style(), {})
    assert strips is not None
    assert "http://evil/" in strips[0].text
    assert all(segment.style is None or segment.style.link is None for segment in strips[0])


def test_markup_of_rich_is_text() -> None:
    assert lines_of("[bold]x[/bold] [/foo] [@click=app.quit]y[/]") == [
        "[bold]x[/bold] [/foo]",
        "[@click=app.quit]y[/]",
    ]


def test_deep_nesting_is_refused_or_rendered_but_never_raises() -> None:
    for text in (">" * 3000 + " x", "- " * 3000 + "x", "*" * 9000, "[" * 9000):
        strips = markdown_strips(text, 20, Style(), {})
        assert strips is None or strips
