"""The prompts that wait for the running turn to end: edit, reorder, take back (C2)."""

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
from quarterdeck.model.records import CommandView, SessionView
from quarterdeck.tui import messages
from quarterdeck.tui.board import Board
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine, line_hints
from quarterdeck.tui.widgets.row_list import Cell, ListRow, PagedRowList, RowList

LINE_BREAK = "⏎"
"""Stands for a line break of a prompt, which one line cannot show."""


class QueueDialog(ModalScreen[None]):
    """Shows one session's queue, the next prompt first."""

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.QUEUE)

    def __init__(self, session: SessionView, link: Link) -> None:
        """Show the queue of `session`, fetched over `link`."""
        super().__init__()
        self._session, self._link = session, link
        self._queue: list[CommandView] = []
        self._editing: CommandView | None = None

    def compose(self) -> ComposeResult:
        """Lay out list, line, hint and keys."""
        with Vertical(id="queue"):
            yield PagedRowList(empty_text="Nothing waits", id="queue-list")
            line = Input(compact=True, select_on_focus=False, id="queue-line")
            line.cursor_blink = False
            yield line
            yield Static("", id="queue-hint", markup=False)
            yield KeyLine(rows=2, id="queue-keys")

    def on_mount(self) -> None:
        """Fetch, and again whenever the board changes."""
        title = clean_line(self._session.title)
        self.query_one("#queue").border_title = Content(f"Queued for {title}")
        self.query_one("#queue-line").display = False
        self._show_keys()
        self.watch(self.app, "board", self._see_board)

    def _show_keys(self) -> None:
        hints = [KeyHint.of(entry) for entry in keys_of(Where.QUEUE)]
        editing = self._editing is not None
        self.query_one(KeyLine).show(line_hints(Where.QUEUE, "save") if editing else hints)

    def _see_board(self, board: Board) -> None:
        if board.current:
            self._do(None)

    def _do(self, work: Callable[[Deck], Awaitable[object]] | None) -> None:
        """Carry out `work`, if any, and show the queue as it then is."""

        async def carry_out() -> None:
            said = ""
            try:
                if work is not None:
                    await work(self._link.deck)
                self._queue = await self._link.deck.queue(self._session.session_id)
            except QuarterdeckError as error:
                said = clean_line(reason_of(error))
            self._show(said)

        self.run_worker(carry_out(), group="queue")

    def _show(self, said: str) -> None:
        if not self.is_mounted:
            return
        rows = [
            ListRow(
                command.command_id,
                (
                    Cell(f"{place}", "muted", 4),
                    Cell((command.text or "").replace("\n", LINE_BREAK), "text"),
                ),
            )
            for place, command in enumerate(self._queue, 1)
        ]
        self.query_one(RowList).set_rows(rows)
        self.query_one("#queue-hint", Static).update(Content(said))

    def _place(self) -> int | None:
        selected = self.query_one(RowList).selected
        ids = [command.command_id for command in self._queue]
        return ids.index(selected) if selected in ids else None

    def action_edit(self) -> None:
        """Edit the prompt under the cursor."""
        place = self._place()
        if place is None:
            return
        self._editing = self._queue[place]
        line = self.query_one("#queue-line", Input)
        line.value = (self._editing.text or "").replace("\n", LINE_BREAK)
        line.display = True
        line.focus()
        self._show_keys()

    @on(RowList.Opened)
    def _opened(self) -> None:
        self.action_edit()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        editing, text = self._editing, event.value.replace(LINE_BREAK, "\n")
        self._end_line()
        if editing is not None and text.strip():
            self._do(lambda deck: deck.edit_command(editing.command_id, text))

    def _end_line(self) -> None:
        self._editing = None
        self._show_keys()
        self.query_one("#queue-line").display = False
        self.query_one(RowList).focus()

    def action_take_back(self) -> None:
        """Take the prompt under the cursor back."""
        place = self._place()
        if place is None:
            return
        taken, session_id = self._queue[place], self._session.session_id
        later = [command.command_id for command in self._queue[place + 1 :]]

        async def take(deck: Deck) -> None:
            await deck.cancel_command(taken.command_id)
            self.post_message(messages.Undoable("The prompt is taken back.", again, "It is back."))

        async def again(deck: Deck) -> None:
            made = await deck.send(session_id, taken.text or "")
            waiting = {command.command_id for command in await deck.queue(session_id)}
            before = next((command for command in later if command in waiting), None)
            if before is not None and made.command_id in waiting:
                await deck.move_command(made.command_id, before=before)

        self._do(take)

    def action_undo(self) -> None:
        """Send the prompt that was taken back again, at its place if what followed still waits."""
        self.post_message(messages.Undo())

    def action_shift(self, by: int) -> None:
        """Move the prompt under the cursor up or down."""
        place = self._place()
        if place is None or not 0 <= place + by < len(self._queue):
            return
        moved = self._queue[place].command_id
        others = [command.command_id for command in self._queue if command.command_id != moved]
        before = others[place + by] if place + by < len(others) else None
        self._do(lambda deck: deck.move_command(moved, before=before))

    def action_leave(self) -> None:
        """Leave the line, or the dialog."""
        if self._editing is not None:
            self._end_line()
        else:
            self.dismiss(None)
