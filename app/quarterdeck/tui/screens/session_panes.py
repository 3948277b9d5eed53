"""The panes of one session: Output, Trace, Diff, Plan, Info, and why it failed."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import pairwise

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import Attention, SessionState
from quarterdeck.tui.screens.deck_finder import DeckFinder
from quarterdeck.tui.screens.halves import BESIDE_ROOM, DIFF, INFO, OUTPUT, PLAN, TRACE, Halves
from quarterdeck.tui.screens.pane_source import PaneSource
from quarterdeck.tui.screens.subject_of_key import copied_of, file_of
from quarterdeck.tui.widgets.copied import Copied
from quarterdeck.tui.widgets.diff_pane import DiffPane
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.event_detail import DetailText
from quarterdeck.tui.widgets.event_finder import name_of
from quarterdeck.tui.widgets.event_lines import detail
from quarterdeck.tui.widgets.findable_view import FindableView
from quarterdeck.tui.widgets.info_view import InfoView
from quarterdeck.tui.widgets.output_cursor import OutputPlace
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.pane_bar import PANES, PaneBar
from quarterdeck.tui.widgets.plan_view import PlanView
from quarterdeck.tui.widgets.trace_view import TracePlace, TraceView

FAILURE_LIMIT = 600
PLACES_KEPT = 200
"""Panes of sessions in which the place one was at is remembered."""


class SessionPanes(Vertical):
    """Shows one session's active or last run; only the visible pane fetches."""

    @dataclass
    class Turned(Message):
        """Other panes are shown."""

        halves: Halves

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
        self._source = PaneSource(deck)
        self._session: SessionView | None = None
        self._shown: dict[str, tuple[str, str | None]] = {}
        self._seen: tuple[str | None, int] | None = None
        self._notes = {name: "" for name, _, _ in PANES}
        self._elsewhere: tuple[str, int] | None = None
        self._places: OrderedDict[tuple[str, str | None, str], OutputPlace | TracePlace] = (
            OrderedDict()
        )
        self._halves = Halves()
        self._left = ""
        self._placed = self._halves.shown, False

    def compose(self) -> ComposeResult:
        """Lay out head, failure, panes and the opened event."""
        yield PaneBar(tz=self._tz, id="pane-bar")
        yield PaneBar(tz=self._tz, id="second-bar")
        yield Static("", id="failure", markup=False)
        yield OutputView(id="output")
        yield TraceView(tz=self._tz, id="trace")
        yield DiffPane(self._source.files, self._source.file, id="diff")
        yield PlanView(self._source.plan, id="plan")
        yield InfoView(self._source.background, tz=self._tz, id="info")
        yield DetailText(id="detail")

    def on_mount(self) -> None:
        """Begin with the Output."""
        self._show_pane()

    @property
    def session(self) -> SessionView | None:
        """The session shown."""
        return self._session

    @property
    def halves(self) -> Halves:
        """The panes on the screen."""
        return self._halves

    @property
    def pane(self) -> str:
        """The name of the pane that keys are about."""
        return self._halves.current

    @property
    def view(self) -> Widget:
        """The pane that keys are about, for the focus."""
        return self.query_one(f"#{self.pane}")

    @property
    def findable(self) -> FindableView | None:
        """The text that is looked through: the opened event, else the pane keys are about."""
        opened = self.query_one(DetailText)
        if opened.display:
            return opened
        pane = self.query_one(DiffView) if self.pane == DIFF else self.view
        return pane if isinstance(pane, FindableView) else None

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
        self.show_halves(self._halves.turned(pane))

    def split(self) -> None:
        """Show a second pane, or again only the one that keys are about."""
        halves = self._halves
        self.show_halves(halves.whole() if halves.second else halves.split(self._left))

    def show_halves(self, halves: Halves) -> None:
        """Show these panes; the focus stays with the panes if they had it."""
        before, self._halves = self._halves, halves
        if halves == before:
            return
        had_focus = self.has_pseudo_class("focus-within")
        gone = [pane for pane in before.shown if pane not in halves.shown]
        self._left = gone[-1] if gone else self._left
        if halves.shown != before.shown:
            self.post_message(self.Turned(halves))
            self._show_pane()
        self._show_bar()
        if had_focus:
            self.view.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Put two panes beside each other where there is room."""
        self._place_halves()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Note which half has the focus."""
        for at, pane in enumerate(self._halves.shown):
            view = self.query_one(f"#{pane}")
            if view in event.widget.ancestors_with_self and at != self._halves.at:
                self._halves = replace(self._halves, at=at)
                self._show_bar()

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
            self.query_one(f"#{name}").display = name in self._halves.shown
        self.query_one("#detail").display = False
        self._place_halves()
        self._feed()
        self._show_bar()

    def _place_halves(self) -> None:
        """Put the second pane, if there is one, beside or below the first."""
        halves = self._halves
        beside = bool(halves.second) and self.size.width >= BESIDE_ROOM
        self.query_one("#second-bar").display = bool(halves.second)
        if (halves.shown, beside) == self._placed:
            return
        self._placed = halves.shown, beside
        self.set_class(beside, "-beside")
        for name, _, _ in PANES:
            self.query_one(f"#{name}").set_class(name == halves.second, "-second")
        if not halves.second:
            return
        order = ["pane-bar", "failure", halves.first, "second-bar", halves.second, "detail"]
        if beside:
            order = ["pane-bar", "second-bar", "failure", halves.first, halves.second, "detail"]
        for before, name in pairwise(order):
            self.move_child(self.query_one(f"#{name}"), after=self.query_one(f"#{before}"))

    def _show_bar(self) -> None:
        """Say in the head of each half which pane it shows; of which session, in the first."""
        halves = self._halves
        for at, (name, session) in enumerate((("pane-bar", self._session), ("second-bar", None))):
            bar = self.query_one(f"#{name}", PaneBar)
            bar.set_class(at == halves.at, "-current")
            if at < len(halves.shown):
                bar.show(halves.shown[at], session, self._notes[halves.shown[at]])

    def _show_failure(self) -> None:
        failure = self.query_one("#failure", Static)
        session = self._session
        failed = session is not None and session.attention == Attention.FAILED
        failure.display = failed
        self.set_class(failed, "-failed")
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
        """Give each visible pane its run, or tell it how far the run has grown."""
        for pane in self._halves.shown:
            self._feed_pane(pane)

    def _feed_pane(self, pane: str) -> None:
        session = self._session
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
        if last and session is not None and session.state == SessionState.CLOSED:
            self._ask_trimmed(pane, key)
        run_id = key[1]
        place = self._places.get((key[0], run_id, pane))
        if pane == TRACE:
            kept = place if isinstance(place, TracePlace) else None
            finder = DeckFinder(self._deck, key[0])
            self.query_one(TraceView).show(
                run_id, last, self._source.events_of(key[0]), finder, kept
            )
        else:
            kept = place if isinstance(place, OutputPlace) else None
            self.query_one(OutputView).show(run_id, self._source.output_of(key[0], run_id), kept)
            self.query_one(OutputView).grow(last)

    def _ask_trimmed(self, pane: str, key: tuple[str, str | None]) -> None:
        """Have the pane say that its run's events were trimmed, if so (A2).

        Only those of closed sessions are.
        """

        async def ask() -> None:
            session_id, run_id = key
            with contextlib.suppress(QuarterdeckError):
                words = await self._source.trimmed(session_id, run_id or "", self._tz)
                if words and self._shown.get(pane) == key:
                    self._say_trimmed(pane, run_id, words)

        self.run_worker(ask(), group=f"trimmed-{pane}", exclusive=True)

    def _say_trimmed(self, pane: str, run_id: str | None, words: str) -> None:
        self._pane_of(pane).say_trimmed(words)
        if pane == OUTPUT and self._session is not None:
            self._seen = (run_id, self._session.last_event_seq)
            self._tell_read()

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

    def _pane_of(self, pane: str) -> OutputView | TraceView:
        return self.query_one(TraceView if pane == TRACE else OutputView)

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
        if (
            run_id == session.run_id
            and seq >= session.last_event_seq
            and OUTPUT in self._halves.shown
        ):
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
        """Show the clicked pane in the half whose head was clicked."""
        message.stop()
        if self._halves.second:
            self._halves = replace(self._halves, at=int(message.second))
        self.turn_to(message.pane)


def _follow_note(follow: bool, new_below: bool) -> str:
    """Return what the bar says of a pane that has left its end."""
    if follow:
        return ""
    return "↓ new below, G follows" if new_below else "scrolled back, G follows"
