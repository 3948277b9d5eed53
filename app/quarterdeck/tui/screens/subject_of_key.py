"""What the keys for copying and for the editor are about, pane by pane."""

from pathlib import PurePath
from typing import Any

from textual.screen import Screen

from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView, SessionView
from quarterdeck.tui.widgets.copied import Copied
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.event_lines import detail
from quarterdeck.tui.widgets.output_cards import change_of, place_of
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.reading_view import ReadingView
from quarterdeck.tui.widgets.trace_view import TraceView

Pane = object


def selected_text(screen: Screen[Any]) -> Copied | None:
    """Return what is selected with the mouse, and take the selection back."""
    text = screen.get_selected_text()
    if not text or not text.strip():
        return None
    screen.clear_selection()
    return Copied(text, "selection")


def copied_of(pane: Pane) -> Copied | None:
    """Return what a pane has to copy: the block, event or hunk that is marked, or all its text."""
    if isinstance(pane, (OutputView, DiffView)):
        return pane.copied()
    if isinstance(pane, TraceView):
        event = pane.highlighted
        return Copied(detail(event), "event") if event is not None else None
    if isinstance(pane, ReadingView):
        return Copied(pane.text, "text")
    return None


def file_of(pane: Pane, session: SessionView) -> tuple[str, int] | None:
    """Return the file, its path whole, and the line that a pane's mark is about."""
    found = None
    if isinstance(pane, OutputView):
        found = pane.file()
    elif isinstance(pane, TraceView) and pane.highlighted is not None:
        found = _file_of_event(pane.highlighted)
    if found is None or not found[0]:
        return None
    return str(PurePath(session.cwd) / found[0]), found[1]


def _file_of_event(event: EventView) -> tuple[str, int] | None:
    payload = event.payload if isinstance(event.payload, dict) else {}
    if event.type == EventType.DIFF:
        change = change_of(payload)
        return change.path, change.first_line
    return place_of(payload)
