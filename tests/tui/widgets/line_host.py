"""A tiny app around one widget, and builders of what widgets show."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from textual import on
from textual.app import App, ComposeResult
from textual.filter import LineFilter
from textual.message import Message
from textual.widget import Widget

from quarterdeck.model.hostile_text import drop_unsafe
from quarterdeck.model.records import EventView, SessionView
from quarterdeck.tui.line_filter import UnsafeTextFilter
from quarterdeck.tui.widgets.follow_view import FollowView
from quarterdeck.tui.widgets.line_view import LineView
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.trace_view import TraceView

M = TypeVar("M", bound=Message)
NOW_MS = 1_700_000_000_000
NOW = "2023-11-14T22:13:20.000Z"


class LineHost(App[None]):
    """Shows one widget and keeps the messages it sends."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, widget: Widget, css: str = "", *, guarded: bool = False) -> None:
        super().__init__()
        self.stylesheet.add_source(css, ("host", ""))
        self.widget = widget
        self.guarded = guarded
        self.messages: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = list(super().get_line_filters())
        return [UnsafeTextFilter(), *filters] if self.guarded else filters

    @on(SessionList.Highlighted)
    @on(SessionList.Opened)
    @on(TraceView.Highlighted)
    @on(TraceView.Opened)
    @on(FollowView.FollowChanged)
    @on(OutputView.EndSeen)
    def keep(self, message: Message) -> None:
        self.messages.append(message)

    def sent(self, kind: type[M]) -> list[M]:
        return [message for message in self.messages if isinstance(message, kind)]


def session(number: int = 1, **changes: Any) -> SessionView:
    """Build a session as a reader sees it."""
    attributes: dict[str, Any] = {
        "session_id": f"ses_{number}",
        "title": f"title {number}",
        "agent": "runbook",
        "state": "running",
        "attention": "active",
        "cwd": "/src",
        "project": "/src",
        "last_event_seq": 1,
        "run_id": f"run_{number}",
        "active": True,
        "version": 1,
        "read_version": 0,
        "open_approvals": 0,
        "queued": 0,
        "state_since": NOW,
        "state_source": "event",
        "created_at": NOW,
        "last_activity": NOW,
    }
    return SessionView(**(attributes | changes))


def event(seq: int, type_: str = "assistant_message", **payload: Any) -> EventView:
    """Build an event of run_1."""
    return EventView(seq=seq, run_id="run_1", type=type_, at=NOW, payload=payload)


def screen_lines(widget: Widget) -> list[str]:
    """Return what the widget draws now, its lines without the blanks at their ends."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def unsafe_in(widget: Widget) -> list[str]:
    """Return the drawn lines that hold an unsafe code point, a tab or a line break."""
    lines = [widget.render_line(y).text for y in range(widget.size.height)]
    return [line for line in lines if drop_unsafe(line) != line or "\n" in line or "\t" in line]


def count_lines(widget: LineView) -> list[int]:
    """Have every line the view paints from now on noted, and return the list of them."""
    drawn: list[int] = []
    draw: Callable[[int], Any] = widget.painted_line

    def noting(y: int) -> Any:
        drawn.append(y)
        return draw(y)

    widget.painted_line = noting  # type: ignore[method-assign]
    return drawn


class Events:
    """Stands for the supervisor: any number of events, every fetch noted."""

    def __init__(self, make: Callable[[int], EventView] | None = None) -> None:
        self.make = make or (lambda seq: event(seq, text=f"event {seq}"))
        self.fetched: list[tuple[str, int, int]] = []
        self.fail = False
        self.gate: asyncio.Event | None = None

    async def __call__(self, run_id: str, after_seq: int, limit: int) -> list[EventView]:
        self.fetched.append((run_id, after_seq, limit))
        if self.gate is not None:
            await self.gate.wait()
        if self.fail:
            raise ConnectionError("gone")
        return [self.make(seq) for seq in range(after_seq + 1, after_seq + limit + 1)]


class Output:
    """Stands for the supervisor: the output events given, every fetch noted."""

    def __init__(self, *events: EventView) -> None:
        self.events = list(events)
        self.examined = 0
        self.fetched: list[tuple[int, int]] = []
        self.fail = False
        self.gate: asyncio.Event | None = None

    @property
    def last_seq(self) -> int:
        return max([self.examined, *(event.seq for event in self.events)])

    async def __call__(self, after_seq: int, limit: int) -> tuple[list[EventView], int]:
        self.fetched.append((after_seq, limit))
        if self.gate is not None:
            await self.gate.wait()
        if self.fail:
            raise ConnectionError("gone")
        found = [event for event in self.events if event.seq > after_seq][:limit]
        return found, found[-1].seq if len(found) == limit else self.last_seq
