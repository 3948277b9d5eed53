"""What is painted first: that the screen is there and connects."""

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from quarterdeck.tui.widgets.status_bar import StatusBar

CONNECTING = "Connecting to the supervisor …"


class OpeningScreen(Screen[None]):
    """Stands for a moment, until all that the main screen needs is imported (DESIGN §9)."""

    def __init__(self, host: str) -> None:
        """Show `host`, the name of this machine, where the main screen does."""
        super().__init__()
        self._host = host

    def compose(self) -> ComposeResult:
        """Lay out what the main screen has at the same places."""
        yield StatusBar(self._host, id="status")
        yield Static(CONNECTING, id="opening", markup=False)
