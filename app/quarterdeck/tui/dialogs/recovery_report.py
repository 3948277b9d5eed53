"""The recovery reports in full: every session with its reason, and the key to dismiss them."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.recovery_report import WORDS, lines, summary
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.ages import moment_text
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine
from quarterdeck.tui.widgets.recovery_band import GLYPHS

NOTHING = "Nothing to report: no session was resumed, failed or swept since you last looked."


class RecoveryReportDialog(ModalScreen[bool]):
    """Lists the reports that are open, newest first; returns whether they are dismissed."""

    CSS_PATH = dialog_styles()
    BINDINGS = bindings(Where.REPORT)

    def __init__(self, reports: Sequence[dict[str, Any]], *, tz: tzinfo | None) -> None:
        """Show `reports`, with times of zone `tz` (None: this machine's)."""
        super().__init__()
        self._reports, self._tz = reports, tz

    def compose(self) -> ComposeResult:
        """Lay out a heading and a line for each session, and the keys."""
        with Vertical(id="report"):
            with VerticalScroll(id="report-scroll"):
                if not self._reports:
                    yield Static(NOTHING, classes="report-line", markup=False)
                for report in self._reports:
                    yield Static(Content(self._heading(report)), classes="report-head")
                    for outcome, title, reason in lines(report):
                        text = f"{GLYPHS[outcome]} {WORDS.get(outcome, outcome)}: {title}: {reason}"
                        kind = "report-failed" if outcome == "failed" else "report-line"
                        yield Static(Content(clean_line(text)), classes=kind)
            yield KeyLine(id="report-keys")

    def _heading(self, report: dict[str, Any]) -> str:
        at = moment_text(str(report.get("at")), self._tz)
        return clean_line(f"{at}, version {report.get('version')}: {summary(report)}")

    def on_mount(self) -> None:
        """Show heading and keys."""
        self.query_one("#report").border_title = Content("What the supervisor's start found")
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.REPORT)])

    def action_scroll_report(self, by: int) -> None:
        """Scroll by some lines."""
        self.query_one("#report-scroll").scroll_relative(y=by, animate=False)

    def action_dismiss_report(self) -> None:
        """Take it off the screen for good."""
        self.dismiss(True)

    def action_leave(self) -> None:
        """Leave it on the screen."""
        self.dismiss(False)
