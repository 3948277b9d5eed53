"""The app: wires link, refresh, screens and dialogs, and carries out what a person wants."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from quarterdeck.model.clock import now_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.states import Attention
from quarterdeck.tui import keys, messages, terminal_keys, themes
from quarterdeck.tui.alerts import POP_TITLE, PUSH_TITLE, Alerts, AlertSettings
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.keymap import Keymap
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.layout import LayoutFile, NoLayoutFile
from quarterdeck.tui.layout_keeper import LayoutKeeper
from quarterdeck.tui.line_filter import UnsafeTextFilter
from quarterdeck.tui.link import Connect, Link, reason_of
from quarterdeck.tui.listed import View
from quarterdeck.tui.palette import DeckCommands
from quarterdeck.tui.plain_filters import AsciiFilter, ColourlessFilter
from quarterdeck.tui.recovery_watch import RecoveryWatch
from quarterdeck.tui.refresh import PAGES, Refresh, all_sessions, all_shown
from quarterdeck.tui.screens.opening import OpeningScreen
from quarterdeck.tui.styles import opening_styles, style_files
from quarterdeck.tui.terminal_looks import TerminalLooks
from quarterdeck.tui.thread_actions import ThreadActions, Verb
from quarterdeck.tui.type_ahead import TypeAhead

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck
    from quarterdeck.model.search_hit import SearchHit
    from quarterdeck.tui.dialogs.approval import ApprovalResult
    from quarterdeck.tui.dialogs.new_session import NewSession
    from quarterdeck.tui.screens.main import MainScreen
    from quarterdeck.tui.screens.session_panes import SessionPanes
    from quarterdeck.tui.widgets.diff_pane import DiffPane
    from quarterdeck.tui.widgets.prompt_line import PromptLine
    from quarterdeck.tui.widgets.row_list import ListRow

NO_KEYS_CHANGED = Keymap({})
EVERYTHING_SHOWS = TerminalLooks()
READ_AFTER_S = 0.5
"""How long a session's end must stay on screen to count as read: passing it by does not."""


class QuarterdeckApp(App[None]):
    """The full-screen client."""

    TITLE = "Quarterdeck"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Where.EVERYWHERE, priority=True),
        # As everywhere on a terminal; while a decision is held back a dialog takes it as undo.
        Binding("ctrl+z", "suspend_process", "suspend", show=False),
    ]
    COMMANDS = App.COMMANDS | {DeckCommands}

    # Widgets repaint what changed for them; by itself it would repaint the whole screen.
    board: reactive[Board] = reactive(Board(), init=False, repaint=False)

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
        alerts: AlertSettings | None = None,
        undo_seconds: float = 0,
        keymap: Keymap = NO_KEYS_CHANGED,
        layout: LayoutFile | None = None,
        looks: TerminalLooks = EVERYTHING_SHOWS,
        opening: bool = False,
        started: Callable[[], None] | None = None,
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
            alerts: What the terminal is told of; None for nothing.
            undo_seconds: How long a decision is held before it is sent, to be taken back.
            keymap: Keys a person chose.
            layout: Where it is kept how the screen was left; None to keep nothing.
            looks: What the terminal can show.
            opening: Whether a first frame is painted before the main screen is imported.
            started: Called once the sessions were shown for the first time.
        """
        super().__init__(css_path=opening_styles() if opening else style_files())
        self._opening = opening
        terminal_keys.teach()
        keys.take(keymap.changed)
        self.set_keymap(keymap.bound)
        self._key_problems = keymap.problems
        self.animation_level = "none"
        self._clock, self._monotonic, self._tz = clock, monotonic, tz
        self._host = host if host is not None else socket.gethostname()
        self._environ = os.environ if environ is None else environ
        self._cwd = cwd or Path.cwd()
        self._read_after = read_after
        self._reading: tuple[SessionPanes.Read, Timer] | None = None
        self._marked: SessionPanes.Read | None = None
        self._link = Link(connect, on_state=self._link_changed, on_change=self._heard_change)
        self._view = View.ALL
        self._threads = ThreadActions(self)
        self._typed = TypeAhead(self, super().on_event)
        self._left_unread: str | None = None
        self._alerts = Alerts(alerts) if alerts else None
        self._alert_timer: Timer | None = None
        self._refresh = Refresh(self._link, self._fetch, self._fetch_failed)
        self._recovery = RecoveryWatch()
        self.undo_seconds = undo_seconds
        self._keeper = LayoutKeeper(self, layout or NoLayoutFile())
        self._looks, self._started = looks, started
        self._first_filters = [UnsafeTextFilter(), *([AsciiFilter()] if looks.ascii else ())]
        self._last_filters = [] if looks.colour else [ColourlessFilter()]
        self._pages = PAGES
        for theme in themes.OWN:
            self.register_theme(theme)
        self._begin_with_theme()

    def get_default_screen(self) -> Screen[None]:
        """Return the screen that is painted first."""
        return OpeningScreen(self._host) if self._opening else self._main_screen()

    def _main_screen(self) -> MainScreen:
        from quarterdeck.tui.screens.main import MainScreen

        return MainScreen(
            lambda: self._link.deck,
            host=self._host,
            clock=self._clock,
            tz=self._tz,
            environ=self._environ,
            cwd=self._cwd,
            layout=self._keeper.layout,
        )

    def _begin_with_theme(self) -> None:
        """Show the theme chosen last, else config.toml's, as far as the terminal can show it."""
        looks, problems = self._looks, [*self._looks.problems, self._keeper.problem]
        name = self._keeper.layout.theme or looks.theme or themes.DARK.name
        if name not in self.available_themes:
            problems.append(f"There is no theme called {name!r}.")
            name = themes.DARK.name
        name = themes.twin_of_few_colours(name) if looks.few_colours else name
        self.theme = name if looks.colour else themes.MONO.name
        self.set_class(not looks.colour, "-mono")
        self.stylesheet.set_variables(self.get_css_variables())
        self._styled_with: dict[str, str] | None = self.get_css_variables()
        self._key_problems = (*self._key_problems, *filter(None, problems))

    def refresh_css(self, animate: bool = True) -> None:
        """Parse the style sheets anew; not at the start, where Textual did it just before."""
        at_start, self._styled_with = self._styled_with, None
        if at_start != self.get_css_variables():
            super().refresh_css(animate)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return what our style sheets need and a theme of Textual's does not have."""
        return themes.variables_of(self.current_theme)

    def _theme_chosen(self, name: str) -> None:
        if self._looks.colour:
            self._keeper.take(replace(self._keeper.layout, theme=themes.wished(name)))

    @on(messages.LayoutChanged)
    def _layout_changed(self, message: messages.LayoutChanged) -> None:
        self._keeper.take(replace(message.layout, theme=self._keeper.layout.theme))

    @on(messages.MoreSessions)
    def _more_sessions(self) -> None:
        self._pages += PAGES
        self._refresh.want()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Put the last guard against hostile text before Textual's own filters (DESIGN §5).

        They are always the same ones: a strip keeps what each of them made of it.
        """
        return [*self._first_filters, *super().get_line_filters(), *self._last_filters]

    async def on_event(self, event: events.Event) -> None:
        """Hand keys on one after the other, each to what the one before led to."""
        if TypeAhead.takes(event):
            await self._typed.take(event)
        else:
            await super().on_event(event)

    def on_mount(self) -> None:
        """Say what was found wrong before the start."""
        if self._alerts is not None:
            self.write_raw(PUSH_TITLE)
        for problem in self._key_problems:
            self.notify(clean_line(problem), severity="warning", timeout=15, markup=False)
        self.watch(self, "theme", self._theme_chosen, init=False)

    def on_resize(self, event: events.Resize) -> None:
        """Repaint after a change of size that ended where it began.

        Textual lays out again only for another size, and of quick changes sees but the last; the
        terminal has cut off meanwhile what was on it.
        """
        if self.screen_stack and self.screen.size == event.size:
            self.screen.refresh()

    async def on_ready(self) -> None:
        """Connect and fetch, once the first frame is painted and the main screen is there."""
        self.run_worker(self._link.run(), group="link")
        if self._opening:
            self.add_mode("main", self._main_screen)
            await self.switch_mode("main")
            self._opening = False
        self.run_worker(self._refresh.run(), group="refresh")

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self.screen_stack[0])

    def watch_board(self, board: Board) -> None:
        """Tell the terminal what is new."""
        if self._alerts is None:
            return
        if said := self._alerts.see(board):
            self.write_raw(said)
        if (wait := self._alerts.wait) is not None and self._alert_timer is None:
            self._alert_timer = self.set_timer(wait + 0.01, self._alert_overdue)

    def _alert_overdue(self) -> None:
        """Tell what was held back, since too much was told just before."""
        self._alert_timer = None
        if self._alerts is not None and (said := self._alerts.overdue()):
            self.write_raw(said)

    def write_raw(self, sequences: str) -> None:
        """Write escape sequences of our own making to the terminal."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequences)
            self._driver.flush()

    def on_unmount(self) -> None:
        """Give the terminal its title back, and keep how the screen was left."""
        self._keeper.keep()
        if self._alerts is not None:
            self.write_raw(POP_TITLE)

    # Link and refresh

    def _heard_change(self, change: int) -> None:
        self._refresh.want()
        if not self._opening and self.screen is self._main:
            self._main.catch_up()

    def _link_changed(self, state: LinkState, problem: str) -> None:
        self.board = replace(self.board, link=state, problem=problem)
        if state is LinkState.UP:
            self._recovery.link_up()
            self._refresh.want()

    async def _fetch(self, deck: Deck) -> None:
        sessions, cut, approvals, problems = await all_shown(deck, self._pages, self.board.sessions)
        view = self._view
        shelf = (await all_sessions(deck, view))[0] if view.shelf else ()
        if said := await self._recovery.fetch(deck):
            self.say(said)
        self.board = replace(
            self.board,
            sessions=sessions,
            approvals=approvals,
            agents=() if sessions else tuple(await deck.agents()),
            cut=cut,
            shelf=shelf,
            shelf_of=view,
            rules_problem=problems[0],
            config_problem=problems[1],
            reports=self._recovery.open,
            fetched=True,
            problem="",
        )
        if self._started is not None:
            started, self._started = self._started, None
            self.call_after_refresh(started)

    def _fetch_failed(self, problem: str) -> None:
        self.board = replace(self.board, problem=problem)

    # What a person wants done

    def do(self, work: Callable[[Deck], Awaitable[object]], done: str = "") -> None:
        """Carry out one request and say how it went."""

        async def carry_out() -> None:
            try:
                await work(self._link.deck)
            except QuarterdeckError as error:
                self.say(reason_of(error), bad=True)
            else:
                if done:
                    self.say(done)
                self._refresh.want()

        self.run_worker(carry_out(), group="requests")

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a toast; whatever the text holds, it is only text."""
        severity = "error" if bad else "information"
        self.notify(clean_line(text), severity=severity, markup=False)

    def ask_line(self, title: str, value: str, then: Callable[[str], None]) -> None:
        """Ask for one line and hand it to `then`, unless the person thinks better of it."""
        from quarterdeck.tui.dialogs.ask_line import AskLine

        def answered(text: str | None) -> None:
            if text is not None:
                then(text)

        self.push_screen(AskLine(title, value), answered)

    def choose(
        self, title: str, rows: list[ListRow], current: str | None, then: Callable[[str], None]
    ) -> None:
        """Let one row be chosen and hand its key to `then`, unless the person thinks better."""
        from quarterdeck.tui.dialogs.choose import ChooseDialog

        def answered(key: str | None) -> None:
            if key is not None:
                then(key)

        self.push_screen(ChooseDialog(title, rows, current), answered)

    def await_session(self, session_id: str) -> None:
        """Put the cursor on this session as soon as the board has it."""
        self._main.await_session(session_id)

    @on(messages.ThreadAction)
    def _thread_action(self, message: messages.ThreadAction) -> None:
        if message.verb is Verb.UNREAD:
            self._left_unread = message.session.session_id
        self._threads.take(message.verb, message.session)

    @on(messages.Undo)
    def _undo(self) -> None:
        self._threads.undo()

    @on(messages.Undoable)
    def _undoable(self, message: messages.Undoable) -> None:
        self._threads.remember(message.done, message.back, message.undone)

    @on(messages.MarkAllRead)
    def _mark_all_read(self, message: messages.MarkAllRead) -> None:
        unread = [v.session_id for v in self.board.sessions if v.attention == Attention.UNREAD]
        self._threads.mark_all_read(message.version, unread)

    @on(messages.Listing)
    def _listing(self, message: messages.Listing) -> None:
        self._view = message.view
        if message.view.shelf:
            self._refresh.want()

    @on(messages.ShowQueue)
    def _show_queue(self, message: messages.ShowQueue) -> None:
        from quarterdeck.tui.dialogs.queue import QueueDialog

        self.push_screen(QueueDialog(message.session, self._link))

    @on(messages.ShowCheckpoints)
    def _show_checkpoints(self, message: messages.ShowCheckpoints) -> None:
        from quarterdeck.tui.dialogs.checkpoints import CheckpointsDialog

        def closed(fork: str | None) -> None:
            if fork is not None:
                self._main.await_session(fork)
                self._refresh.want()
                self.say("The checkpoint is loaded into a fork.")

        dialog = CheckpointsDialog(message.session, self._link, clock=self._clock)
        self.push_screen(dialog, closed)

    @on(messages.ChooseApprovalMode)
    def _choose_approval_mode(self, message: messages.ChooseApprovalMode) -> None:
        from quarterdeck.tui.session_settings import choose_approval_mode

        choose_approval_mode(self, message.session)

    @on(messages.ChooseAgentMode)
    def _choose_agent_mode(self, message: messages.ChooseAgentMode) -> None:
        from quarterdeck.tui.session_settings import choose_mode_or_model

        choose_mode_or_model(self, message.session)

    @on(messages.ShowUsage)
    def _show_usage(self, message: messages.ShowUsage) -> None:
        from quarterdeck.tui.dialogs.usage import UsageDialog

        self.push_screen(UsageDialog(message.session, self._link))

    @on(messages.Search)
    def _search(self) -> None:
        from quarterdeck.tui.screens.search import SearchScreen

        if self.screen is self._main:
            projects = sorted({session.project for session in self.board.sessions})
            screen = SearchScreen(self._link, clock=self._clock, projects=projects)
            self.push_screen(screen, self._found)

    def _found(self, hit: SearchHit | None) -> None:
        if hit is None:
            return
        if self.board.session(hit.session_id) is None:
            self.say("That session is not in the list; it may be archived (v).", bad=True)
            return

        async def show(deck: Deck) -> None:
            runs = {run.run_id: run for run in await deck.runs(hit.session_id)}
            run = runs.get(hit.run_id)
            last = run.last_event_seq if run else hit.seq
            self._main.open_event(hit.session_id, hit.run_id, last, hit.seq)

        self.do(show)

    def on_diff_pane_asked(self, message: DiffPane.Asked) -> None:
        """Ask for a comment on a line."""
        self.ask_line(message.title, "", message.then)

    @on(messages.Copy)
    def _copy(self, message: messages.Copy) -> None:
        from quarterdeck.tui.copying import Copying

        copying = Copying(self, self._environ)
        if message.to_file:
            copying.write(message.copied)
        else:
            self.run_worker(copying.copy(message.copied), group="requests")

    def on_session_panes_types_asked(self, message: SessionPanes.TypesAsked) -> None:
        """Let the types of events in the trace be chosen."""
        from quarterdeck.tui.dialogs.event_types import type_rows
        from quarterdeck.tui.widgets.event_finder import name_of, types_of

        self.choose(
            "Events shown",
            type_rows(),
            name_of(message.types),
            lambda name: message.then(types_of(name)),
        )

    def on_diff_pane_open_file(self, message: DiffPane.OpenFile) -> None:
        """Open a file in the person's editor, if it is on this machine."""
        from quarterdeck.tui import editor

        path = Path(message.path)
        try:
            if not path.is_file():
                raise editor.NoEditor(f"{path} is not on this machine, or is gone.")
            editor.run(self, self._environ, path, message.number)
        except editor.NoEditor as error:
            self.say(str(error), bad=True)

    @on(messages.Answer)
    def _answer(self, message: messages.Answer) -> None:
        self._open_approval(message.approval_id)

    def _open_approval(self, approval_id: str) -> None:
        """Open the dialog of one approval, unless a dialog is open already."""
        from quarterdeck.tui.dialogs.approval import ApprovalDialog, RecoveryDialog
        from quarterdeck.tui.dialogs.form import FormDialog
        from quarterdeck.tui.dialogs.question import question

        view = self.board.approval(approval_id)
        if view is None or isinstance(self.screen, ModalScreen):
            return
        asked = question(view, self._clock())
        kinds = {"recovery": RecoveryDialog, "form": FormDialog}
        kind = kinds.get(asked.own_dialog, ApprovalDialog)
        dialog = kind(asked, self._link, clock=self._monotonic, wall=self._clock)
        dialog.undo_seconds = self.undo_seconds
        self.push_screen(dialog, self._approval_closed)

    def _approval_closed(self, result: ApprovalResult | None) -> None:
        from quarterdeck.tui.dialogs.approval import Outcome
        from quarterdeck.tui.dialogs.deciding import no_rule
        from quarterdeck.tui.screens.inbox import InboxScreen

        if result is None:
            return
        self._refresh.want()
        if result.decision is not None and (problem := no_rule(result.decision)):
            self.say(problem, bad=True)
        if result.outcome is Outcome.DECIDED and isinstance(self.screen, InboxScreen):
            self.screen.answered(result.approval_id)
        following = self.board.after(result.approval_id)
        if result.outcome is Outcome.NEXT and following is not None:
            self.call_later(self._open_approval, following.approval_id)

    @on(messages.ShowRecovery)
    def _show_recovery(self) -> None:
        from quarterdeck.tui.dialogs.recovery_report import RecoveryReportDialog

        reports = self.board.reports

        async def dismiss(deck: Deck) -> None:
            await deck.dismiss_recovery(reports[0]["id"])
            self._recovery.open = ()
            self.board = replace(self.board, reports=())

        def answered(dismissed: bool | None) -> None:
            if dismissed and reports:
                self.do(dismiss)

        if not isinstance(self.screen, ModalScreen):
            self.push_screen(RecoveryReportDialog(reports, tz=self._tz), answered)

    @on(messages.OpenInbox)
    def _open_inbox(self) -> None:
        from quarterdeck.tui.screens.inbox import InboxScreen

        if self.screen is self._main:
            inbox = InboxScreen(self._link, monotonic=self._monotonic, clock=self._clock)
            inbox.undo_seconds = self.undo_seconds
            self.push_screen(inbox)

    @on(messages.Decided)
    def _decided(self) -> None:
        self._refresh.want()

    @on(messages.Help)
    def _help(self, message: messages.Help) -> None:
        from quarterdeck.tui.screens.help import HelpScreen

        if not isinstance(self.screen, ModalScreen):
            self.push_screen(HelpScreen(message.here))

    @on(messages.Create)
    def _create(self, message: messages.Create) -> None:
        from quarterdeck.tui.dialogs.new_session import NewSessionDialog

        dialog = NewSessionDialog(
            self._link,
            cwd=str(self._cwd),
            environ=self._environ,
            agent=message.agent,
            sessions=lambda: self.board.sessions,
        )
        self.push_screen(dialog, self._created)

    def _created(self, made: NewSession | None) -> None:
        if made is not None:
            self._main.await_session(made.session_id)
            self._refresh.want()

    @on(messages.CancelTurn)
    def _cancel(self, message: messages.CancelTurn) -> None:
        session = message.session
        run_id = session.run_id if session.active else None
        self.do(lambda deck: deck.cancel(session.session_id, run_id=run_id), "Cancel was sent.")

    @on(messages.CloseSession)
    def _close_session(self, message: messages.CloseSession) -> None:
        from quarterdeck.tui.dialogs.confirm import ConfirmDialog

        session = message.session

        def confirmed(yes: bool | None) -> None:
            if yes:
                self.do(lambda deck: deck.close_session(session.session_id))

        text = f"Close “{session.title or session.session_id}”? Its run and its agent end."
        self.push_screen(ConfirmDialog("Close session", text), confirmed)

    @on(messages.MarkRead)
    def _mark_read(self, message: messages.MarkRead) -> None:
        self.do(lambda deck: deck.mark_read(message.session_id, message.version))

    def on_session_panes_read(self, message: SessionPanes.Read) -> None:
        """Mark the session read once it has stayed open for a moment (A9)."""
        if message.session_id == self._left_unread:  # until another one is looked at
            return
        self._left_unread = None
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
            self.do(lambda deck: deck.mark_read(message.session_id, message.version))

    def on_prompt_line_sent(self, message: PromptLine.Sent) -> None:
        """Send a prompt; a session without a live run is started with fresh variables (R6)."""

        async def send() -> None:
            line = self._main.prompt
            try:
                deck = self._link.deck
                env = await self._env_for(deck, message.session_id)
                await deck.send(
                    message.session_id,
                    message.text,
                    env=env,
                    key=message.key,
                    interrupt=message.interrupt or None,
                    images=[(image.mime_type, image.data) for image in message.images] or None,
                )
            except QuarterdeckError as error:
                line.failed(reason_of(error), message)
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

    async def action_quit(self) -> None:
        """Leave; what is being written is kept for the next time."""
        if not self._opening:
            await self._main.keep_drafts()
        await super().action_quit()

    def action_stop_all(self) -> None:
        """Stop every agent's turn or start, after a question."""
        from quarterdeck.tui.stopping import stop_all

        if not isinstance(self.screen, ModalScreen):
            stop_all(self, self.board)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer what Textual brings and has no key here, and say why."""
        seldom = "no key: seldom needed"
        yield SystemCommand("Change the theme", seldom, self.action_change_theme)
        yield SystemCommand(
            "Save a picture of the screen",
            seldom,
            lambda: self.set_timer(0.1, self.deliver_screenshot),
        )

    def action_command_palette(self) -> None:
        """Open the palette, but never over a dialog, whose keys it would take."""
        if not self._opening and not isinstance(self.screen, ModalScreen):
            super().action_command_palette()
