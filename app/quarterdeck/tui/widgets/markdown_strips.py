"""Closed messages as Markdown, rendered once to lines; imported when the first one comes."""

import io
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from rich.theme import Theme
from textual.strip import Strip

from quarterdeck.model.hostile_text import clean
from quarterdeck.tui.widgets.output_code import code_looks
from quarterdeck.tui.widgets.text_rows import TextRows

# HTML would vanish on the way and entities could smuggle in what was cleaned before.
_PARSER = (
    MarkdownIt("commonmark", {"html": False})
    .disable("entity")
    .enable("strikethrough")
    .enable("table")
)


class _Code(CodeBlock):
    """Code as it is: indented, folded at the cell, coloured if its language is a known one."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        rows = TextRows(max(1, options.max_width - 2), by_word=False)
        rows.extend(code)
        style = console.get_style("markdown.code_block")
        looks = code_looks(code, self.lexer_name) or [(0, "code_block")]
        styles = [console.get_style(f"markdown.{look}", default=style) for _, look in looks]
        offsets = [offset for offset, _ in looks]
        for index in range(len(rows)):
            line = Text("  ", style=style, no_wrap=True, end="\n")
            at = rows.start(index)
            end = at + len(rows.row(code, index))
            place = max(0, bisect_right(offsets, at) - 1)
            while at < end:
                upto = min(end, offsets[place + 1]) if place + 1 < len(offsets) else end
                line.append(code[at:upto], styles[place])
                at, place = upto, place + 1
            yield line


class _Heading(Heading):
    """A heading at the left, all levels alike."""

    LEVEL_ALIGN: ClassVar = {}


class _SafeMarkdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
    }

    def __init__(self, text: str) -> None:
        # Not Rich's own __init__: that builds a parser for every message.
        self.markup = text
        self.parsed = _PARSER.parse(text)
        _clean_tokens(self.parsed)
        self.hyperlinks = False
        self.justify = None
        self.style = "none"
        self.code_theme = self.inline_code_theme = "default"
        self.inline_code_lexer = None


def _clean_tokens(tokens: Iterable[Token]) -> None:
    """Clean what parsing brought forth, a link's address decoded; a line break stays one."""
    for token in tokens:
        if token.type == "softbreak":
            token.type = "hardbreak"
        token.content = clean(token.content)
        for name, value in token.attrs.items():
            if isinstance(value, str):
                token.attrs[name] = clean(value)
        if token.children:
            _clean_tokens(token.children)


def markdown_strips(
    text: str, width: int, base: Style, styles: Mapping[str, Style]
) -> list[Strip] | None:
    """Return the lines of a Markdown text, or None if it cannot be rendered.

    Args:
        text: Text that went through `clean`.
        width: Cells of a line.
        base: The style everything lies on.
        styles: Rich's `markdown.*` style names and what they look like.
    """
    console = Console(
        file=io.StringIO(), theme=Theme(styles), width=width, legacy_windows=False, emoji=False
    )
    try:
        lines = console.render_lines(_SafeMarkdown(text), style=base, pad=False)
    except Exception:
        # Rich raises on some nestings of hostile text; the caller then shows the text itself.
        return None
    return [Strip(_plain(line)).adjust_cell_length(width, base) for line in lines]


def _plain(line: list[Segment]) -> list[Segment]:
    """Drop line ends and what is no text."""
    return [
        Segment(segment.text.replace("\n", ""), segment.style)
        for segment in line
        if not segment.control
    ]
