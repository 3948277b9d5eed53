"""The help: every key, made from the table of keys, and how approving works."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.screens.tour import Tour
from quarterdeck.tui.styles import dialog_styles

APPROVING = (
    "The dialog shows the exact text that would be run or written, with every "
    "invisible character spelled out. Approve works once the end of the text was on screen and "
    "0.3 s after it appeared or changed, and holds for exactly that text. A newer question never "
    "takes the place of an open one; what was settled elsewhere says so."
)
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
    """Lists the keys by place, side by side where there is room; typing filters them."""

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "#help-words"
    BINDINGS = bindings(Where.HELP)

    def compose(self) -> ComposeResult:
        """Lay out the filter, groups of keys and the paragraph on approving."""
        with Vertical(id="help"):
            words = Input(placeholder="type to filter", compact=True, id="help-words")
            words.cursor_blink = False
            yield words
            with VerticalScroll(id="help-scroll"):
                yield Tour()
                with Horizontal(id="help-columns"):
                    for places in _COLUMNS:
                        with Vertical(classes="help-column"):
                            for place in places:
                                yield KeyGroup(place)
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
        self.query_one(Tour).narrow(words)
        for group in self.query(KeyGroup):
            group.narrow(words)

    def action_scroll_help(self, by: int) -> None:
        """Scroll by some lines."""
        self.query_one("#help-scroll").scroll_relative(y=by, animate=False)

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)


class KeyGroup(Vertical):
    """The keys of one place."""

    DEFAULT_CSS = "KeyGroup { height: auto; }"

    def __init__(self, place: Where) -> None:
        """Show all keys of `place`."""
        super().__init__()
        self._place, self._rows = place, _rows(place)

    def compose(self) -> ComposeResult:
        """Lay out heading and rows."""
        yield Static(self._place.value, classes="help-heading", markup=False)
        yield from self._rows

    def narrow(self, words: list[str]) -> None:
        """Show only the rows that have all words in place, key or text."""
        for row, entry in zip(self._rows, keys_of(self._place), strict=True):
            text = f"{self._place} {entry.shown} {entry.label} {entry.help}".lower()
            row.display = all(word in text for word in words)
        self.display = any(row.display for row in self._rows)


def _rows(place: Where) -> list[Horizontal]:
    return [
        Horizontal(
            Static(entry.shown, classes="help-key", markup=False),
            Static(entry.help, classes="help-text", markup=False),
            classes="help-row",
        )
        for entry in keys_of(place)
    ]
