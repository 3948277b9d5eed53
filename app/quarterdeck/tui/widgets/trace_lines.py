"""How the events of a trace look: one line each, the names of its parts, their default colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView
from quarterdeck.tui.find_words import FindWords
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.event_lines import summary
from quarterdeck.tui.widgets.glyphs import Glyphs, event_word

COMPONENTS = (
    "trace-view--cursor",
    "trace-view--seq",
    "trace-view--time",
    "trace-view--summary",
    "trace-view--loading",
    "trace-view--empty",
    "trace-view--user",
    "trace-view--assistant",
    "trace-view--thought",
    "trace-view--tool",
    "trace-view--output",
    "trace-view--diff",
    "trace-view--approval",
    "trace-view--error",
    "trace-view--turn-end",
    "trace-view--other",
)
TRACE_CSS = """
TraceView {
    & > .trace-view--cursor { background: $surface-lighten-2; text-style: bold; }
    & > .trace-view--seq { color: $text-muted; }
    & > .trace-view--time { color: $text-muted; }
    & > .trace-view--loading { color: $text-muted; }
    & > .trace-view--empty { color: $text-muted; }
    & > .trace-view--user { color: $text-primary; text-style: bold; }
    & > .trace-view--assistant { color: $text-primary; }
    & > .trace-view--thought { color: $text-muted; text-style: italic; }
    & > .trace-view--tool { color: $text-accent; }
    & > .trace-view--output { color: $text-muted; }
    & > .trace-view--diff { color: $text-success; }
    & > .trace-view--approval { color: $text-warning; text-style: bold; }
    & > .trace-view--error { color: $text-error; text-style: bold; }
    & > .trace-view--turn-end { color: $text-muted; }
    & > .trace-view--other { color: $text-muted; }
}
"""
_WITH_TIME = 56
_WITH_SEQ = 40
_E = EventType
_TONES: dict[str, str] = {
    _E.USER_MESSAGE: "user",
    _E.ASSISTANT_MESSAGE: "assistant",
    _E.THOUGHT: "thought",
    _E.TOOL_CALL: "tool",
    _E.COMMAND_OUTPUT: "output",
    _E.DIFF: "diff",
    _E.APPROVAL_REQUESTED: "approval",
    _E.APPROVAL_DECIDED: "approval",
    _E.SESSION_FAILED: "error",
    _E.RUN_FAILED: "error",
    _E.ARTIFACT_REJECTED: "error",
    _E.ERROR: "error",
    _E.TERMINAL_STATUS: "turn-end",
}


@dataclass(frozen=True, slots=True)
class TraceLooks:
    """What all lines of a trace share."""

    glyphs: Glyphs
    tz: tzinfo | None
    """Zone of the times shown; None is the machine's."""
    look: Callable[..., Style]
    """Takes names of component classes, later ones laid over earlier ones."""
    found_in: Callable[..., list[Segment]]
    """Takes a text, its style, and whether it is the current line; marks what is looked for."""


def trace_line(
    event: EventView | None, seq: int, looks: TraceLooks, *, cursor: bool, width: int, digits: int
) -> Strip:
    """Draw an event, or a placeholder while it is fetched.

    Args:
        event: The event; None while it is fetched.
        seq: Its number.
        looks: What all lines share.
        cursor: Whether the cursor is on it.
        width: Cells of the line.
        digits: Cells for the number.
    """
    glyphs, over = looks.glyphs, ("trace-view--cursor",) if cursor else ()

    def look(name: str) -> Style:
        return looks.look(f"trace-view--{name}", *over)

    tone = _TONES.get(event.type, "other") if event else "loading"
    parts = [Segment(glyphs.cursor if cursor else " ", look(tone))]
    if width >= _WITH_SEQ:
        parts.append(Segment(f"{seq:>{digits}} ", look("seq")))
    if event is None:
        parts.append(Segment(glyphs.ellipsis, look("loading")))
    else:
        if width >= _WITH_TIME:
            parts.append(Segment(f"{_time(event.at, looks.tz):<8} ", look("time")))
        word = fit(event_word(event.type), 8, ellipsis=glyphs.ellipsis)
        sign = f"{glyphs.for_event(event.type)} {word} "
        parts += looks.found_in(sign, look(tone), now=cursor)
        room = width - sum(part.cell_length for part in parts)
        text = fit(summary(event), room, ellipsis=glyphs.ellipsis)
        parts += looks.found_in(text, look("summary"), now=cursor)
    return Strip(parts).adjust_cell_length(width, look("summary"))


def has_words(event: EventView, words: FindWords) -> bool:
    """Return whether some words are in what a line says of its event, beyond its end too."""
    if words.in_text.search(event_word(event.type)) is not None:
        return True
    return words.in_text.search(summary(event)) is not None


def _time(at: str, tz: tzinfo | None) -> str:
    try:
        return f"{datetime.fromisoformat(at).astimezone(tz):%H:%M:%S}"
    except (TypeError, ValueError, OverflowError):
        return "--:--:--"
