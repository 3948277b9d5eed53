"""Recovery reports for the board: fetched after every connect, and again while one is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.recovery_report import summary

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

Report = dict[str, Any]


class RecoveryWatch:
    """Knows which start of the supervisor this screen has seen, and what is not dismissed."""

    def __init__(self) -> None:
        self._due = True
        self._seen: str | None = None
        self.open: tuple[Report, ...] = ()
        """The reports that this reader has not dismissed, newest first."""

    def link_up(self) -> None:
        """Look again: it may be another supervisor that answers now."""
        self._due = True

    async def fetch(self, deck: Deck) -> str:
        """Fetch what is open, if that may have changed.

        Returns:
            What to say of a supervisor that was started anew under this screen; empty for none,
            and where the report itself is shown.
        """
        if not self._due and not self.open:
            return ""
        try:
            told = await deck.recovery()
        except QuarterdeckError as error:
            if error.code != "unknown_method":  # an older supervisor
                raise
            self._due, self.open = False, ()
            return ""
        report = told["report"]
        self._due = not report["done"]
        self.open = tuple(told["open"])
        if self._due:
            return ""
        before, self._seen = self._seen, report["id"]
        shown = any(known.get("id") == report["id"] for known in self.open)
        if before in (None, report["id"]) or shown:
            return ""
        return f"The supervisor was started anew (version {report['version']}): {summary(report)}."
