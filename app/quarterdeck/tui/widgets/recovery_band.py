"""The band above the dock: what the supervisor's last start did to whom, until it is dismissed."""

from datetime import tzinfo
from typing import Any, ClassVar

from textual import events
from textual.content import Content
from textual.widget import Widget

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.recovery_report import WORDS, lines, summary
from quarterdeck.tui.widgets.ages import moment_text

ROWS_NARROW, ROWS_WIDE = 2, 4
"""How many sessions it names beside its first line, by the screen's width."""
ROOMY_LINES = 30
QUIET = "re-attached"
GLYPHS = {"failed": "✗", "unfinished": "…", "resumed": "↻", "swept": "–", QUIET: "✓"}
"""A glyph beside the word, for every outcome."""


class RecoveryBand(Widget):
    """A few lines about the newest report; gone when all are dismissed."""

    DEFAULT_CSS = """
    RecoveryBand { height: auto; display: none; }
    RecoveryBand.-open { display: block; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "recovery-band--head",
        "recovery-band--failed",
        "recovery-band--line",
        "recovery-band--key",
    }

    def __init__(self, *, tz: tzinfo | None, id: str | None = None) -> None:
        """Show nothing yet; times are of zone `tz`, None for this machine's."""
        super().__init__(id=id)
        self._tz = tz
        self._reports: tuple[dict[str, Any], ...] = ()

    def show(self, reports: tuple[dict[str, Any], ...]) -> None:
        """Show the newest of the reports that are open."""
        if reports != self._reports:
            self._reports = reports
            self.set_class(bool(reports), "-open")
            self.refresh(layout=True)

    def _styled(self, text: str, name: str) -> Content:
        return Content.styled(text, self.get_visual_style(f"recovery-band--{name}"))

    def render(self) -> Content:
        """Render how many there were of each outcome, and the worst of them by name."""
        if not self._reports:
            return Content("")
        report, width = self._reports[0], self.size.width
        more = f" (and {len(self._reports) - 1} earlier)" if len(self._reports) > 1 else ""
        when = moment_text(str(report.get("at")), self._tz)
        key = self._styled("W report", "key")
        head = self._styled(f"↻ Started {when}: {summary(report)}{more}", "head")
        room = max(width - key.cell_length - 2, 0)
        head = head.truncate(room, ellipsis=True)
        shown = [head.pad_right(max(room - head.cell_length, 0) + 2) + key]
        found = [line for line in lines(report) if line[0] != QUIET]
        rows = ROWS_WIDE if self.screen.size.height >= ROOMY_LINES else ROWS_NARROW
        cut = found if len(found) <= rows else found[: rows - 1]
        for outcome, title, reason in cut:
            style = "failed" if outcome == "failed" else "line"
            text = f"  {GLYPHS[outcome]} {WORDS.get(outcome, outcome)}: {title}: {reason}"
            shown.append(self._styled(clean_line(text), style).truncate(width, ellipsis=True))
        if len(cut) < len(found):
            shown.append(self._styled(f"  … {len(found) - len(cut)} more", "line"))
        return Content("\n").join(shown)

    async def on_click(self, event: events.Click) -> None:
        """Open the report."""
        await self.screen.run_action("recovery_report")
