"""One file's difference with a cursor on its lines; only rows on the screen are drawn."""

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.tui.find_words import FindWords
from quarterdeck.tui.folding import DiffKind
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.copied import Copied
from quarterdeck.tui.widgets.diff_rows import (
    DiffLine,
    DiffLines,
    DiffRow,
    OneColumn,
    SideBySide,
)
from quarterdeck.tui.widgets.findable_view import FindableView
from quarterdeck.tui.widgets.line_hits import LineHits
from quarterdeck.tui.widgets.row_lines import RowLines

SIDES_FROM = 120
"""Cells from which on old and new stand side by side."""
NUMBER = 5
_SIGNS = {DiffKind.ADDED: "+", DiffKind.REMOVED: "-"}


class DiffView(FindableView):
    """Rows of a diff; a line can be commented."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff-view--cursor",
        "diff-view--number",
        "diff-view--plain",
        "diff-view--added",
        "diff-view--removed",
        "diff-view--hunk",
        "diff-view--file",
        "diff-view--comment",
        "diff-view--empty",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown,space", "move_page(1)", "Page down", show=False),
        Binding("home,g", "go_to(0)", "First", show=False),
        Binding("end,G", "go_to(-1)", "Last", show=False),
        *bindings(Where.DIFF),
    ]

    @dataclass
    class Commenting(Message):
        """The person wants to say something about a line."""

        diff_view: "DiffView"
        line: DiffLine

        @property
        def control(self) -> "DiffView":
            """The view."""
            return self.diff_view

    @dataclass
    class Sending(Message):
        """The person wants to send the comments."""

        diff_view: "DiffView"

        @property
        def control(self) -> "DiffView":
            """The view."""
            return self.diff_view

    @dataclass
    class Opening(Message):
        """The person wants the file at a line in an editor."""

        diff_view: "DiffView"
        number: int

        @property
        def control(self) -> "DiffView":
            """The view."""
            return self.diff_view

    def __init__(self, *, id: str | None = None) -> None:
        """Show nothing yet."""
        super().__init__(id=id)
        self._lines = DiffLines("")
        self._rows: OneColumn | SideBySide = OneColumn(self._lines)
        self._note = ""
        self._cursor = 0
        self._sides: bool | None = None
        self._commented: frozenset[DiffLine] = frozenset()

    def show(self, text: str, *, note: str = "", afresh: bool = True) -> None:
        """Show a diff.

        Args:
            text: A unified diff of one file.
            note: Stands where rows would be, if there are none.
            afresh: Whether it is of another file, so that its top is shown.
        """
        self._lines, self._note = DiffLines(text), note
        self._sides = None
        if afresh:
            self._cursor = 0
            self.scroll_to(y=0)
        self._lay()
        self.find_anew()
        self.refresh()

    def hits_of(self, words: FindWords) -> LineHits:
        """Return the rows that have some words."""
        lines = RowLines(
            size=lambda: len(self._rows),
            here=lambda: self._cursor,
            current=lambda: self._cursor,
            has=lambda row: _has(self._rows[row], words),
            show=self._move_to,
        )
        return LineHits(lines, words)

    def mark(self, commented: frozenset[DiffLine]) -> None:
        """Mark the lines that have a comment."""
        self._commented = commented
        self.refresh()

    @property
    def _wide(self) -> bool:
        return self.line_width >= SIDES_FROM

    def _lay(self) -> None:
        if self._sides == self._wide:
            return
        self._sides = self._wide
        self._rows = SideBySide(self._lines) if self._wide else OneColumn(self._lines)
        self._cursor = max(0, min(self._cursor, len(self._rows) - 1))
        self.set_line_count(len(self._rows))
        self.bring_into_view(self._cursor)

    def on_resize(self) -> None:
        """Lay out anew where the width asks for it."""
        before = self._sides
        self._lay()
        if self._sides != before:
            self.find_anew()
            self.refresh()  # it was painted in its new size before it came here

    def painted_line(self, y: int) -> Strip:
        """Draw one row."""
        width, index = self.line_width, y + self.top
        if index >= len(self._rows):
            text = self._note if y == 0 and not self._rows else ""
            note = fit(clean_line(text), width)
            return Strip([Segment(note, self.look("diff-view--empty"))], width)
        over = ("diff-view--cursor",) if index == self._cursor else ()
        row = self._rows[index]
        if not self._sides:
            return Strip(
                self._draw(row.left, width, over, signed=True, new=True)
            ).adjust_cell_length(width, self.look())
        half = width // 2
        if row.left is not None and row.left.kind in (DiffKind.HUNK, DiffKind.FILE):
            return Strip(self._draw(row.left, width, over, signed=False))
        parts = self._draw(row.left, half, over, signed=False)
        parts += self._draw(row.right, width - half, over, signed=False, new=True)
        return Strip(parts).adjust_cell_length(width, self.look())

    def _draw(
        self,
        line: DiffLine | None,
        cells: int,
        over: tuple[str, ...],
        *,
        signed: bool,
        new: bool = False,
    ) -> list[Segment]:
        if line is None:
            return [Segment(" " * cells, self.look("diff-view--empty", *over))]
        look = self.look(f"diff-view--{line.kind}", *over)
        if line.kind in (DiffKind.HUNK, DiffKind.FILE):
            text = fit(clean_line(line.text[: cells * 8]), cells)
            return self.found_in(text, look, now=bool(over))
        number = (line.new or line.old) if new else (line.old or line.new)
        mark = "●" if line in self._commented else " "
        sign = _SIGNS.get(line.kind, " ") if signed or line.kind is not DiffKind.PLAIN else " "
        text = clean_line(line.text[: cells * 8].replace("\t", "    "))
        shown = fit(f"{sign} {text}", max(0, cells - NUMBER - 1))
        head = f"{number or '':>{NUMBER}}"
        return [
            Segment(head, self.look("diff-view--number", *over)),
            Segment(mark, self.look("diff-view--comment", *over)),
            *self.found_in(shown, look, now=bool(over)),
        ]

    def _move_to(self, index: int) -> None:
        if not self._rows:
            return
        old, self._cursor = self._cursor, max(0, min(index, len(self._rows) - 1))
        for place in {old, self._cursor}:
            self.refresh_span(place, place + 1)
        self.bring_into_view(self._cursor)

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._move_to(self._cursor + by)

    def action_move_page(self, by: int) -> None:
        """Move the cursor by some screens."""
        self._move_to(self._cursor + by * max(1, self.page - 1))

    def action_go_to(self, index: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._move_to(index if index >= 0 else len(self._rows) - 1)

    def action_comment(self) -> None:
        """Comment the line under the cursor."""
        line = self._rows[self._cursor].line if self._rows else None
        if line is not None and line.kind not in (DiffKind.HUNK, DiffKind.FILE):
            self.tell(self.Commenting(self, line))

    def copied(self) -> Copied | None:
        """Return the hunk under the cursor, as safe text."""
        if not self._rows:
            return None
        first, end = self._lines.hunk(self._rows.line_at(self._cursor))
        hunk = self._lines[first:end]
        signs = {**_SIGNS, DiffKind.PLAIN: " "}
        shown = [f"{signs.get(each.kind, '')}{each.text}" for each in hunk]
        return Copied(clean("\n".join(shown)), "hunk", ".diff")

    def action_send_comments(self) -> None:
        """Have the comments sent."""
        self.tell(self.Sending(self))

    def action_open_in_editor(self) -> None:
        """Have the file opened at the line under the cursor."""
        line = self._rows[self._cursor].line if self._rows else None
        self.tell(self.Opening(self, (line.new or line.old or 1) if line is not None else 1))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row."""
        offset = event.get_content_offset(self)
        if offset is not None:
            event.stop()
            self._move_to(offset.y + self.top)


def _has(row: DiffRow, words: FindWords) -> bool:
    """Return whether one of a row's lines has some words, beyond the end of what is shown too."""
    lines = (line for line in (row.left, row.right) if line is not None)
    return any(words.in_text.search(clean_line(line.text)) for line in lines)
