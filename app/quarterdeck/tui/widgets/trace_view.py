"""The trace of a run: one line an event, whatever their number (A11, DESIGN §7)."""

import asyncio
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import EventView
from quarterdeck.tui.find_words import FindWords
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.event_finder import ERRORS, EventFinder
from quarterdeck.tui.widgets.event_pages import EventPages, Fetch
from quarterdeck.tui.widgets.follow_view import FollowView
from quarterdeck.tui.widgets.glyphs import UNICODE, Glyphs
from quarterdeck.tui.widgets.line_hits import LineHits
from quarterdeck.tui.widgets.pacing import Pacer
from quarterdeck.tui.widgets.shown_events import ShownEvents
from quarterdeck.tui.widgets.trace_hits import TraceLines
from quarterdeck.tui.widgets.trace_lines import COMPONENTS, TRACE_CSS, TraceLooks, trace_line

_FRAME = 0.1
"""Seconds between two repaints while events pour in."""


@dataclass(frozen=True, slots=True)
class TracePlace:
    """Where a person was in the trace of a run."""

    run_id: str
    follow: bool
    seq: int
    """The event under the cursor."""
    above: int
    """How many lines were above it on the screen."""
    types: frozenset[EventType]


class TraceView(FollowView):
    """Every event of one run; pages are fetched as they come into view."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = TRACE_CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "follow", "Last, follow", show=False),
        Binding("enter", "open", "Open", show=False),
        *bindings(Where.TRACE),
    ]

    class FollowChanged(FollowView.FollowChanged):
        """Following went on or off, or an event came below while it is off."""

    @dataclass
    class Highlighted(Message):
        """Another event is under the cursor and loaded; None if the trace is empty."""

        trace_view: "TraceView"
        event: EventView | None

        @property
        def control(self) -> "TraceView":
            """The trace."""
            return self.trace_view

    @dataclass
    class Opened(Message):
        """The event under the cursor was opened."""

        trace_view: "TraceView"
        event: EventView

        @property
        def control(self) -> "TraceView":
            """The trace."""
            return self.trace_view

    @dataclass
    class Choosing(Message):
        """The person wants to choose the types of events that are shown."""

        trace_view: "TraceView"
        types: frozenset[EventType]

        @property
        def control(self) -> "TraceView":
            """The trace."""
            return self.trace_view

    @dataclass
    class Filtered(Message):
        """Only events of these types are shown now; of all, if there are none."""

        trace_view: "TraceView"
        types: frozenset[EventType]

        @property
        def control(self) -> "TraceView":
            """The trace."""
            return self.trace_view

    def __init__(
        self,
        *,
        tz: tzinfo | None = None,
        glyphs: Glyphs = UNICODE,
        empty_text: str = "No events yet",
        frame: float = _FRAME,
        **kwargs: Any,
    ) -> None:
        """Create an empty trace.

        Args:
            tz: Zone of the times shown; None is the machine's.
            glyphs: What the terminal can show.
            empty_text: Stands where events would be.
            frame: Least seconds between two growths shown.
            **kwargs: The widget's own.
        """
        super().__init__(**kwargs)
        self._tz = tz
        self._glyphs = glyphs
        self._empty_text = empty_text
        self._trimmed = ""
        self._pages: EventPages | None = None
        self._cursor = 0
        self._last_seq = 0
        self._shown = 0
        self._told: tuple[str, int] | None = None
        self._strips: LRUCache[tuple[int, bool], Strip] = LRUCache(1024)
        self._drawn_width = 0
        self._missing: set[int] = set()
        self._pacer = Pacer(self, self._show_growth, frame)
        self._run_id: str | None = None
        self._fetch: Fetch | None = None
        self._finder: EventFinder | None = None
        self._events = ShownEvents()
        self._jumping: asyncio.Task[None] | None = None
        self._wanted_seq = 0
        """The event the cursor goes to once it is known where that is."""
        self._to_be_seen = False
        """Whether the cursor was put on an event while nothing of the view was on the screen."""

    @property
    def run_id(self) -> str | None:
        """The run shown."""
        return self._run_id

    @property
    def last_seq(self) -> int:
        """The seq of the run's last event, as far as is known here."""
        return self._last_seq

    @property
    def cursor_seq(self) -> int:
        """The seq of the event under the cursor, 0 if there is none."""
        return self._events.seq_at(self._cursor) if self._shown else 0

    @property
    def types(self) -> frozenset[EventType]:
        """The types of events shown; none stands for all."""
        return self._events.types

    @property
    def place(self) -> "TracePlace | None":
        """Where the person is, to come back to; None if nothing is shown."""
        if self._run_id is None:
            return None
        above = self._cursor - self.top
        return TracePlace(self._run_id, self.follow, self.cursor_seq, above, self.types)

    @property
    def highlighted(self) -> EventView | None:
        """The event under the cursor, if it is loaded."""
        return self._pages.get(self._cursor + 1) if self._pages and self._shown else None

    def show(
        self,
        run_id: str | None,
        last_seq: int,
        fetch: Fetch | None,
        finder: EventFinder | None = None,
        place: "TracePlace | None" = None,
    ) -> None:
        """Show a run from its end, following; None shows nothing.

        Args:
            run_id: The run.
            last_seq: The seq of its last event so far.
            fetch: Gets events of the run from the supervisor.
            finder: Finds events by their types.
            place: Where the person was in the run, to show that instead.
        """
        place = place if place is not None and place.run_id == run_id else None
        before = self.types
        self._run_id, self._fetch, self._finder = run_id, fetch, finder
        self._trimmed = ""
        self._last_seq = last_seq if run_id else 0
        self._begin(place.types if place is not None else frozenset())
        if before != self.types:
            self.tell(self.Filtered(self, self.types))
        if place is not None and not place.follow:
            self._wanted_seq = place.seq
            self.follow = False
            if self._events.are_all:
                self._go_to_wanted()
                self.scroll_to(y=self._cursor - place.above, force=True)

    def say_trimmed(self, words: str) -> None:
        """Show nothing but that the run's events are no more."""
        self.show(None, 0, None)
        self._trimmed = words

    def _begin(self, types: frozenset[EventType]) -> None:
        """Show the run anew with events of some types only, following."""
        self._close()
        self._wanted_seq = 0
        self._events = ShownEvents(self._run_id, types, self._finder, self._events_found)
        self._pages = self._events.pages(self._last_seq, self._fetch, self._loaded)
        self._shown = self._events.count(self._last_seq)
        self._cursor = max(0, self._shown - 1)
        self._told = None
        self._strips.clear()
        self._missing.clear()
        self.set_line_count(self._shown)
        self.new_below = False
        if self.follow:
            self.to_end()
        else:
            self.follow = True
        self.refresh()
        if self._shown:
            self._tell_highlighted()
        else:
            self.tell(self.Highlighted(self, None))
        self._events.find(self._last_seq)
        self.find_anew()

    def _events_found(self) -> None:
        if self._pages is not None:
            self._pages.grow(self._events.count(self._last_seq))
        self._pacer.ask()

    def hits_of(self, words: FindWords) -> LineHits:
        """Return the lines that have some words."""

        async def fetch(line: int, limit: int) -> list[EventView]:
            return await self._pages.read(line + 1, limit) if self._pages is not None else []

        lines = TraceLines(lambda: self._shown, lambda: self._cursor, fetch, self._show_hit)
        return LineHits(lines, words)

    def _show_hit(self, line: int) -> None:
        self.follow = False
        self._move_to(line)

    def marks_changed(self) -> None:
        """Draw the lines on the screen anew."""
        self._strips.clear()
        self.refresh()

    def filter(self, types: frozenset[EventType]) -> None:
        """Show only events of some types, or all; the cursor stays at its event, or near it."""
        if types == self.types or (types and self._finder is None):
            return
        follow, seq = self.follow, self.cursor_seq
        self._begin(types)
        if not follow and seq:
            self.follow = False
            self._wanted_seq = seq
            if self._events.are_all:
                self._go_to_wanted()
        self.tell(self.Filtered(self, types))

    def _go_to_wanted(self) -> None:
        """Put the cursor on the event it belongs to, once its place is known."""
        seq = self._wanted_seq
        if seq and self._events.knows(min(seq, self._last_seq)):
            self._wanted_seq = 0
            self._move_to(self._events.place_of(seq))

    def go_to(self, seq: int) -> None:
        """Put the cursor on an event and follow no longer, showing all types if need be."""
        if not self._events.has(seq):
            self._begin(frozenset())
            self.tell(self.Filtered(self, frozenset()))
        self.follow = False
        self._move_to(self._events.place_of(seq))

    def action_filter_types(self) -> None:
        """Have the types of events chosen."""
        self.tell(self.Choosing(self, self.types))

    def action_jump_error(self, step: int) -> None:
        """Go to the next error, or to the one before."""
        finder, run_id = self._finder, self._run_id
        if finder is None or run_id is None or self._jumping is not None:
            return

        async def jump() -> None:
            found = None
            try:
                found = await finder.nearest(run_id, ERRORS, self.cursor_seq, step > 0)
            except QuarterdeckError as error:
                self.app.notify(clean_line(error.message), severity="error", markup=False)
                return
            finally:
                self._jumping = None
            if run_id != self._run_id:
                return
            if found is None:
                where = "after" if step > 0 else "before"
                self.app.notify(f"No error {where} this event.", markup=False)
            else:
                self.go_to(found)

        self._jumping = asyncio.create_task(jump(), name="jump to error")

    def grow(self, last_seq: int) -> None:
        """Learn that the run has more events; a flood of this is shown a few times a second.

        Called with nothing new it looks again for what could not be fetched.
        """
        if self._pages is None:
            return
        if self._events.are_all:
            self._pages.grow(last_seq)
        if last_seq > self._last_seq:
            self._last_seq = last_seq
            self._pacer.ask()
        elif self._missing:
            self._repaint_missing()

    def _repaint_missing(self) -> None:
        for y in self._missing:
            self.refresh_span(y, y + 1)

    def _show_growth(self) -> None:
        self._events.find(self._last_seq)
        count = self._events.count(self._last_seq)
        if self._shown == count or not self.is_on_screen:
            self._go_to_wanted()
            return
        before, self._shown = self._shown, count
        if len(str(before)) != len(str(self._shown)):
            self._strips.clear()
            self.refresh()
        self.set_line_count(self._shown)
        if self.follow:
            old, self._cursor = self._cursor, self._shown - 1
            self.refresh_span(old, old + 1)
            self.to_end()
            self._tell_highlighted()
        elif before == 0:
            self._tell_highlighted()
        self.refresh_span(before, self._shown)
        if self._shown > self.top + self.page:
            self.tell_new_below()
        if self._missing:
            self._repaint_missing()
        self._go_to_wanted()
        self.count_on()

    def _loaded(self, first: int, last: int) -> None:
        self.refresh_span(first - 1, last)
        if first <= self._cursor + 1 <= last:
            self._tell_highlighted()

    def _tell_highlighted(self) -> None:
        event = self.highlighted
        if event is not None and self._told != (event.run_id, event.seq):
            self._told = (event.run_id, event.seq)
            self.tell(self.Highlighted(self, event))

    def _move_to(self, index: int) -> None:
        if not self._shown:
            return
        old, self._cursor = self._cursor, max(0, min(index, self._shown - 1))
        if self._cursor < old:
            self.follow = False
        if self._cursor != old:
            self.refresh_span(old, old + 1)
            self.refresh_span(self._cursor, self._cursor + 1)
        self._to_be_seen = self.page <= 0
        self.bring_into_view(self._cursor)
        self._tell_highlighted()

    def painted_line(self, y: int) -> Strip:
        """Draw one line of the screen, or a placeholder while its event is fetched."""
        width = self.line_width
        if width != self._drawn_width:
            self._drawn_width = width
            self._strips.clear()
        index = y + self.top
        if index >= self._shown or self._pages is None:
            if y == 0 and not self._shown:
                empty = self._trimmed or self._empty_text
                empty = "No such events" if self.types else empty
                text = fit(clean_line(empty), width, ellipsis=self._glyphs.ellipsis)
                return Strip([Segment(text, self.look("trace-view--empty"))], width)
            return Strip.blank(width, self.look())
        event = self._pages.get(index + 1)
        key = (index + 1, index == self._cursor)
        if event is None:
            self._missing.add(index)
            return self._draw(self._events.seq_at(index), None, key[1], width)
        self._missing.discard(index)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._draw(event.seq, event, key[1], width)
            self._strips[key] = strip
        return self.with_selected(strip, index)

    def line_text(self, line: int) -> str:
        """Return the text of a line as it is drawn, if its event is loaded."""
        event = self._pages.get(line + 1) if self._pages else None
        return self._draw(event.seq, event, False, self.line_width).text if event else ""

    def _draw(self, seq: int, event: EventView | None, cursor: bool, width: int) -> Strip:
        digits = max(4, len(str(self._shown if self._events.are_all else self._last_seq)))
        looks = TraceLooks(self._glyphs, self._tz, self.look, self.found_in)
        return trace_line(event, seq, looks, cursor=cursor, width=width, digits=digits)

    def notify_style_update(self) -> None:
        """Forget what was drawn in other styles."""
        super().notify_style_update()
        self._strips.clear()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Forget which lines of the former screen were missing."""
        super().watch_scroll_y(old_value, new_value)
        self._missing.clear()

    def action_move(self, by: int) -> None:
        """Move the cursor by some events."""
        self._move_to(self._cursor + by)

    def action_move_page(self, by: int) -> None:
        """Move the cursor by some screens."""
        self._move_to(self._cursor + by * max(1, self.page - 1))

    def action_first(self) -> None:
        """Move the cursor to the first event."""
        self._move_to(0)

    def action_follow(self) -> None:
        """Move the cursor to the last event and stay there."""
        self._move_to(self._shown - 1)
        super().action_follow()

    def action_open(self) -> None:
        """Open the event under the cursor, if it is loaded."""
        event = self.highlighted
        if event is not None:
            self.tell(self.Opened(self, event))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the line, or open the event that is under it."""
        offset, selection = event.get_content_offset(self), self.text_selection
        if selection is not None and selection.start != selection.end:
            return
        if offset is None or offset.y + self.top >= self._shown:
            return
        event.stop()
        index = offset.y + self.top
        if index == self._cursor:
            self.action_open()
        else:
            self._move_to(index)

    def on_resize(self) -> None:
        """Stay at the end while following, else show the event gone to before there was room."""
        if self.follow:
            self.to_end()
        elif self._to_be_seen and self.page > 0:
            self._to_be_seen = False
            self.scroll_to(y=self._cursor, force=True)

    def on_show(self) -> None:
        """Catch up with what happened while hidden; meanwhile nothing was fetched."""
        self._show_growth()

    def on_unmount(self) -> None:
        """Let no fetch outlive the view."""
        self._close()

    def _close(self) -> None:
        if self._jumping is not None:
            self._jumping.cancel()
            self._jumping = None
        self._events.close()
        if self._pages:
            self._pages.close()
