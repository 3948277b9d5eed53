"""The least a Textual app can be; what starting ours is compared with."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """Show it."""
        yield Static("bare")


if __name__ == "__main__":
    Bare().run()
