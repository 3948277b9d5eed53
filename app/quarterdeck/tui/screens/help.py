"""The help: every key, made from the table of keys, and how approving works."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from quarterdeck.tui.keys import Where, bindings, keys_of

APPROVING = (
    "The dialog shows the exact text that would be run or written, with every "
    "invisible character spelled out. Approve works once the end of the text was on screen and "
    "0.3 s after it appeared or changed, and holds for exactly that text. A newer question never "
    "takes the place of an open one; what was settled elsewhere says so."
)
_COLUMNS = (
    (Where.MAIN, Where.PROMPT, Where.EVERYWHERE),
    (Where.APPROVAL, Where.RECOVERY, Where.READING, Where.NEW),
)


class HelpScreen(ModalScreen[None]):
    """Lists the keys by place; side by side where there is room."""

    AUTO_FOCUS = "#help-scroll"
    BINDINGS = bindings(Where.HELP)

    def compose(self) -> ComposeResult:
        """Lay out groups of keys and the paragraph on approving."""
        with Vertical(id="help"), VerticalScroll(id="help-scroll"):
            with Horizontal(id="help-columns"):
                for places in _COLUMNS:
                    with Vertical(classes="help-column"):
                        for place in places:
                            yield Static(place.value, classes="help-heading", markup=False)
                            yield from _rows(place)
            yield Static("Approving", classes="help-heading", markup=False)
            yield Static(APPROVING, id="help-approving", markup=False)

    def on_mount(self) -> None:
        """Show the heading, and how to leave."""
        frame = self.query_one("#help")
        frame.border_title = Content("Help")
        frame.border_subtitle = Content("esc close · ↓ scroll")

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)


def _rows(place: Where) -> list[Horizontal]:
    return [
        Horizontal(
            Static(entry.shown, classes="help-key", markup=False),
            Static(entry.help, classes="help-text", markup=False),
            classes="help-row",
        )
        for entry in keys_of(place)
    ]
