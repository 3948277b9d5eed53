"""When a key may decide: the rules against keys typed too early and texts not read (DESIGN §5)."""

from collections.abc import Callable
from enum import StrEnum

SETTLE_S = 0.3
"""How long a dialog stands unchanged before any key of it decides."""


class Hold(StrEnum):
    """Why a key does not decide yet; the value is what the dialog says."""

    MOMENT = "one moment – the dialog has only just appeared or changed"
    READ = "read to the end first: ↓ or space"

    @property
    def timed(self) -> bool:
        """Whether it passes by itself."""
        return self is Hold.MOMENT


class Arming:
    """Watches one dialog's text: since when it stands, and whether its end was on screen."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start unarmed.

        Args:
            clock: Monotonic seconds; a standstill must not count, for nobody saw anything then.
        """
        self._clock = clock
        self._since: float | None = None
        self.end_seen = False

    def changed(self) -> None:
        """Note that the text appeared, or that what is visible changed."""
        self._since = self._clock()

    def end_on_screen(self) -> None:
        """Note that the end of the text is on screen."""
        self.end_seen = True

    def hold(self, *, needs_end: bool) -> Hold | None:
        """Return why a decision must wait, or None.

        Args:
            needs_end: Whether the whole text must have been on screen: to approve, not to deny.
        """
        if needs_end and not self.end_seen:
            return Hold.READ
        if self._since is None or self._clock() - self._since < SETTLE_S:
            return Hold.MOMENT
        return None
