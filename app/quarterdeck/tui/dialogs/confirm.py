"""A question with yes and no, for what cannot be taken back, or not for ever."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine


class ConfirmDialog(ModalScreen[bool]):
    """Asks once; anything but yes means no."""

    CSS_PATH = dialog_styles()
    BINDINGS = bindings(Where.CONFIRM)

    def __init__(self, title: str, text: str) -> None:
        """Ask `text` under the heading `title`."""
        super().__init__()
        self._heading, self._text = title, clean_line(text)

    def compose(self) -> ComposeResult:
        """Lay out text and keys."""
        with Vertical(id="confirm"):
            yield Static(Content(self._text), id="confirm-text", markup=False)
            yield KeyLine(id="confirm-keys")

    def on_mount(self) -> None:
        """Show heading and keys."""
        self.query_one("#confirm").border_title = Content(self._heading)
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.CONFIRM)])

    def action_reply(self, yes: bool) -> None:
        """Answer."""
        self.dismiss(yes)
