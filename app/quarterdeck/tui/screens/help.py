"""The help: every key, made from the table of keys, and how approving works."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.screens.tour import tour
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.key_table import KeyRow, KeyTable

APPROVING = (
    "The dialog shows the exact text that would be run or written, with every "
    "invisible character spelled out. Approve works once the end of the text was on screen and "
    "0.3 s after it appeared or changed, and holds for exactly that text. A newer question never "
    "takes the place of an open one; what was settled elsewhere says so."
)
BEGIN_WITH_TOUR = (Where.MAIN, Where.FIRST)
"""Places whose help begins with the tour; their own keys come next anyway."""
_COLUMNS = (
    (
        Where.FIRST,
        Where.MAIN,
        Where.OUTPUT,
        Where.TRACE,
        Where.DIFF,
        Where.PROMPT,
        Where.QUEUE,
        Where.SEARCH,
        Where.NEW,
        Where.EVERYWHERE,
    ),
    (
        Where.INBOX,
        Where.APPROVAL,
        Where.RECOVERY,
        Where.FORM,
        Where.REPORT,
        Where.READING,
        Where.LINE,
        Where.CHECKPOINTS,
        Where.CHOOSE,
        Where.USAGE,
    ),
)


class HelpScreen(ModalScreen[None]):
    """Lists the keys by place, side by side where there is room; typing filters them.

    The keys of the place that a person asked from come first.
    """

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "#help-words"
    BINDINGS = bindings(Where.HELP)

    def __init__(self, here: Where = Where.MAIN) -> None:
        """Show the help as seen from `here`."""
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        """Lay out the filter, groups of keys and the paragraph on approving."""
        with Vertical(id="help"):
            words = Input(placeholder="type to filter", compact=True, id="help-words")
            words.cursor_blink = False
            yield words
            with VerticalScroll(id="help-scroll"):
                if self._here not in BEGIN_WITH_TOUR:
                    yield _group(self._here, "Here: ")
                yield tour()
                with Horizontal(id="help-columns"):
                    for places in _COLUMNS:
                        with Vertical(classes="help-column"):
                            for place in places:
                                if place is not self._here or place in BEGIN_WITH_TOUR:
                                    yield _group(place)
                yield Static("Approving", classes="help-heading", markup=False)
                yield Static(APPROVING, id="help-approving", markup=False)

    def on_mount(self) -> None:
        """Show the heading, and how to leave."""
        frame = self.query_one("#help")
        frame.border_title = Content("Help")
        frame.border_subtitle = Content("esc close · ↓ scroll")

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        with self.app.batch_update():
            for table in self.query(KeyTable):
                table.narrow(words)

    def action_scroll_help(self, by: int) -> None:
        """Scroll by some lines."""
        self.query_one("#help-scroll").scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)


def _group(place: Where, before: str = "") -> KeyTable:
    """Return the keys of one place."""
    rows = [
        KeyRow(entry.shown, entry.help, f"{place} {entry.shown} {entry.label} {entry.help}".lower())
        for entry in keys_of(place)
    ]
    return KeyTable(before + place.value, rows)
