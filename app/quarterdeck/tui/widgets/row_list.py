"""A list of one-line rows of a few columns, of which only those on the screen are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.glyphs import UNICODE
from quarterdeck.tui.widgets.line_view import LineView


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a row."""

    text: str
    """Raw; it is cleaned when it is drawn."""
    look: str = "text"
    """One of text, muted, bad, warning, good, accent."""
    width: int = 0
    """In cells; 0 for what the others leave."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row; `key` tells it from all others."""

    key: str
    cells: tuple[Cell, ...]


class RowList(LineView):
    """Rows in the order given; the cursor stays on its row whatever moves around it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-list--cursor",
        "row-list--text",
        "row-list--muted",
        "row-list--bad",
        "row-list--warning",
        "row-list--good",
        "row-list--accent",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    @dataclass
    class Highlighted(Message):
        """Another row, or none, is under the cursor."""

        row_list: "RowList"
        key: str | None

        @property
        def control(self) -> "RowList":
            """The list."""
            return self.row_list

    @dataclass
    class Opened(Message):
        """The row under the cursor was opened."""

        row_list: "RowList"
        key: str

        @property
        def control(self) -> "RowList":
            """The list."""
            return self.row_list

    def __init__(self, *, empty_text: str = "", **kwargs: Any) -> None:
        """Create an empty list; `empty_text` stands where rows would be."""
        super().__init__(**kwargs)
        self._empty_text = empty_text
        self._rows: tuple[ListRow, ...] = ()
        self._cursor = 0
        self._told: str | None = None

    @property
    def rows(self) -> tuple[ListRow, ...]:
        """The rows as they were set."""
        return self._rows

    @property
    def selected(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._cursor < len(self._rows) else None

    def say_empty(self, text: str) -> None:
        """Set what stands where rows would be."""
        if text != self._empty_text:
            self._empty_text = text
            self.refresh()

    def set_rows(self, rows: Sequence[ListRow]) -> None:
        """Show `rows`; the cursor stays on its row, or at its place if that is gone."""
        rows = tuple(rows)
        if rows == self._rows:
            return
        current = self.selected
        self._rows = rows
        keys = [row.key for row in rows]
        place = min(self._cursor, max(0, len(rows) - 1))
        self._cursor = keys.index(current) if current in keys else place
        self.set_line_count(len(rows))
        self.bring_into_view(self._cursor)
        self.refresh()
        self._tell()

    def select(self, key: str) -> bool:
        """Put the cursor on a row; return whether it is in the list."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self._move_to(index)
                return True
        return False

    def _move_to(self, index: int) -> None:
        if not self._rows:
            return
        old, self._cursor = self._cursor, max(0, min(index, len(self._rows) - 1))
        if old != self._cursor:
            self.refresh_span(old, old + 1)
            self.refresh_span(self._cursor, self._cursor + 1)
        self.bring_into_view(self._cursor)
        self._tell()

    def _tell(self) -> None:
        if self.selected != self._told:
            self._told = self.selected
            self.tell(self.Highlighted(self, self.selected))

    def painted_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width, index = self.line_width, y + self.top
        if index >= len(self._rows):
            if y == 0 and not self._rows:
                text = fit(clean_line(self._empty_text), width)
                return Strip([Segment(text, self.look("row-list--muted"))], width)
            return Strip.blank(width, self.look())
        over = ("row-list--cursor",) if index == self._cursor else ()
        sign = UNICODE.cursor if over else " "
        parts = [Segment(sign, self.look("row-list--accent", *over))]
        cells = self._rows[index].cells
        rest = max(0, width - 1 - sum(cell.width for cell in cells))
        for cell in cells:
            room = cell.width or rest
            safe = fit(clean_line(cell.text[: room * 8 + 8]), room)
            parts.append(Segment(safe, self.look(f"row-list--{cell.look}", *over)))
        return Strip(parts).adjust_cell_length(width, self.look(*over))

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._move_to(self._cursor + by)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.selected is not None:
            self.tell(self.Opened(self, self.selected))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row, or open the one that is under it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y + self.top >= len(self._rows):
            return
        event.stop()
        index = offset.y + self.top
        if index == self._cursor:
            self.action_open()
        else:
            self._move_to(index)

    def on_resize(self) -> None:
        """Keep the cursor on the screen when that gets smaller."""
        self.bring_into_view(self._cursor)


class PagedRowList(RowList):
    """A list that is gone through by pages; in the inbox those keys are the text's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("home,g", "go_to(0)", "First", show=False),
        Binding("end,G", "go_to(-1)", "Last", show=False),
    ]

    def action_move_page(self, by: int) -> None:
        """Move the cursor by some screens."""
        self._move_to(self._cursor + by * max(1, self.page - 1))

    def action_go_to(self, index: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._move_to(index if index >= 0 else len(self._rows) - 1)
