"""Which panes of a session are on the screen: one, or two at a time."""

from dataclasses import dataclass, replace

from quarterdeck.tui.widgets.pane_bar import PANES

OUTPUT, TRACE, DIFF, PLAN, INFO = (name for name, _, _ in PANES)
BESIDE_ROOM = 110
"""Cells from which on two panes stand beside each other; below, one above the other."""


@dataclass(frozen=True, slots=True)
class Halves:
    """The pane shown, a second one if the screen is split, and which of them keys are about."""

    first: str = OUTPUT
    second: str = ""
    """Empty as long as the screen is not split."""
    at: int = 0
    """0 for the first half, 1 for the second."""

    @property
    def shown(self) -> tuple[str, ...]:
        """The panes on the screen, in order."""
        return (self.first, self.second) if self.second else (self.first,)

    @property
    def current(self) -> str:
        """The pane that keys are about."""
        return self.shown[self.at]

    def turned(self, pane: str) -> "Halves":
        """Return the halves with `pane` as the one keys are about; one that is shown stays."""
        if pane in self.shown:
            return replace(self, at=self.shown.index(pane))
        return replace(self, second=pane) if self.at else replace(self, first=pane)

    def split(self, beside: str = "") -> "Halves":
        """Return these with a second pane: `beside`, or one that goes well with the first."""
        if not beside or beside == self.first:
            beside = OUTPUT if self.first == TRACE else TRACE
        return Halves(self.first, beside)

    def whole(self) -> "Halves":
        """Return only the pane that keys are about."""
        return Halves(self.current)
