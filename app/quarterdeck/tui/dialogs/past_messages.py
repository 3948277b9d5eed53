"""What was said at the bottom of the screen, to be read once it is gone."""

from collections.abc import Iterable
from datetime import tzinfo
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from quarterdeck.model.clock import iso
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.toasts import SIGNS, Said
from quarterdeck.tui.widgets.ages import second_text
from quarterdeck.tui.widgets.folded_text import FoldedText
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine

NOTHING = "Nothing was said yet."


class PastMessages(ModalScreen[None]):
    """Lists messages, the latest first."""

    CSS_PATH = dialog_styles()
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Where.READING),
        Binding("escape,L", "leave", "close", show=False),
    ]

    def __init__(self, said: Iterable[Said], *, tz: tzinfo | None) -> None:
        """Show messages, the latest of them last, with times of zone `tz` (None: the machine's)."""
        super().__init__()
        lines = [f"{second_text(iso(m.at), tz)}  {SIGNS[m.severity]} {m.words}" for m in said]
        self._text = "\n".join(reversed(lines)) or NOTHING

    def compose(self) -> ComposeResult:
        """Lay out messages and keys."""
        with Vertical(id="past"):
            yield FoldedText(self._text, id="past-text")
            yield KeyLine(id="past-keys")

    def on_mount(self) -> None:
        """Show heading and keys."""
        frame = self.query_one("#past")
        frame.border_title = Content("What was said")
        frame.border_subtitle = Content("esc closes")
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.READING)])

    def action_scroll(self, how: str) -> None:
        """Scroll the messages."""
        self.query_one(FoldedText).scroll_by_name(how)

    def action_leave(self) -> None:
        """Close them."""
        self.dismiss(None)
