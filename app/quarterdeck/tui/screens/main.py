"""The main screen: sessions, the panes of one of them, the dock, the prompt line."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from quarterdeck.client.deck import Deck
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import LIVE_SESSION_STATES, SessionState
from quarterdeck.tui import messages
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.keys import KeyAction, Where, bindings, keys_of
from quarterdeck.tui.layout import SHARES, Layout
from quarterdeck.tui.lean_compositor import lean
from quarterdeck.tui.listed import Grouping, Order, View, listed
from quarterdeck.tui.screens.halves import Halves
from quarterdeck.tui.screens.opening import CONNECTING
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.screens.subject_of_key import selected_text
from quarterdeck.tui.styles import style_files
from quarterdeck.tui.thread_actions import Verb
from quarterdeck.tui.widgets.approval_dock import ApprovalDock
from quarterdeck.tui.widgets.diff_pane import DiffPane
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.findable_view import FindableView
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.pane_bar import PANES, PaneBar
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from quarterdeck.tui.widgets.prompt_line import PromptLine
from quarterdeck.tui.widgets.recovery_band import RecoveryBand
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.status_bar import StatusBar
from quarterdeck.tui.widgets.trace_view import TraceView
from quarterdeck.tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from quarterdeck.tui.widgets.find_line import FindLine

NO_SESSIONS = "No sessions yet – press c to create one"
NONE_LISTED = "No such sessions – v lists others, esc ends the filter"
FILTER_HINT = "words of title, agent or directory (enter keeps, esc clears)"
FOOTER = ("answer", "", "next_needy(1)", "write", "new_session", "cancel_turn", "zoom", "help")
CANCELLABLE = {*LIVE_SESSION_STATES, SessionState.CREATED, SessionState.STARTING}
CANCELLABLE -= {SessionState.IDLE}
AGES_S = 60.0
"""How often the ages of the list are looked at; between two of these an idle screen sleeps."""
SHARE_STEP = 10
LEAVING_S = 1.0
"""How long the supervisor has to take the drafts when a person leaves."""


class MainScreen(Screen[None]):
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
        """
        super().__init__()
        lean(self)
        self._layout = layout or Layout()
        self._environ, self._cwd = environ, cwd or Path.cwd()
        self._deck, self._host, self._clock, self._tz = deck, host, clock, tz
        self._board = Board()
        self._awaited: str | None = None
        self._listing = True
        self._view, self._words = View.ALL, ""
        self._find: FindLine | None = None

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
        yield PromptLine(self._deck, self._environ, id="prompt")
        yield KeyLine(gap=2, id="keys")

    def on_mount(self) -> None:
        """Follow the board and the focus."""
        for name in ("#problem", "#list-note", "#list-filter"):
            self.query_one(name).display = False
        self._take_layout()
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
        if isinstance(self.focused, PromptEditor):
            hints = [KeyHint.of(entry) for entry in keys_of(Where.PROMPT)]
        elif (place := self._place_of_focus()) is not None:
            by_label = [*keys_of(place), *keys_of(Where.MAIN)]
            short = {Where.DIFF: ("help",), Where.FIRST: ("new", "search", "help", "quit")}
            common = short.get(place, ("copy", "editor", "help"))
            hints = [KeyHint.of(e) for e in by_label if e.where is place or e.label in common]
        else:
            by_action = {entry.action: entry for entry in reversed(keys_of(Where.MAIN))}
            wanted = [by_action[action] for action in (*FOOTER, "app.quit")]
            hints = [KeyHint.of(entry) for entry in wanted if self._applies(entry)]
        self.query_one(KeyLine).show(hints)

    def _place_of_focus(self) -> Where | None:
        """Return the pane with keys of its own that has the focus."""
        places = {
            Welcome: Where.FIRST,
            DiffView: Where.DIFF,
            OutputView: Where.OUTPUT,
            TraceView: Where.TRACE,
        }
        return places.get(type(self.focused))  # pyright: ignore[reportArgumentType]

    def _applies(self, entry: KeyAction) -> bool:
        """Return whether the footer should offer this action now."""
        session = self.selected
        if entry.action == "answer":
            return bool(self._board.approvals)
        if entry.action == "cancel_turn":
            return session is not None and session.state in CANCELLABLE
        if entry.action == "next_needy(1)":
            return self._board.next_needy(None, 1) is not None
        if entry.action == "":
            return isinstance(self.focused, (SessionList, TraceView))
        return True

    def _focus_moved(self) -> None:
        self._share_room()
        if self._find is not None:
            self._find.end_if_gone()
        self._show_keys()

    @on(SessionList.Highlighted)
    def _highlighted(self) -> None:
        self._show_session()

    @on(SessionList.EndReached)
    def _end_reached(self) -> None:
        if self._board.cut:
            self.post_message(messages.MoreSessions())

    # The layout, which is remembered

    def _take_layout(self) -> None:
        """Arrange the screen as it was left."""
        layout = self._layout
        self._share_room()
        rows = self.query_one(SessionList)
        rows.set_arrangement(layout.order, layout.grouping, layout.folded)
        panes = self.query_one(SessionPanes)
        known = {name for name, _, _ in PANES}
        first = layout.pane if layout.pane in known else panes.halves.first
        second = layout.split if layout.split in known - {first} else ""
        if (first, second) != (panes.halves.first, panes.halves.second):
            panes.show_halves(Halves(first, second))

    def _share_room(self) -> None:
        """Divide the room between list and panes; zoomed, the side with the focus has it all.

        A class of the screen would say so too, and have every widget on it styled anew.
        """
        rows, panes = self.query_one(SessionList), self.query_one(SessionPanes)
        if self.focused is not None:  # as it is before the list has the focus first
            self._listing = isinstance(self.focused, SessionList)
        zoomed, listing = self._layout.zoomed, self._listing
        rows.display = listing or not zoomed
        panes.display = not (listing and zoomed)
        shares = range(SHARES[0], SHARES[1] + 1, SHARE_STEP)
        classes = {f"-share-{share}": share == self._layout.share for share in shares}
        rows.update_classes(classes | {"-alone": listing and zoomed})

    def _change_layout(self, layout: Layout) -> None:
        if layout != self._layout:
            self._layout = layout
            self._take_layout()
            self._show_list()
            self._show_session()
            self.post_message(messages.LayoutChanged(layout))

    @on(SessionPanes.Turned)
    def _pane_turned(self, message: SessionPanes.Turned) -> None:
        message.stop()
        if self._find is not None:
            self._find.end_if_gone()
        self._change_layout(
            replace(self._layout, pane=message.halves.first, split=message.halves.second)
        )

    @on(SessionList.Folded)
    def _groups_folded(self, message: SessionList.Folded) -> None:
        self._change_layout(replace(self._layout, folded=tuple(sorted(message.folded))))

    def action_order(self) -> None:
        """Sort the list by the next thing: attention, last activity, title, agent."""
        self._change_layout(replace(self._layout, order=self._layout.order.following))

    def action_group(self) -> None:
        """Group the list by the next thing: nothing, project, agent, host."""
        grouping = self._layout.grouping.following
        self._change_layout(replace(self._layout, grouping=grouping, folded=()))

    def action_share(self, step: int) -> None:
        """Give the list more or less of the screen; `step` is 1 or -1."""
        rows, (least, most) = self.query_one(SessionList).size, SHARES
        now = self._layout.share
        if not now:
            across = self.has_class("-wide")
            now = 100 * (rows.width if across else rows.height)
            now //= max(1, self.size.width if across else self.size.height)
            now = round(now / SHARE_STEP) * SHARE_STEP
        share = max(least, min(now + step * SHARE_STEP, most))
        self._change_layout(replace(self._layout, share=share))

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

    async def action_find(self) -> None:
        """Find text in the pane that keys are about."""
        view = self.query_one(SessionPanes).findable
        if view is None:
            self._say("There is nothing to find here.")
            return
        if self._find is None:
            from quarterdeck.tui.widgets.find_line import FindLine

            self._find = FindLine(id="find")
            await self.mount(self._find, before="#keys")
        self._find.begin(view)

    @on(FindableView.FindAsked)
    async def _find_asked(self) -> None:
        await self.action_find()

    @on(FindableView.HitsTold)
    def _hits_told(self, message: FindableView.HitsTold) -> None:
        if self._find is not None:
            self._find.told(message.view, message.count)

    def action_hit(self, step: int) -> None:
        """Go to the next thing found in the pane, or to the one before."""
        view = self.query_one(SessionPanes).findable
        if self._find is None or not self._find.step(step, view):
            self._say("Nothing is looked for: F finds in the pane.")

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

    def action_thread(self, verb: str) -> None:
        """Do something to the selected session as a whole."""
        if session := self._need_session():
            self.post_message(messages.ThreadAction(Verb(verb), session))

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

    def action_queue(self) -> None:
        """Show what waits to be sent to the selected session."""
        if session := self._need_session():
            self.post_message(messages.ShowQueue(session))

    def action_checkpoints(self) -> None:
        """Show the selected session's checkpoints."""
        if session := self._need_session():
            self.post_message(messages.ShowCheckpoints(session))

    def action_approval_mode(self) -> None:
        """Choose how much the selected session asks."""
        if session := self._need_session():
            self.post_message(messages.ChooseApprovalMode(session))

    def action_agent_mode(self) -> None:
        """Choose the mode or model of the selected session's agent."""
        if session := self._need_session():
            self.post_message(messages.ChooseAgentMode(session))

    def action_usage(self) -> None:
        """Show what was used."""
        self.post_message(messages.ShowUsage(self.selected))

    def action_write(self) -> None:
        """Focus the prompt line."""
        self.query_one(PromptLine).write()

    async def keep_drafts(self) -> None:
        """Save what is being written, or give up if the supervisor does not answer."""
        for line in self.query(PromptLine):  # none if one leaves before it is there
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(line.saved(), LEAVING_S)

    def action_new_session(self) -> None:
        """Open the new-session dialog."""
        self.post_message(messages.Create())

    def action_cancel_turn(self) -> None:
        """Cancel the selected session's turn or start (R8)."""
        if session := self._need_session():
            self.post_message(messages.CancelTurn(session))

    def action_close_session(self) -> None:
        """Close the selected session after a question."""
        if session := self._need_session():
            self.post_message(messages.CloseSession(session))

    def action_mark_read(self) -> None:
        """Mark the selected session as read (A9)."""
        if session := self._need_session():
            self.post_message(messages.MarkRead(session.session_id, session.version))

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

    def action_zoom(self) -> None:
        """Give the focused side all the room, or share it again."""
        self._change_layout(replace(self._layout, zoomed=not self._layout.zoomed))

    def action_split(self) -> None:
        """Show two panes of the session at once, or again only one."""
        self.query_one(SessionPanes).split()

    def action_leave(self) -> None:
        """Leave the filter, close the opened event, or go to the list."""
        line = self.query_one("#list-filter", Input)
        if line.has_focus or (self._words and self.query_one(SessionList).has_focus):
            line.display, self._words = False, ""
            self._show_list()
            self.query_one(SessionList).focus()
        elif self._find is not None and self._find.end():
            self._show_keys()
        elif not self.query_one(SessionPanes).close_detail():
            self.query_one(SessionList).focus()

    def action_help(self) -> None:
        """Show the help."""
        self.post_message(messages.Help(self._place_of_focus() or Where.MAIN))

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

    def _need_session(self) -> SessionView | None:
        if self.selected is None:
            self._say("No session is selected.")
        return self.selected

    def _say(self, text: str) -> None:
        self.app.notify(text, markup=False)
