"""The panes of one session: Output, Trace, Diff, Plan, Info, and why it failed."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from quarterdeck.client.deck import Deck
from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean
from quarterdeck.model.records import EventView, SessionView
from quarterdeck.model.states import Attention
from quarterdeck.model.worktree import FileDiff, WorktreeDiff
from quarterdeck.tui.screens.deck_finder import DeckFinder
from quarterdeck.tui.screens.subject_of_key import copied_of, file_of
from quarterdeck.tui.widgets.copied import Copied
from quarterdeck.tui.widgets.diff_pane import DiffPane
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.event_detail import DetailText
from quarterdeck.tui.widgets.event_finder import name_of
from quarterdeck.tui.widgets.event_lines import detail
from quarterdeck.tui.widgets.info_view import Background, InfoView
from quarterdeck.tui.widgets.output_blocks import SHOWN_TYPES
from quarterdeck.tui.widgets.output_cursor import OutputPlace
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.pane_bar import PANES, PaneBar
from quarterdeck.tui.widgets.plan_view import PlanView
from quarterdeck.tui.widgets.trace_view import TracePlace, TraceView

FAILURE_LIMIT = 600
PLACES_KEPT = 200
"""Panes of sessions in which the place one was at is remembered."""
OUTPUT, TRACE, DIFF, PLAN, INFO = (name for name, _, _ in PANES)


class SessionPanes(Vertical):
    """Shows one session's active or last run; only the visible pane fetches."""

    @dataclass
    class Turned(Message):
        """Another pane is shown."""

        pane: str

    @dataclass
    class TypesAsked(Message):
        """The types of events shown are to be chosen; `then` takes them."""

        types: frozenset[EventType]
        then: Callable[[frozenset[EventType]], None]

    @dataclass
    class Read(Message):
        """The end of the session's output is on screen, as of this version of it."""

        session_id: str
        version: int

    def __init__(
        self, deck: Callable[[], Deck], *, tz: tzinfo | None, id: str | None = None
    ) -> None:
        """Show no session yet.

        Args:
            deck: Returns the connected deck or raises `unreachable`.
            tz: Zone of the times shown; None is the machine's.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._deck, self._tz = deck, tz
        self._session: SessionView | None = None
        self._shown: dict[str, tuple[str, str | None]] = {}
        self._seen: tuple[str | None, int] | None = None
        self._notes = {name: "" for name, _, _ in PANES}
        self._elsewhere: tuple[str, int] | None = None
        self._places: OrderedDict[tuple[str, str | None, str], OutputPlace | TracePlace] = (
            OrderedDict()
        )
        self.pane = OUTPUT

    def compose(self) -> ComposeResult:
        """Lay out head, failure, panes and the opened event."""
        yield PaneBar(tz=self._tz, id="pane-bar")
        yield Static("", id="failure", markup=False)
        yield OutputView(id="output")
        yield TraceView(tz=self._tz, id="trace")
        yield DiffPane(self._fetch_files, self._fetch_file, id="diff")
        yield PlanView(self._fetch_plan, id="plan")
        yield InfoView(self._fetch_background, id="info")
        yield DetailText(id="detail")

    def on_mount(self) -> None:
        """Begin with the Output."""
        self._show_pane()

    @property
    def session(self) -> SessionView | None:
        """The session shown."""
        return self._session

    @property
    def view(self) -> Widget:
        """The pane shown, for the focus."""
        return self.query_one(f"#{self.pane}")

    def show(self, session: SessionView | None) -> None:
        """Show a session, or its newer state."""
        before, self._session = self._session, session
        if before is None or session is None or before.session_id != session.session_id:
            self.close_detail()
            self._seen = self._elsewhere = None
        self._show_failure()
        self._feed()
        self._show_bar()
        self._tell_read()

    def catch_up(self) -> None:
        """Have the Output, if it is on the screen, ask at once for what is new."""
        self.query_one(OutputView).catch_up()

    def open_event(self, run_id: str, last_seq: int, seq: int) -> None:
        """Show the trace of a run, perhaps an earlier one, at an event.

        Args:
            run_id: The run, of the session shown.
            last_seq: The seq of its last event.
            seq: The event.
        """
        now = self._session.run_id if self._session else None
        self.turn_to(TRACE)
        self._elsewhere = (run_id, last_seq) if run_id != now else None
        self._feed()
        self._note_trace("")
        self.query_one(TraceView).go_to(seq)
        self.view.focus()

    def turn_to(self, pane: str) -> None:
        """Show a pane, of the run that is active or the last."""
        if self._elsewhere is not None:
            self._elsewhere, self._notes[TRACE] = None, ""
            self._show_pane()
        if pane != self.pane:
            had_focus = self.has_pseudo_class("focus-within")
            self.pane = pane
            self.post_message(self.Turned(pane))
            self._show_pane()
            if had_focus:
                self.view.focus()

    def close_detail(self) -> bool:
        """Close the opened event; return whether one was open."""
        opened = self.query_one("#detail")
        was_open = opened.display
        if was_open:
            had_focus = opened.has_focus
            opened.display = False
            if had_focus:
                self.view.focus()
        return bool(was_open)

    def _show_pane(self) -> None:
        for name, _, _ in PANES:
            self.query_one(f"#{name}").display = name == self.pane
        self.query_one("#detail").display = False
        self._feed()
        self._show_bar()

    def _show_bar(self) -> None:
        self.query_one(PaneBar).show(self.pane, self._session, self._notes[self.pane])

    def _show_failure(self) -> None:
        failure = self.query_one("#failure", Static)
        session = self._session
        failed = session is not None and session.attention == Attention.FAILED
        failure.display = failed
        if session is not None and failed:
            kind = f" ({session.failure_kind})" if session.failure_kind else ""
            reason = (session.failure or "no reason is known")[:FAILURE_LIMIT]
            hint = (
                "a: resume, restart or abandon"
                if session.open_approvals
                else "i: a new prompt starts it again"
            )
            failure.update(Content(clean(f"✗ failed{kind}: {reason}\n  {hint}")))

    def _feed(self) -> None:
        """Give the visible pane its run, or tell it how far the run has grown."""
        session, pane = self._session, self.pane
        if pane in (DIFF, PLAN, INFO):
            self._following(pane).follow(session)
            return
        key = (session.session_id, session.run_id) if session else ("", None)
        last = session.last_event_seq if session else 0
        if pane == TRACE and self._elsewhere is not None:
            key, last = (key[0], self._elsewhere[0]), self._elsewhere[1]
        if self._shown.get(pane) == key:
            self._pane_of(pane).grow(last)
            return
        self._keep_place(pane)
        self._shown[pane] = key
        run_id = key[1]
        place = self._places.get((key[0], run_id, pane))
        if pane == TRACE:
            kept = place if isinstance(place, TracePlace) else None
            finder = DeckFinder(self._deck, key[0])
            self.query_one(TraceView).show(run_id, last, self._fetch_of(key[0]), finder, kept)
        else:
            kept = place if isinstance(place, OutputPlace) else None
            self.query_one(OutputView).show(run_id, self._output_of(key[0], run_id), kept)
            self.query_one(OutputView).grow(last)

    def _keep_place(self, pane: str) -> None:
        """Remember where the person was in what the pane shows until now."""
        key, place = self._shown.get(pane), self._pane_of(pane).place
        if key is not None and place is not None:
            self._places[(key[0], key[1], pane)] = place
            self._places.move_to_end((key[0], key[1], pane))
            if len(self._places) > PLACES_KEPT:
                self._places.popitem(last=False)

    def _following(self, pane: str) -> DiffPane | PlanView | InfoView:
        if pane == DIFF:
            return self.query_one(DiffPane)
        return self.query_one(PlanView if pane == PLAN else InfoView)

    async def _fetch_files(self, session_id: str) -> WorktreeDiff:
        return await self._deck().diff(session_id)

    async def _fetch_file(self, session_id: str, path: str) -> FileDiff:
        return await self._deck().diff_file(session_id, path)

    async def _fetch_plan(self, session_id: str, run_id: str, seq: int) -> dict[str, Any] | None:
        _, events, _ = await self._deck().events(
            session_id, run_id=run_id, after_seq=seq - 1, limit=1
        )
        return events[0].payload if events else None

    async def _fetch_background(self, session: SessionView) -> Background:
        deck = self._deck()
        runs, profiles = await deck.runs(session.session_id), await deck.agents()
        profile = next((p for p in profiles if p.get("name") == session.agent), {})
        return Background(tuple(runs), tuple(profile.get("env_names") or ()))

    def _pane_of(self, pane: str) -> OutputView | TraceView:
        return self.query_one(TraceView if pane == TRACE else OutputView)

    def _fetch_of(self, session_id: str):
        async def fetch(run_id: str, after_seq: int, limit: int) -> list[EventView]:
            _, events, _ = await self._deck().events(
                session_id, run_id=run_id, after_seq=after_seq, limit=limit
            )
            return events

        return fetch

    def _output_of(self, session_id: str, run_id: str | None):
        async def fetch(after_seq: int, limit: int) -> tuple[list[EventView], int]:
            _, events, cursor = await self._deck().events(
                session_id, run_id=run_id, after_seq=after_seq, limit=limit, types=SHOWN_TYPES
            )
            return events, cursor

        return fetch

    @on(OutputView.EndSeen)
    def _end_seen(self, event: OutputView.EndSeen) -> None:
        event.stop()
        self._seen = (event.output_view.run_id, event.seq)
        self._tell_read()

    def _tell_read(self) -> None:
        """Say that the session is read, if all of its output so far was on screen (A9)."""
        session = self._session
        if session is None or self._seen is None or session.version <= session.read_version:
            return
        run_id, seq = self._seen
        if run_id == session.run_id and seq >= session.last_event_seq and self.pane == OUTPUT:
            self.post_message(self.Read(session.session_id, session.version))

    @on(OutputView.FollowChanged)
    def _output_follow(self, event: OutputView.FollowChanged) -> None:
        self._notes[OUTPUT] = _follow_note(event.follow, event.new_below)
        self._show_bar()

    @on(TraceView.FollowChanged)
    def _trace_follow(self, event: TraceView.FollowChanged) -> None:
        self._note_trace(_follow_note(event.follow, event.new_below))

    def _note_trace(self, follow: str) -> None:
        types = self.query_one(TraceView).types
        only = f"only {name_of(types)}" if types else ""
        elsewhere = "an earlier run, 2 goes back" if self._elsewhere else ""
        self._notes[TRACE] = ", ".join(filter(None, (elsewhere, only, follow)))
        self._show_bar()

    @on(TraceView.Filtered)
    def _trace_filtered(self, message: TraceView.Filtered) -> None:
        message.stop()
        trace = self.query_one(TraceView)
        self._note_trace(_follow_note(trace.follow, trace.new_below))

    @on(TraceView.Choosing)
    def _types_wanted(self, message: TraceView.Choosing) -> None:
        message.stop()
        trace = self.query_one(TraceView)
        self.post_message(self.TypesAsked(message.types, trace.filter))

    # What y and o are about

    def copied(self) -> Copied | None:
        """Return what there is to copy in the pane, or in the opened event."""
        detail_text = self.query_one(DetailText)
        if detail_text.display:
            return Copied(detail_text.text, "event")
        pane = self.query_one(DiffView) if self.pane == DIFF else self.view
        return copied_of(pane)

    def file(self) -> tuple[str, int] | None:
        """Return the file and the line that the mark of the pane is about."""
        return file_of(self.view, self._session) if self._session is not None else None

    def open_diff_file(self) -> bool:
        """Have the file of the Diff opened, if that is the pane shown."""
        if self.pane != DIFF:
            return False
        self.query_one(DiffView).action_open_in_editor()
        return True

    @on(TraceView.Opened)
    def _event_opened(self, message: TraceView.Opened) -> None:
        message.stop()
        opened = self.query_one(DetailText)
        opened.display = True
        opened.show(detail(message.event), diff=message.event.type == "diff")
        opened.focus()

    @on(TraceView.Highlighted)
    def _event_highlighted(self, message: TraceView.Highlighted) -> None:
        message.stop()
        opened = self.query_one(DetailText)
        if opened.display and message.event is not None and not opened.has_focus:
            opened.show(detail(message.event), diff=message.event.type == "diff")

    @on(PaneBar.Chosen)
    def _pane_chosen(self, message: PaneBar.Chosen) -> None:
        message.stop()
        self.turn_to(message.pane)


def _follow_note(follow: bool, new_below: bool) -> str:
    """Return what the bar says of a pane that has left its end."""
    if follow:
        return ""
    return "↓ new below, G follows" if new_below else "scrolled back, G follows"
