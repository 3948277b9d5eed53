"""The main screen: sessions, the panes of one of them, the dock, the prompt line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, Static

from quarterdeck.client.deck import Deck
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.tui import messages
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.layout import Layout
from quarterdeck.tui.lean_compositor import lean
from quarterdeck.tui.left_drafts import LeftDrafts
from quarterdeck.tui.listed import Grouping, Order, View, listed
from quarterdeck.tui.screens.main_hints import main_hints, place_of
from quarterdeck.tui.screens.opening import CONNECTING
from quarterdeck.tui.screens.pane_finding import PaneFinding
from quarterdeck.tui.screens.room_sharing import RoomSharing
from quarterdeck.tui.screens.session_actions import SessionActions
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.screens.subject_of_key import selected_text
from quarterdeck.tui.styles import style_files
from quarterdeck.tui.turns import done_within
from quarterdeck.tui.widgets.approval_dock import ApprovalDock
from quarterdeck.tui.widgets.diff_pane import DiffPane
from quarterdeck.tui.widgets.key_line import KeyLine
from quarterdeck.tui.widgets.pane_bar import PaneBar
from quarterdeck.tui.widgets.prompt_line import PromptLine
from quarterdeck.tui.widgets.recovery_band import RecoveryBand
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.status_bar import StatusBar
from quarterdeck.tui.widgets.welcome import Welcome

NO_SESSIONS = "No sessions yet – press c to create one"
NONE_LISTED = "No such sessions – v lists others, esc ends the filter"
FILTER_HINT = "words of title, agent or directory (enter keeps, esc clears)"
AGES_S = 60.0
"""How often the ages of the list are looked at; between two of these an idle screen sleeps."""
LEAVING_TURNS = 20
"""How long a supervisor that does not answer is waited for on leaving, in turns of the loop."""
"""How long the supervisor has to take the drafts when a person leaves."""


class MainScreen(RoomSharing, PaneFinding, SessionActions):
    """Shows the board; what a person wants done goes to the app as messages."""

    CSS_PATH = style_files()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    BINDINGS = bindings(Where.MAIN)
    AUTO_FOCUS = "SessionList"
    PLACES: ClassVar[tuple[Where, ...]] = (Where.MAIN,)

    def __init__(
        self,
        deck: Callable[[], Deck],
        *,
        host: str,
        clock: Callable[[], int],
        tz: tzinfo | None,
        environ: Mapping[str, str],
        cwd: Path | None = None,
        layout: Layout | None = None,
        left: LeftDrafts | None = None,
    ) -> None:
        """Show an empty board.

        Args:
            deck: Returns the connected deck or raises `unreachable`.
            host: The name of this machine.
            clock: Unix milliseconds.
            tz: Zone of the times shown; None is the machine's.
            environ: Names the person's editor and the clipboard.
            cwd: The directory a first session is offered in.
            layout: How the screen was left.
            left: Where drafts outlive a screen that found no supervisor for them.
        """
        super().__init__(layout)
        lean(self)
        self._environ, self._cwd = environ, cwd or Path.cwd()
        self._left = left or LeftDrafts()
        self._deck, self._host, self._clock, self._tz = deck, host, clock, tz
        self._board = Board()
        self._awaited: str | None = None
        self._view, self._words = View.ALL, ""

    def compose(self) -> ComposeResult:
        """Lay out from top to bottom."""
        yield StatusBar(self._host, id="status")
        yield Static("", id="problem", markup=False)
        yield Static("", id="list-note", markup=False)
        words = Input(placeholder=FILTER_HINT, compact=True, id="list-filter")
        words.cursor_blink = False
        yield words
        with Container(id="work"):
            yield SessionList(
                clock=self._clock, empty_text=CONNECTING, host=self._host, id="sessions"
            )
            yield SessionPanes(self._deck, tz=self._tz, id="panes")
        yield Welcome(self._cwd, id="welcome")
        yield RecoveryBand(tz=self._tz, id="recovery")
        yield ApprovalDock(clock=self._clock, id="dock")
        yield PromptLine(self._deck, self._environ, self._left, id="prompt")
        yield KeyLine(gap=2, id="keys")

    def on_mount(self) -> None:
        """Follow the board and the focus."""
        for name in ("#problem", "#list-note", "#list-filter"):
            self.query_one(name).display = False
        self.take_layout()
        self.set_interval(AGES_S, self.query_one(SessionList).refresh_ages)
        self.watch(self.app, "board", self._show_board)
        self.watch(self, "focused", self._focus_moved)

    # What is shown

    @property
    def selected(self) -> SessionView | None:
        """The session under the list's cursor."""
        return self.query_one(SessionList).selected

    @property
    def prompt(self) -> PromptLine:
        """Where a person writes to the agent."""
        return self.query_one(PromptLine)

    def catch_up(self) -> None:
        """Have the open session asked at once for what is new; the board follows."""
        for panes in self.query(SessionPanes):  # none before it is mounted
            panes.catch_up()

    def _show_board(self, board: Board) -> None:
        self._board = board
        self.query_one(StatusBar).show(board)
        self.query_one(RecoveryBand).show(board.reports)
        problem = self.query_one("#problem", Static)
        told = board.problem or board.rules_problem or board.config_problem
        problem.display = bool(told)
        if str(problem.content) != told:
            problem.update(Content(clean_line(told)))
        self.set_class(board.link is not LinkState.UP and board.fetched, "-stale")
        rows = self.query_one(SessionList)
        stale = board.link is not LinkState.UP and board.fetched
        rows.say_stale(stale)
        self.query_one(PaneBar).say_stale(stale)
        self._show_welcome(board)
        self._show_list()
        if self._awaited is not None and rows.select(self._awaited):
            self._awaited = None
        self._show_session()

    def _show_welcome(self, board: Board) -> None:
        """Show what to begin with in place of an empty list, and give the list its place back."""
        welcome, empty = self.query_one(Welcome), board.first_run and self._view is View.ALL
        welcome.show(board.agents)
        if empty == self.has_class("-first-run"):
            return
        self.set_class(empty, "-first-run")
        if empty and not isinstance(self.focused, Input):
            welcome.focus()
        elif not empty and welcome.has_focus:
            self.query_one(SessionList).focus()

    @on(Welcome.Start)
    def _start_offered(self, message: Welcome.Start) -> None:
        message.stop()
        self.post_message(messages.Create(message.agent))

    def show_arranged(self) -> None:
        """Show list and session anew, as they are to be arranged now."""
        self._show_list()
        self._show_session()

    def _show_list(self) -> None:
        """Show the sessions of the view that have the filter's words."""
        rows, board = self.query_one(SessionList), self._board
        narrowed = self._view is not View.ALL or bool(self._words)
        layout = self._layout
        ordered = layout.order is not Order.ATTENTION or layout.grouping is not Grouping.NONE
        words = NO_SESSIONS if board.fetched else CONNECTING
        words = NONE_LISTED if narrowed and board.fetched else words
        if rows.empty_text != words:
            rows.empty_text = words
        shown = listed(board, self._view, self._words)
        rows.set_rows(shown)
        note = self.query_one("#list-note", Static)
        note.display = narrowed or ordered or board.cut
        said = f"list: {self._view}   {len(shown)} of them"
        said += f"   filter: {self._words}" if self._words else ""
        said += f"   by {layout.order}" if layout.order is not Order.ATTENTION else ""
        grouped = layout.grouping is not Grouping.NONE
        said += f"   grouped by {layout.grouping}" if grouped else ""
        said += f"   the first {len(board.sessions)} only: G twice fetches more" * board.cut
        if str(note.content) != said:
            note.update(Content(clean_line(said)))

    def _show_session(self) -> None:
        session = self.selected
        self.query_one(SessionPanes).show(session)
        self.query_one(PromptLine).show(session)
        self.query_one(ApprovalDock).show(self._board, session.session_id if session else None)
        self._show_keys()

    def _show_keys(self) -> None:
        hints = main_hints(self.focused, self._board, self.selected)
        self.query_one(KeyLine).show(hints)

    def _focus_moved(self) -> None:
        self.share_room()
        self.end_find_if_gone()
        self._show_keys()

    @on(SessionList.Highlighted)
    def _highlighted(self) -> None:
        self._show_session()

    @on(SessionList.EndReached)
    def _end_reached(self) -> None:
        if self._board.cut:
            self.post_message(messages.MoreSessions())

    @on(SessionList.Opened)
    def _opened(self) -> None:
        self.query_one(SessionPanes).view.focus()

    def await_session(self, session_id: str) -> None:
        """Put the cursor on this session as soon as the board has it."""
        if not self.query_one(SessionList).select(session_id):
            self._awaited = session_id

    # What a person does

    def action_answer(self) -> None:
        """Open the approval the dock names."""
        session = self.selected
        view = self._board.to_answer(session.session_id if session else None)
        if view is None:
            self._say("Nothing waits for an approval.")
        else:
            self.post_message(messages.Answer(view.approval_id))

    def action_inbox(self) -> None:
        """Show every open approval."""
        self.post_message(messages.OpenInbox())

    def action_next_needy(self, step: int) -> None:
        """Go to the next or previous session that needs its reader."""
        session = self.selected
        view = self._board.next_needy(session.session_id if session else None, step)
        if view is None:
            self._say("No session needs you.")
        elif not self.query_one(SessionList).select(view.session_id):
            self._list_everything()
            self.query_one(SessionList).select(view.session_id)

    def _list_everything(self) -> None:
        self._view, self._words = View.ALL, ""
        self._show_list()

    async def action_filter(self) -> None:
        """Filter the list as one types; in a pane find something there."""
        if self.query_one(SessionPanes).has_pseudo_class("focus-within"):
            await self.action_find()
            return
        line = self.query_one("#list-filter", Input)
        line.value, line.display = self._words, True
        line.focus()

    @on(Input.Changed, "#list-filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        if event.input.display:
            self._words = event.value.strip()
            self._show_list()
            self._show_session()

    @on(Input.Submitted, "#list-filter")
    def _filter_kept(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.query_one(SessionList).focus()

    def action_view(self) -> None:
        """List the next kind of sessions: all, waiting, … archived, deleted."""
        self._view = self._view.following
        self.post_message(messages.Listing(self._view))
        self._show_list()
        self._show_session()

    def action_search(self) -> None:
        """Search everything recorded."""
        self.post_message(messages.Search())

    def open_event(self, session_id: str, run_id: str, last_seq: int, seq: int) -> None:
        """Show the trace of a session's run at an event."""
        if not self.query_one(SessionList).select(session_id):
            self._list_everything()
            self.query_one(SessionList).select(session_id)
        self._show_session()
        self.query_one(SessionPanes).open_event(run_id, last_seq, seq)

    def action_undo(self) -> None:
        """Undo what was last done and can be undone."""
        self.post_message(messages.Undo())

    def action_past_messages(self) -> None:
        """Show what was said at the bottom of the screen."""
        self.post_message(messages.PastMessages())

    def action_all_read(self) -> None:
        """Mark every session as read, as it is on the board."""
        newest = max((view.version for view in self._board.sessions), default=0)
        self.post_message(messages.MarkAllRead(newest))

    def action_write(self) -> None:
        """Focus the prompt line."""
        self.query_one(PromptLine).write()

    async def keep_drafts(self) -> None:
        """Save what is being written; without an answer it is kept for the next start."""
        for line in self.query(PromptLine):  # none if one leaves before it is there
            await done_within(LEAVING_TURNS, line.saved())

    def action_new_session(self) -> None:
        """Open the new-session dialog."""
        self.post_message(messages.Create())

    def action_pane(self, pane: str) -> None:
        """Show one of the panes."""
        self.query_one(SessionPanes).turn_to(pane)

    def action_copy(self, to_file: bool = False) -> None:
        """Copy what is selected, or what the pane's mark is on."""
        chosen = selected_text(self) or self.query_one(SessionPanes).copied()
        if chosen is None or not chosen.text:
            self._say("There is nothing to copy here.")
        else:
            self.post_message(messages.Copy(chosen, to_file))

    def action_copy_to_file(self) -> None:
        """Write to a file what would be copied."""
        self.action_copy(to_file=True)

    def action_open_file(self) -> None:
        """Open the file that the pane's mark is about in the person's editor."""
        panes = self.query_one(SessionPanes)
        if panes.open_diff_file():
            return
        found = panes.file()
        if found is None:
            self._say("This names no file: mark a tool call or a diff with [ and ].")
        else:
            self.post_message(DiffPane.OpenFile(*found))

    def action_recovery_report(self) -> None:
        """Show what the supervisor's start found."""
        self.post_message(messages.ShowRecovery())

    def action_leave(self) -> None:
        """Leave the filter, close the opened event, or go to the list."""
        line = self.query_one("#list-filter", Input)
        if line.has_focus or (self._words and self.query_one(SessionList).has_focus):
            line.display, self._words = False, ""
            self._show_list()
            self.query_one(SessionList).focus()
        elif self.end_find():
            self._show_keys()
        elif not self.query_one(SessionPanes).close_detail():
            self.query_one(SessionList).focus()

    def action_help(self) -> None:
        """Show the help."""
        self.post_message(messages.Help(place_of(self.focused) or Where.MAIN))

    @on(DiffPane.Written)
    def _comments_written(self, message: DiffPane.Written) -> None:
        """Put the comments where the person sees them before they are sent."""
        message.stop()
        prompt = self.query_one(PromptLine)
        prompt.put(message.text)
        prompt.write()

    @on(PromptLine.Left)
    def _prompt_left(self) -> None:
        self.query_one(SessionList).focus()

    def _say(self, text: str) -> None:
        self.app.notify(text, markup=False)
