"""For terminals that show less: lines without colour, lines of nothing but ASCII.

Both work on what goes to the terminal, so that borders, scroll bars and what agents write are
covered as well as our own signs; every cell stays where it was.
"""

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from quarterdeck.tui.widgets.glyphs import ASCII, UNICODE


class ColourlessFilter(LineFilter):
    """Keeps of a style what needs no colour: bold, dim, italic, underline, reverse, strike."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without a colour."""
        return [
            segment
            if segment.control or segment.style is None
            else Segment(segment.text, _colourless(segment.style))
            for segment in segments
        ]


class AsciiFilter(LineFilter):
    """Writes every sign that is not ASCII as one that is, in as many cells."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with nothing but ASCII in them."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(_in_ascii(segment.text), segment.style)
            for segment in segments
        ]


@lru_cache(1024)
def _colourless(style: Style) -> Style:
    return Style(
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=style.reverse,
        strike=style.strike,
    )


def _pairs() -> dict[str, str]:
    """Return which sign stands for which; ours first, then borders, blocks and punctuation."""
    found: dict[str, str] = {}
    groups = {
        "-": "─━┄┅┈┉╌╍═‒–—―▔▁",
        "|": "│┃┆┇┊┋╎╏║‖▏▕▎▐",
        "+": "┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╭╮╯╰╔╗╚╝╠╣╦╩╬",
        "#": "█▉▊▋▓▒░■▇▆▅",
        " ": "▂▃▄▀\u00a0",
        "'": "‘’‚",
        '"': "“”„",
        "*": "★☆✦",
        "^": "↑▲",
        "v": "↓▼✓",
        ">": "→▶❯↪",
        "<": "←◀❮‹⌫",
        "/": "⏎",  # where a line ends within a text that is shown as one
        "@": "↻",
        "x": "×",
        "=": "≡",
        "$": "Σ€£",
        "!": "◇",
        "o": "□",
    }
    for sign, others in groups.items():
        found |= dict.fromkeys(others, sign)
    ours = [(UNICODE.event[key], ASCII.event[key]) for key in UNICODE.event]
    ours += [(UNICODE.plan[key], ASCII.plan[key]) for key in UNICODE.plan]
    ours += [(UNICODE.attention[key], ASCII.attention[key]) for key in UNICODE.attention]
    names = ("cursor", "ellipsis", "rule", "bar", "stale", "pin", "folded", "unfolded")
    ours += [(getattr(UNICODE, name), getattr(ASCII, name)) for name in names]
    found |= {sign: plain for sign, plain in ours if not sign.isascii() and plain.strip()}
    return found


_PLAIN = _pairs()


@lru_cache(4096)
def _in_ascii(text: str) -> str:
    """Return `text` in as many cells; a sign that has no likeness is one `?` a cell."""
    return "".join(
        char if char.isascii() else _PLAIN.get(char, "?" * cell_len(char)) for char in text
    )
