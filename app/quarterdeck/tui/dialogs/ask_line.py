"""A question with one line of text as its answer."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine


class AskLine(ModalScreen[str | None]):
    """Returns what was typed, or None if the person thought better of it."""

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "Input"
    BINDINGS = bindings(Where.LINE)

    def __init__(self, title: str, value: str, placeholder: str = "") -> None:
        """Ask under the heading `title`, with `value` to begin from."""
        super().__init__()
        self._heading, self._value, self._placeholder = title, clean_line(value), placeholder

    def compose(self) -> ComposeResult:
        """Lay out line and keys."""
        with Vertical(id="ask"):
            line = Input(
                self._value, placeholder=self._placeholder, compact=True, select_on_focus=False
            )
            line.cursor_blink = False
            yield line
            yield KeyLine(id="ask-keys")

    def on_mount(self) -> None:
        """Show heading and keys."""
        self.query_one("#ask").border_title = Content(self._heading)
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.LINE)])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the line, if there is one."""
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)
