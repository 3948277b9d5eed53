"""What agents used, as far as they tell: by turn, session, project or day."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.model.usage_line import UsageLine
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine
from quarterdeck.tui.widgets.row_list import Cell, ListRow, PagedRowList, RowList

_NOTHING = "No agent has told what it used"


class UsageDialog(ModalScreen[None]):
    """Sums of tokens and cost, the latest first."""

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.USAGE)

    def __init__(self, session: SessionView | None, link: Link) -> None:
        """Show usage; the turns are those of `session`, if there is one."""
        super().__init__()
        self._session, self._link = session, link

    def compose(self) -> ComposeResult:
        """Lay out heads, list, hint and keys."""
        with Vertical(classes="listing"):
            yield Static("", classes="listing-head", markup=False)
            yield PagedRowList(classes="listing-list")
            yield Static("", classes="listing-hint", markup=False)
            yield KeyLine(rows=2, id="listing-keys")

    def on_mount(self) -> None:
        """Begin with the sessions."""
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.USAGE)])
        self.action_by("session")

    def action_by(self, by: str) -> None:
        """Add up by turn, session, project or day."""
        of = self._session if by == "turn" else None
        name = f"turn of “{clean_line(of.title)}”" if of else by
        self.query_one(".listing").border_title = Content(f"Usage by {name}")
        self.run_worker(self._fetch(by, of), group="usage", exclusive=True)

    async def _fetch(self, by: str, of: SessionView | None) -> None:
        said, lines = "", []
        try:
            lines, more = await self._link.deck.usage(by, session_id=of.session_id if of else None)
            said = "The latest hundred; `qd usage` prints all." if more is not None else ""
        except QuarterdeckError as error:
            said = clean_line(reason_of(error))
        if not self.is_mounted:
            return
        rows = self.query_one(RowList)
        rows.say_empty(_NOTHING)
        rows.set_rows([_row(f"{by} {place}", line) for place, line in enumerate(lines)])
        head = f" {by:{_NAME}}{'turns':>7}{'tokens':>14}  cost"
        self.query_one(".listing-head", Static).update(Content(head))
        self.query_one(".listing-hint", Static).update(Content(said))

    def action_leave(self) -> None:
        """Close the view."""
        self.dismiss(None)


_NAME = 28


def _row(key: str, line: UsageLine) -> ListRow:
    name = line.day or line.session_title or line.session_id or line.project or ""
    if line.command_id is not None:
        name = f"{line.at[:16].replace('T', ' ')} {name}"
    cost = " ".join(f"{amount:.4f} {unit}" for unit, amount in sorted(line.cost.items()))
    return ListRow(
        key,
        (
            Cell(name, "text", _NAME),
            Cell(f"{line.turns:>7}", "muted", 7),
            Cell(f"{line.total_tokens:>14,}", "text", 14),
            Cell(f"  {cost or '–'}", "accent"),
        ),
    )
