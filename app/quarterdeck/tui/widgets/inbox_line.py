"""The inbox's line: there only while it asks for something, and told what for."""

from enum import StrEnum

from textual.widgets import Input


class Asked(StrEnum):
    """What the line asks for; the value stands in it as long as nothing is typed."""

    FILTER = "words to look for (enter keeps, esc clears)"
    REASON = "why (enter sends, esc goes back)"
    PREFIX = "words every allowed command begins with (enter approves, esc goes back)"
    HOST = "the host to allow for good (enter approves, esc goes back)"
    FORBIDDEN = "the host to forbid for good (enter denies, esc goes back)"


class InboxLine(Input):
    """One line of text, of which the screen is told what it was for."""

    def __init__(self, *, id: str | None = None) -> None:
        """Ask for nothing yet."""
        super().__init__(compact=True, select_on_focus=False, id=id)
        self.cursor_blink = False
        self.asked: Asked | None = None

    def on_mount(self) -> None:
        """Take no room before something is asked."""
        self.display = False

    def ask(self, what: Asked, value: str) -> None:
        """Ask for something, with `value` to begin from."""
        self.asked = what
        with self.prevent(Input.Changed):
            self.value = value
        self.placeholder = what
        self.display = True
        self.focus()

    def end(self) -> Asked | None:
        """Ask no more; return what was asked for."""
        asked, self.asked = self.asked, None
        self.display = False
        return asked
