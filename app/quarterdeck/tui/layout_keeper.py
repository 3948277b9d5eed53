"""Keeps the layout for the next start: written once after a burst of changes."""

from typing import TYPE_CHECKING

from textual.timer import Timer

from quarterdeck.tui.layout import Layout, LayoutFile

if TYPE_CHECKING:
    from quarterdeck.tui.deck_app import DeckApp

BURST_S = 1.0
"""How long changes are gathered before they are written together."""


class LayoutKeeper:
    """The layout as it is now, and when it is written."""

    def __init__(self, app: "DeckApp", file: LayoutFile) -> None:
        """Read what was kept."""
        self._app, self._file = app, file
        self.layout, self.problem = file.read()
        self._kept = self.layout
        self._timer: Timer | None = None

    def take(self, layout: Layout) -> None:
        """Take over how the screen is now; it is written soon."""
        self.layout = layout
        if self._timer is None and layout != self._kept:
            self._timer = self._app.set_timer(BURST_S, self.keep)

    def keep(self) -> None:
        """Write now what is not written yet; a failure is said once for each layout."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.layout != self._kept:
            self._kept = self.layout
            if problem := self._file.write(self.layout):
                self._app.say(problem, bad=True)
