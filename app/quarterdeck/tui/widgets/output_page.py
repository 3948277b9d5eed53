"""The blocks of an output on the screen: laid out as shown, what is looked at kept in place."""

from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.find_words import FindWords
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.findable_view import with_places
from quarterdeck.tui.widgets.follow_view import FollowView
from quarterdeck.tui.widgets.glyphs import Glyphs
from quarterdeck.tui.widgets.output_blocks import OutputBlocks
from quarterdeck.tui.widgets.output_cursor import BlockCursor
from quarterdeck.tui.widgets.output_hits import OutputHits
from quarterdeck.tui.widgets.output_layout import OutputLayout
from quarterdeck.tui.widgets.output_lines import Looks
from quarterdeck.tui.widgets.output_looks import MARKDOWN_LOOKS

MARK = 1
"""Cells to the left for the mark of the block that keys mean."""
KEPT_PAGES = 4
"""Screens of lines that are kept as they were drawn."""


class OutputPage(FollowView):
    """Draws blocks, wherever they come from; only those on the screen are wrapped and parsed."""

    def __init__(self, *, glyphs: Glyphs, empty_text: str, **kwargs: Any) -> None:
        """Show no block.

        Args:
            glyphs: What the terminal can show.
            empty_text: Stands where output would be.
            **kwargs: The widget's own.
        """
        super().__init__(**kwargs)
        self._glyphs = glyphs
        self._empty_text = empty_text
        self._settling = False
        self._with_marks: dict[int, tuple[Strip, Style, Strip]] = {}
        self._begin()

    def _begin(self) -> None:
        """Show other blocks, none yet."""
        self._blocks = OutputBlocks()
        self._layout_of = OutputLayout(self._blocks, self._current_looks)
        self._cursor = BlockCursor(self._blocks, self._layout_of)
        self._anchor = (0, 0, 0)
        self._trimmed = ""
        """Stands there instead if the blocks are no more."""

    @property
    def blocks(self) -> OutputBlocks:
        """What is held of the output."""
        return self._blocks

    @property
    def text_width(self) -> int:
        """Cells of a line of the output, the column of the mark left out."""
        return max(0, self.line_width - MARK)

    def _settle(self, *, from_scroll: bool = False) -> None:
        """Lay out what is on the screen, and keep in its place what the person looks at."""
        if self._settling or self.line_width <= 0:
            return
        self._settling = True
        try:
            if self.text_width != self._layout_of.width:
                self._layout_of.resize(self.text_width)
            if not self._blocks.blocks:
                self.set_line_count(0)
            elif self.follow:
                self._settle_at_end()
            else:
                self._settle_at(self._top_line(from_scroll))
            self._note_anchor()
        finally:
            self._settling = False

    def _note_anchor(self) -> None:
        if self._blocks.blocks:
            index, row = self._layout_of.locate(self.top)
            offset = self._layout_of.offset(index, row)
            self._anchor = (self._blocks.blocks[index].number, row, offset)

    def _show_from(self, line: int) -> None:
        """Stop following and put a line at the top of the screen."""
        self.follow = False
        self._settling = True
        try:
            self._settle_at(line)
            self._note_anchor()
        finally:
            self._settling = False

    def _settle_at_end(self) -> None:
        room = self.page
        index = len(self._blocks) - 1
        while index >= 0 and room > 0:
            room -= self._layout_of.realise(index)
            index -= 1
        self.set_line_count(self._layout_of.height)
        self.to_end()

    def _top_line(self, from_scroll: bool) -> int:
        """Return the line that belongs at the top of the screen."""
        layout = self._layout_of
        if not from_scroll:
            number, row, offset = self._anchor
            cut, first, last = self._blocks.cut
            if number == cut:
                return self._line_in_pieces(first, last, offset)
            index = min(self._blocks.index_of(number), len(self._blocks) - 1)
            if self._blocks.blocks[index].number != number:
                row = 0
            return layout.start(index) + min(row, layout.realise(index) - 1)
        index, row = layout.locate(self.top)
        estimated = layout.start(index + 1) - layout.start(index)
        # A block come upon from below keeps its distance to what was on the screen.
        from_end = estimated - row
        return layout.start(index) + max(0, layout.realise(index) - from_end)

    def _line_in_pieces(self, first: int, last: int, offset: int) -> int:
        """Return about the line that shows the text at `offset` of a message cut into pieces."""
        layout = self._layout_of
        index = self._blocks.index_of(first)
        for block in self._blocks.blocks[index : self._blocks.index_of(last)]:
            if offset < block.size:
                break
            offset -= block.size
            index += 1
        index = min(index, len(self._blocks) - 1)
        height = layout.realise(index)
        share = offset / max(1, self._blocks.blocks[index].size)
        return layout.start(index) + min(height - 1, round(height * share))

    def _settle_at(self, line: int) -> None:
        layout = self._layout_of
        index, _ = layout.locate(line)
        while index < len(self._blocks) and layout.start(index) < line + self.page:
            layout.realise(index)
            index += 1
        self.set_line_count(layout.height)
        self.scroll_to(y=line, force=True)

    def _current_looks(self) -> Looks:
        def style(name: str) -> Style:
            return self.look(f"output-view--{name}")

        markdown = {rich: style(ours) for rich, ours in MARKDOWN_LOOKS.items()}
        return Looks(self.look(), style, markdown, self._glyphs)

    def painted_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        if y == 0 and not self._blocks.blocks:
            style = self.look("output-view--empty")
            text = clean_line(self._trimmed or self._empty_text)
            text = fit(text, self.text_width, ellipsis=self._glyphs.ellipsis)
            return Strip([Segment(" " * MARK, style), Segment(text, style)])
        line = y + self.top
        strip = self._layout_of.strip(line)
        if strip is None:
            return Strip.blank(self.line_width, self.look())
        first, end = self._cursor.lines()
        marked = first <= line < end
        strip = self._with_hits(self._with_mark(strip, line, marked), line)
        return self.with_selected(strip, line)

    def _with_hits(self, strip: Strip, line: int) -> Strip:
        """Return a line with what is looked for marked."""
        if not isinstance(self._hits, OutputHits):
            return strip
        places = self._hits.on_row(*self._layout_of.locate(line))
        return with_places(
            strip, [(a + MARK, b + MARK, self.found_look(now)) for a, b, now in places]
        )

    def hits_of(self, words: FindWords) -> OutputHits:
        """Return the places of some words in all output that is held."""
        blocks, layout = self._blocks, self._layout_of
        return OutputHits(blocks, layout, words, lambda: self.top, self._show_hit)

    def _show_hit(self, line: int) -> None:
        """Stay where a hit is, and bring it into view with what is around it."""
        if self.top <= line < self.top + self.page:
            self._show_from(self.top)
        else:
            self._show_from(max(0, line - self.page // 3))

    def _with_mark(self, strip: Strip, line: int, marked: bool) -> Strip:
        """Return a line with the column of the mark, the same strip as long as it looks alike."""
        look = self.look("output-view--cursor") if marked else self.look()
        kept = self._with_marks.get(line)
        if kept is not None and kept[0] is strip and kept[1] is look:
            return kept[2]
        margin = Segment(self._glyphs.cursor if marked else " " * MARK, look)
        made = Strip([margin, *strip])
        if len(self._with_marks) > KEPT_PAGES * max(1, self.page):
            self._with_marks.clear()
        self._with_marks[line] = strip, look, made
        return made

    def line_text(self, line: int) -> str:
        """Return the text of a line as it is drawn."""
        strip = self._layout_of.strip(line)
        return " " * MARK + strip.text if strip is not None else ""

    def notify_style_update(self) -> None:
        """Draw anew in other styles."""
        super().notify_style_update()
        self._layout_of.restyle()
