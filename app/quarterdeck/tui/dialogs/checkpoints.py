"""A session's checkpoints: saved under a name, loaded as a fork, forgotten (C2)."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import CheckpointView, SessionView
from quarterdeck.tui.dialogs.confirm import ConfirmDialog
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.ages import age_text
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine, line_hints
from quarterdeck.tui.widgets.row_list import Cell, ListRow, PagedRowList, RowList


class CheckpointsDialog(ModalScreen[str | None]):
    """Lists the checkpoints, the newest first; returns the fork that one was loaded into."""

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.CHECKPOINTS)

    def __init__(self, session: SessionView, link: Link, *, clock: Callable[[], int]) -> None:
        """Show the checkpoints of `session`; `clock` gives Unix milliseconds, for ages."""
        super().__init__()
        self._session, self._link, self._clock = session, link, clock

    def compose(self) -> ComposeResult:
        """Lay out list, line, hint and keys."""
        with Vertical(classes="listing"):
            yield PagedRowList(empty_text="No checkpoint yet", classes="listing-list")
            line = Input(placeholder="Name of the checkpoint", compact=True, classes="listing-line")
            line.cursor_blink = False
            yield line
            yield Static("", classes="listing-hint", markup=False)
            yield KeyLine(rows=2, id="listing-keys")

    def on_mount(self) -> None:
        """Show heading and keys, and fetch."""
        title = clean_line(self._session.title)
        self.query_one(".listing").border_title = Content(f"Checkpoints of {title}")
        self.query_one(Input).display = False
        self._show_keys()
        self._do(None)

    def _do(self, work: Callable[[Deck], Awaitable[object]] | None) -> None:
        """Carry out `work`, if any, and show the checkpoints as they then are."""

        async def carry_out() -> None:
            said, found = "", None
            try:
                if work is not None:
                    await work(self._link.deck)
                found = await self._link.deck.checkpoints(self._session.session_id)
            except QuarterdeckError as error:
                said = clean_line(reason_of(error))
            self._show(found, said)

        self.run_worker(carry_out(), group="checkpoints")

    def _show(self, found: list[CheckpointView] | None, said: str) -> None:
        if not self.is_mounted:
            return
        now = self._clock()
        if found is not None:
            self.query_one(RowList).set_rows(
                [
                    ListRow(
                        point.name,
                        (
                            Cell(age_text(point.at, now), "muted", 6),
                            Cell(point.name, "text"),
                            Cell(f"event {point.seq}", "muted", 16),
                        ),
                    )
                    for point in found
                ]
            )
        self.query_one(Static).update(Content(said))

    def _show_keys(self) -> None:
        hints = [KeyHint.of(entry) for entry in keys_of(Where.CHECKPOINTS)]
        naming = self.query_one(Input).display
        self.query_one(KeyLine).show(line_hints(Where.CHECKPOINTS, "save") if naming else hints)

    def action_save(self) -> None:
        """Ask for a name for where the session stands now."""
        line = self.query_one(Input)
        line.value, line.display = "", True
        line.focus()
        self._show_keys()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        self._end_line()
        if name:
            self._do(lambda deck: deck.save_checkpoint(self._session.session_id, name))

    def _end_line(self) -> None:
        self.query_one(Input).display = False
        self._show_keys()
        self.query_one(RowList).focus()

    @on(RowList.Opened)
    def _opened(self, event: RowList.Opened) -> None:
        name = event.key

        async def load(deck: Deck) -> None:
            made = await deck.fork(self._session.session_id, checkpoint=name)
            self.dismiss(str(made["session_id"]))

        self._do(load)

    def action_forget(self) -> None:
        """Forget the checkpoint under the cursor after a question; what it named stays."""
        name = self.query_one(RowList).selected
        if name is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(lambda deck: deck.delete_checkpoint(self._session.session_id, name))

        text = f"Forget the checkpoint “{name}”? Its point cannot be named again."
        self.app.push_screen(ConfirmDialog("Forget checkpoint", text), answered)

    def action_leave(self) -> None:
        """Leave the line, or the dialog."""
        if self.query_one(Input).display:
            self._end_line()
        else:
            self.dismiss(None)
