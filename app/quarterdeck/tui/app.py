"""The app: wires link, refresh, screens and dialogs, and carries out what a person wants."""

import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import App
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen
from textual.timer import Timer

from quarterdeck.client.deck import Deck
from quarterdeck.model.clock import now_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui import messages
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.line_filter import UnsafeTextFilter
from quarterdeck.tui.link import Connect, Link, reason_of
from quarterdeck.tui.palette import DeckCommands
from quarterdeck.tui.refresh import Refresh, all_shown
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.styles import style_files
from quarterdeck.tui.themes import DARK, LIGHT
from quarterdeck.tui.widgets.prompt_line import PromptLine

if TYPE_CHECKING:
    from quarterdeck.tui.dialogs.approval import ApprovalResult
    from quarterdeck.tui.dialogs.new_session import NewSession

READ_AFTER_S = 0.5
"""How long a session's end must stay on screen to count as read: passing it by does not."""


class QuarterdeckApp(App[None]):
    """The full-screen client."""

    TITLE = "Quarterdeck"
    CSS_PATH = style_files()  # pyright: ignore[reportAssignmentType]
    BINDINGS = bindings(Where.EVERYWHERE, priority=True)
    COMMANDS = App.COMMANDS | {DeckCommands}

    board: reactive[Board] = reactive(Board(), init=False)

    def __init__(
        self,
        connect: Connect,
        *,
        clock: Callable[[], int] = now_ms,
        monotonic: Callable[[], float] = time.monotonic,
        tz: tzinfo | None = None,
        host: str | None = None,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        read_after: float = READ_AFTER_S,
    ) -> None:
        """Prepare the app; nothing is connected before it runs.

        Args:
            connect: Makes one connection to the supervisor.
            clock: Unix milliseconds, for ages.
            monotonic: Seconds, for the arming of approvals.
            tz: Zone of the times shown; None is the machine's.
            host: The name of this machine.
            environ: Where an agent's variables are taken from.
            cwd: The directory a new session is offered.
            read_after: Seconds the end of an output stays on screen before it counts as read.
        """
        super().__init__()
        self.animation_level = "none"
        self._clock, self._monotonic, self._tz = clock, monotonic, tz
        self._host = host if host is not None else socket.gethostname()
        self._environ = os.environ if environ is None else environ
        self._cwd = cwd or Path.cwd()
        self._read_after = read_after
        self._reading: tuple[SessionPanes.Read, Timer] | None = None
        self._marked: SessionPanes.Read | None = None
        self._link = Link(connect, on_state=self._link_changed, on_change=self._heard_change)
        self._refresh = Refresh(self._link, self._fetch, self._fetch_failed)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def get_default_screen(self) -> Screen[None]:
        """Return the main screen."""
        return MainScreen(lambda: self._link.deck, host=self._host, clock=self._clock, tz=self._tz)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Put the last guard against hostile text before Textual's own filters (DESIGN §5)."""
        return [UnsafeTextFilter(), *super().get_line_filters()]

    def on_mount(self) -> None:
        """Begin to connect and to fetch."""
        self.run_worker(self._link.run(), group="link")
        self.run_worker(self._refresh.run(), group="refresh")

    @property
    def _main(self) -> MainScreen:
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    # Link and refresh

    def _heard_change(self, change: int) -> None:
        self._refresh.want()

    def _link_changed(self, state: LinkState, problem: str) -> None:
        self.board = replace(self.board, link=state, problem=problem)
        if state is LinkState.UP:
            self._refresh.want()

    async def _fetch(self, deck: Deck) -> None:
        sessions, cut, approvals = await all_shown(deck)
        self.board = replace(
            self.board,
            sessions=sessions,
            approvals=approvals,
            cut=cut,
            fetched=True,
            problem="",
        )

    def _fetch_failed(self, problem: str) -> None:
        self.board = replace(self.board, problem=problem)

    # What a person wants done

    def _do(self, work: Callable[[Deck], Awaitable[object]], done: str = "") -> None:
        """Carry out one request and say how it went."""

        async def carry_out() -> None:
            try:
                await work(self._link.deck)
            except QuarterdeckError as error:
                self._say(reason_of(error), bad=True)
            else:
                if done:
                    self._say(done)
                self._refresh.want()

        self.run_worker(carry_out(), group="requests")

    def _say(self, text: str, *, bad: bool = False) -> None:
        severity = "error" if bad else "information"
        self.notify(clean_line(text), severity=severity, markup=False)

    @on(messages.Answer)
    def _answer(self, message: messages.Answer) -> None:
        self._open_approval(message.approval_id)

    def _open_approval(self, approval_id: str) -> None:
        """Open the dialog of one approval, unless a dialog is open already."""
        from quarterdeck.tui.dialogs.approval import ApprovalDialog, RecoveryDialog
        from quarterdeck.tui.dialogs.question import question

        view = self.board.approval(approval_id)
        if view is None or self.screen is not self._main:
            return
        asked = question(view, self._clock())
        kind = RecoveryDialog if asked.recovery else ApprovalDialog
        self.push_screen(kind(asked, self._link, clock=self._monotonic), self._approval_closed)

    def _approval_closed(self, result: "ApprovalResult | None") -> None:
        from quarterdeck.tui.dialogs.approval import Outcome

        if result is None:
            return
        self._refresh.want()
        following = self.board.after(result.approval_id)
        if result.outcome is Outcome.NEXT and following is not None:
            self.call_later(self._open_approval, following.approval_id)

    @on(messages.Create)
    def _create(self) -> None:
        from quarterdeck.tui.dialogs.new_session import NewSessionDialog

        dialog = NewSessionDialog(self._link, cwd=str(self._cwd), environ=self._environ)
        self.push_screen(dialog, self._created)

    def _created(self, made: "NewSession | None") -> None:
        if made is not None:
            self._main.await_session(made.session_id)
            self._refresh.want()

    @on(messages.CancelTurn)
    def _cancel(self, message: messages.CancelTurn) -> None:
        session = message.session
        run_id = session.run_id if session.active else None
        self._do(lambda deck: deck.cancel(session.session_id, run_id=run_id), "Cancel was sent.")

    @on(messages.CloseSession)
    def _close_session(self, message: messages.CloseSession) -> None:
        from quarterdeck.tui.dialogs.confirm import ConfirmDialog

        session = message.session

        def confirmed(yes: bool | None) -> None:
            if yes:
                self._do(lambda deck: deck.close_session(session.session_id))

        text = f"Close “{session.title or session.session_id}”? Its run and its agent end."
        self.push_screen(ConfirmDialog("Close session", text), confirmed)

    @on(messages.MarkRead)
    def _mark_read(self, message: messages.MarkRead) -> None:
        self._do(lambda deck: deck.mark_read(message.session_id, message.version))

    @on(SessionPanes.Read)
    def _end_on_screen(self, message: SessionPanes.Read) -> None:
        """Mark the session read once it has stayed open for a moment (A9)."""
        if message == self._marked:
            return
        if self._reading is not None:
            known, timer = self._reading
            if known == message:
                return
            timer.stop()
        self._reading = message, self.set_timer(self._read_after, self._now_read)

    def _now_read(self) -> None:
        if self._reading is None or not self.screen_stack:  # the last timer may outlive the screens
            return
        message, _ = self._reading
        self._reading = None
        open_session = self._main.selected
        looking = self.app_focus and self.screen is self._main and self.board.current
        if looking and open_session and open_session.session_id == message.session_id:
            self._marked = message
            self._do(lambda deck: deck.mark_read(message.session_id, message.version))

    @on(PromptLine.Sent)
    def _send(self, message: PromptLine.Sent) -> None:
        """Send a prompt; a session without a live run is started with fresh variables (R6)."""

        async def send() -> None:
            line = self._main.query_one(PromptLine)
            try:
                deck = self._link.deck
                env = await self._env_for(deck, message.session_id)
                await deck.send(message.session_id, message.text, env=env, key=message.key)
            except QuarterdeckError as error:
                line.failed(reason_of(error))
            else:
                line.accepted(message)
                self._refresh.want()

        self.run_worker(send(), group="requests")

    async def _env_for(self, deck: Deck, session_id: str) -> dict[str, str] | None:
        session = self.board.session(session_id)
        if session is None or session.active:
            return None
        from quarterdeck.tui.dialogs.new_session import wanted_env

        profiles = await deck.agents()
        profile = next((p for p in profiles if p.get("name") == session.agent), {})
        return wanted_env(profile, self._environ)

    def action_command_palette(self) -> None:
        """Open the palette, but never over a dialog, whose keys it would take."""
        if self.screen is self._main:
            super().action_command_palette()
