"""The last filter before the terminal: no unsafe code point gets through (DESIGN §5)."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from quarterdeck.model.hostile_text import drop_unsafe


class UnsafeTextFilter(LineFilter):
    """Drops unsafe code points and links from every segment that is not a control segment.

    `App.get_line_filters` returns it first. Blanks take the place of what had a width, so
    that the rest of the line stays where it was laid out.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments; the same list if there was nothing to drop."""
        for index, segment in enumerate(segments):
            if not _is_plain(segment):
                return segments[:index] + [_guarded(rest) for rest in segments[index:]]
        return segments


def _is_plain(segment: Segment) -> bool:
    text, style, control = segment
    if control:
        return True
    return text.isascii() and text.isprintable() and (style is None or style.link is None)


def _guarded(segment: Segment) -> Segment:
    if _is_plain(segment):
        return segment
    text, style, control = segment
    safe = drop_unsafe(text).replace("\n", "").replace("\t", "")
    if safe != text:
        safe += " " * max(0, cell_len(text) - cell_len(safe))
    if style is not None and style.link is not None:
        style = style.update_link(None)
    return Segment(safe, style, control)
