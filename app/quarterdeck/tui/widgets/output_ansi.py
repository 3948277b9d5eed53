"""Colours of a command's output, kept safely: of all escape sequences only SGR is understood."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from rich.color import Color
from rich.style import Style

from quarterdeck.model.hostile_text import clean

_MAX_SGR = 4_000
"""Changes of colour in one text that are followed; the text goes on in the last one."""
_SGR = re.compile(r"(\x1b\[[0-9;:]{0,64}m)")
# No part of it can match at two lengths over a long stretch, so hostile text costs no more.
_OTHER = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-ln-~]"  # any other CSI: cursor movement, erasing …
    r"|[\]PX^_][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)"  # OSC, DCS and such, hyperlinks too
    r"|[()*+][0-9A-Za-z])"  # character sets
)


@dataclass(frozen=True, slots=True)
class ColouredText:
    """Safe text and the style from each of some offsets on."""

    text: str
    offsets: tuple[int, ...]
    styles: tuple[Style, ...]

    def pieces(self, start: int, end: int) -> list[tuple[str, Style]]:
        """Return a part of the text, piece by piece."""
        found: list[tuple[str, Style]] = []
        index = bisect_right(self.offsets, start) - 1
        while start < end:
            following = self.offsets[index + 1] if index + 1 < len(self.offsets) else end
            upto = min(end, following)
            found.append((self.text[start:upto], self.styles[index]))
            start, index = upto, index + 1
        return found


def coloured(raw: str) -> ColouredText:
    """Return the text of a command's output with its colours.

    What else a terminal would obey is dropped; what is no whole sequence is spelled out.
    """
    if "\x1b" not in raw:
        return ColouredText(_shown(raw), (0,), (Style.null(),))
    from rich.ansi import AnsiDecoder

    decoder = AnsiDecoder()
    pieces: list[str] = []
    offsets, styles = [0], [Style.null()]
    length = 0
    for number, part in enumerate(_SGR.split(_OTHER.sub("", raw))):
        if number % 2:
            if number < 2 * _MAX_SGR:
                # The decoder goes on in the style that the sequence leaves it in.
                decoder.decode_line(part)
                style = _safe(decoder.style)
                if offsets[-1] == length:
                    styles[-1] = style
                elif style != styles[-1]:
                    offsets.append(length)
                    styles.append(style)
            continue
        text = _shown(part)
        pieces.append(text)
        length += len(text)
    return ColouredText("".join(pieces), tuple(offsets), tuple(styles))


def without_colours(raw: str) -> str:
    """Return the text of a command's output as safe text alone."""
    if "\x1b" not in raw:
        return _shown(raw)
    return _shown(_SGR.sub("", _OTHER.sub("", raw)))


def _shown(text: str) -> str:
    return clean(text).replace("\t", "    ")


def _safe(style: Style) -> Style:
    """Return what may show: nothing concealed, no blinking, no link, no invisible ink."""
    ink = style.color if style.color and not style.color.is_default else None
    ground = style.bgcolor if style.bgcolor and not style.bgcolor.is_default else None
    return Style(
        color=ink,
        bgcolor=ground,
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        reverse=style.reverse,
    )


def _alike(ink: Color, ground: Color) -> bool:
    one, other = ink.get_truecolor(), ground.get_truecolor()
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) < 96


def readable(style: Style, ground: Style) -> Style:
    """Return `style` over `ground`, without a colour that would hardly be seen on it."""
    lies_on = style.bgcolor or ground.bgcolor
    if style.color is not None and lies_on is not None and _alike(style.color, lies_on):
        style = style.without_color
    return ground + style
