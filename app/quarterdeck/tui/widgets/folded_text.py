"""A text of any length, folded by character, of which only the visible rows are rendered."""

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from quarterdeck.tui.find_words import FindWords, Place
from quarterdeck.tui.folding import DiffKind, Mark, Row, fold
from quarterdeck.tui.widgets.findable_view import FindableView, split_at
from quarterdeck.tui.widgets.line_hits import LineHits
from quarterdeck.tui.widgets.row_lines import RowLines

CONTINUED = "↪"
_AROUND = 3
"""Rows of the same line that are searched with a row."""


class FoldedText(FindableView):
    """Shows one text from an agent; says when its last row was painted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "folded-text--gutter",
        "folded-text--escape",
        "folded-text--tab",
        "folded-text--added",
        "folded-text--removed",
        "folded-text--hunk",
        "folded-text--file",
    }

    @dataclass
    class EndPainted(Message):
        """The last row of the text was painted for the first time."""

        showing: int
        """Which text's: what `show` returned for it, 0 for the first."""

    def __init__(
        self,
        text: str = "",
        *,
        strict: bool = False,
        diff: bool = False,
        numbers: bool = False,
        id: str | None = None,
    ) -> None:
        """Show `text`.

        Args:
            text: Raw text; it is cleaned when it is folded.
            strict: As for `hostile_text.clean`.
            diff: Whether to colour the lines of a unified diff.
            numbers: Whether a gutter numbers the lines and marks the rows that go on.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._text, self._strict, self._diff, self._numbers = text, strict, diff, numbers
        self._rows: list[Row] = []
        self._folded_at = 0
        self._end_said = False
        self._showing = 0
        self._hit = -1
        """The row that was gone to last."""

    def show(self, text: str, *, diff: bool = False) -> int:
        """Replace the text; return the number by which `EndPainted` tells it from others."""
        self._showing += 1
        self._text, self._diff = text, diff
        self._folded_at, self._end_said = 0, False
        self.scroll_to(0, 0)
        self._fold_to(self.line_width)
        self._hit = -1
        self.find_anew()
        self.refresh()
        return self._showing

    def rows_at(self, width: int) -> int:
        """Return how many rows the text takes in a widget `width` cells wide, bar included."""
        return len(self._fold(width - self.scrollbar_size_vertical))

    def scroll_by_name(self, how: str) -> None:
        """Scroll: down, up, page_down, page_up, end or home."""
        steps = {
            "down": self.scroll_down,
            "up": self.scroll_up,
            "page_down": self.scroll_page_down,
            "page_up": self.scroll_page_up,
            "end": self.scroll_end,
            "home": self.scroll_home,
        }
        steps[how](animate=False)

    @property
    def _gutter(self) -> int:
        return len(str(self._text.count("\n") + 1)) + 1 if self._numbers else 0

    def _fold(self, width: int) -> list[Row]:
        return fold(self._text, width - self._gutter, strict=self._strict, diff=self._diff)

    def _fold_to(self, width: int) -> None:
        if width > 0 and width != self._folded_at:
            self._folded_at = width
            self._rows = self._fold(width)
            self.virtual_size = Size(width, len(self._rows))
            self.find_anew()

    def on_resize(self) -> None:
        """Fold anew where the width changed."""
        self._fold_to(self.line_width)

    def painted_line(self, y: int) -> Strip:
        """Render one visible row."""
        width = self.line_width
        self._fold_to(width)
        index = y + self.top
        ground = self.rich_style
        if index >= len(self._rows):
            return Strip.blank(width, ground)
        if index == len(self._rows) - 1 and not self._end_said:
            self._end_said = True
            self.post_message(self.EndPainted(self._showing))
        row = self._rows[index]
        segments = [*self._gutter_of(row, ground)]
        line = ground
        if row.kind is not DiffKind.PLAIN:
            line = ground + self.get_component_rich_style(f"folded-text--{row.kind}", partial=True)
        places = self._places_in(index) if self.finding is not None else []
        look, at = self.found_look(index == self._hit), 0
        for shown, mark in row.pieces:
            inside = [(start - at, end - at) for start, end in places]
            segments += split_at(shown, self._style(mark, line), inside, look)
            at += len(shown)
        return Strip(segments).adjust_cell_length(width, line)

    # Finding

    def hits_of(self, words: FindWords) -> LineHits:
        """Return the rows in which some words begin."""
        lines = RowLines(
            size=lambda: len(self._rows),
            here=self._here,
            current=lambda: self._hit,
            has=self._begins_in,
            show=self._show_hit,
        )
        return LineHits(lines, words)

    def _here(self) -> int:
        on_screen = self.top <= self._hit < self.top + self.page
        return self._hit if on_screen else self.top

    def _show_hit(self, row: int) -> None:
        self._hit = row
        if not self.top <= row < self.top + self.page:
            self.scroll_to(y=max(0, row - self.page // 3), force=True)

    def _begins_in(self, row: int) -> bool:
        return any(start >= 0 for start, _ in self._places_in(row))

    def _places_in(self, row: int) -> list[Place]:
        """Return where in a row something found stands; it may begin before and go on behind."""
        words = self.finding
        if words is None:
            return []
        first, end = row, row + 1
        while first > max(0, row - _AROUND) and self._rows[first].number is None:
            first -= 1
        last = min(len(self._rows), row + 1 + _AROUND)
        while end < last and self._rows[end].number is None:
            end += 1
        before = sum(len(self._rows[at].text) for at in range(first, row))
        text = "".join(self._rows[at].text for at in range(first, end))
        size = len(self._rows[row].text)
        found = [(start - before, stop - before) for start, stop in words.places(text)]
        return [(start, stop) for start, stop in found if start < size and stop > 0]

    def _style(self, mark: Mark, line: Style) -> Style:
        if mark is Mark.TEXT:
            return line
        return line + self.get_component_rich_style(f"folded-text--{mark}", partial=True)

    def _gutter_of(self, row: Row, ground: Style) -> list[Segment]:
        if not self._numbers:
            return []
        shown = CONTINUED if row.number is None else str(row.number)
        style = ground + self.get_component_rich_style("folded-text--gutter", partial=True)
        return [Segment(shown.rjust(self._gutter - 1) + " ", style)]
