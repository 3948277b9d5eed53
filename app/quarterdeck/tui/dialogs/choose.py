"""A list of which one is chosen."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine
from quarterdeck.tui.widgets.row_list import ListRow, PagedRowList, RowList


class ChooseDialog(ModalScreen[str | None]):
    """Returns the key of the row that was chosen, or None."""

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.CHOOSE)

    def __init__(self, title: str, rows: Sequence[ListRow], current: str | None) -> None:
        """Show `rows` under a title, with the cursor on the one that is in force."""
        super().__init__()
        self._heading, self._rows, self._current = title, rows, current

    def compose(self) -> ComposeResult:
        """Lay out list and keys."""
        with Vertical(classes="listing"):
            yield PagedRowList(classes="listing-list")
            yield KeyLine(rows=2, id="listing-keys")

    def on_mount(self) -> None:
        """Show heading, rows and keys."""
        self.query_one(".listing").border_title = Content(clean_line(self._heading))
        rows = self.query_one(RowList)
        rows.set_rows(self._rows)
        if self._current is not None:
            rows.select(self._current)
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.CHOOSE)])

    @on(RowList.Opened)
    def _opened(self, event: RowList.Opened) -> None:
        self.dismiss(event.key)

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)
