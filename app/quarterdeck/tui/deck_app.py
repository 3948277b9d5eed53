"""The app below what a person wants of it: start, looks, link, board, requests, toasts."""

from __future__ import annotations

import asyncio
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
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.reactive import reactive
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from quarterdeck.model.clock import now_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui import keys, messages, terminal_keys, themes
from quarterdeck.tui.alerts import POP_TITLE, PUSH_TITLE, Alerts, AlertSettings
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.keymap import Keymap
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.layout import LayoutFile, NoLayoutFile
from quarterdeck.tui.layout_keeper import LayoutKeeper
from quarterdeck.tui.leaving import heed_signals
from quarterdeck.tui.left_drafts import LeftDrafts
from quarterdeck.tui.line_filter import UnsafeTextFilter
from quarterdeck.tui.link import Connect, Link, reason_of
from quarterdeck.tui.listed import View
from quarterdeck.tui.long_list import WHOLE_S, LongList
from quarterdeck.tui.palette import DeckCommands
from quarterdeck.tui.plain_filters import AsciiFilter, ColourlessFilter
from quarterdeck.tui.read_marks import READ_AFTER_S, ReadMarks
from quarterdeck.tui.recovery_watch import RecoveryWatch
from quarterdeck.tui.refresh import PAGES, Refresh, all_sessions
from quarterdeck.tui.screens.opening import OpeningScreen
from quarterdeck.tui.styles import opening_styles, style_files
from quarterdeck.tui.terminal_driver import TerminalDriver
from quarterdeck.tui.terminal_looks import TerminalLooks
from quarterdeck.tui.thread_actions import ThreadActions
from quarterdeck.tui.toasts import Toasts
from quarterdeck.tui.type_ahead import TypeAhead

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck
    from quarterdeck.model.records import SessionView
    from quarterdeck.tui.screens.main import MainScreen
    from quarterdeck.tui.widgets.row_list import ListRow

NO_KEYS_CHANGED = Keymap({})
EVERYTHING_SHOWS = TerminalLooks()


class DeckApp(App[None]):
    """How the full-screen client starts, looks, is connected and says things."""

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
        left: LeftDrafts | None = None,
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
            left: Where drafts outlive a screen that found no supervisor for them.
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
        self._marks = ReadMarks(self, read_after)
        self._link = Link(connect, on_state=self._link_changed, on_change=self._heard_change)
        self._view = View.ALL
        self._threads = ThreadActions(self)
        self._toasts = Toasts(self, clock)
        self._typed = TypeAhead(self, super().on_event)
        self._alerts = Alerts(alerts) if alerts else None
        self._alert_timer: Timer | None = None
        self._refresh = Refresh(self._link, self._fetch, self._fetch_failed)
        self._recovery = RecoveryWatch()
        self.undo_seconds = undo_seconds
        self._keeper = LayoutKeeper(self, layout or NoLayoutFile())
        self._left, self._looks, self._started = left, looks, started
        self._first_filters = [UnsafeTextFilter(), *([AsciiFilter()] if looks.ascii else ())]
        self._last_filters = [] if looks.colour else [ColourlessFilter()]
        self._heed_no_more: Callable[[], None] = lambda: None
        self._pages, self._long_list = PAGES, LongList()
        self._whole_timer: Timer | None = None
        for theme in themes.OWN:
            self.register_theme(theme)
        self._begin_with_theme()

    def get_driver_class(self) -> type[Driver]:
        """Return what holds the terminal; a browser has its own."""
        chosen = super().get_driver_class()
        return TerminalDriver if chosen is LinuxDriver else chosen

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
            left=self._left,
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
        if isinstance(self._driver, TerminalDriver):
            self._heed_no_more = heed_signals(self._leave_by)

    def on_resize(self, event: events.Resize) -> None:
        """Repaint after a change of size that ended where it began.

        Textual lays out again only for another size, and of quick changes sees but the last; the
        terminal has cut off meanwhile what was on it. What counts is the size that was laid out:
        the screen's own follows the terminal at once.
        """
        if self.screen_stack and self.screen.outer_size == event.size:
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
    def main(self) -> MainScreen:
        """The main screen, under whatever is open."""
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
        self._heed_no_more()
        self._keeper.keep()
        if self._alerts is not None:
            self.write_raw(POP_TITLE)

    # Link and refresh

    def _heard_change(self, change: int) -> None:
        self._refresh.want()
        if not self._opening and self.screen is self.main:
            self.main.catch_up()

    def _link_changed(self, state: LinkState, problem: str) -> None:
        self.board = replace(self.board, link=state, problem=problem)
        if state is LinkState.UP:
            self._recovery.link_up()
            self._refresh.want()

    async def _fetch(self, deck: Deck) -> None:
        (sessions, cut), approvals, problems = await asyncio.gather(
            self._listed(deck), deck.approvals(), deck.file_problems()
        )
        view = self._view
        shelf = (await all_sessions(deck, view))[0] if view.shelf else ()
        if said := await self._recovery.fetch(deck):
            self.say(said)
        self.board = replace(
            self.board,
            sessions=sessions,
            approvals=tuple(approvals),
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

    async def _listed(self, deck: Deck) -> tuple[tuple[SessionView, ...], bool]:
        """Fetch the sessions; what a round leaves out of a long list is read a little later."""
        long = self._pages > PAGES
        opened = self.main.selected if long else None
        found = await self._long_list.read(
            deck,
            self._pages,
            self.board.sessions,
            asyncio.get_running_loop().time(),
            opened.session_id if opened else None,
        )
        if self._long_list.partial and self._whole_timer is None:
            self._whole_timer = self.set_timer(WHOLE_S, self._read_whole)
        return found

    def _read_whole(self) -> None:
        self._whole_timer = None
        self._refresh.want()

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

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast, a few at a time; markup is never read, and there are no titles."""
        self._toasts.say(message, severity, timeout or self.NOTIFICATION_TIMEOUT)

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

    def confirm(self, title: str, text: str, then: Callable[[], None]) -> None:
        """Ask, and go on with `then` if the answer is yes."""
        from quarterdeck.tui.dialogs.confirm import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                then()

        self.push_screen(ConfirmDialog(title, text), answered)

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
        self.main.await_session(session_id)

    async def action_quit(self) -> None:
        """Leave; what is being written is kept for the next time."""
        await self._leave(0)

    def _leave_by(self, number: int) -> None:
        self.run_worker(self._leave(128 + number), group="leaving")

    async def _leave(self, return_code: int) -> None:
        if not self._opening:
            await self.main.keep_drafts()
        self.exit(return_code=return_code)

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
