"""An event as a person reads it in a terminal: one line of the trace, or a piece of the output."""

import difflib
import json
from collections.abc import Callable
from typing import Any

from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import EventView

Payload = dict[str, Any]


def trace_line(event: EventView) -> str:
    """Return an event as one safe line."""
    told = _TOLD.get(event.type, _first_text)(event.payload)
    return clean_line(f"{event.seq:>6}  {event.at}  {event.type:<18}  {told.strip()}")


def output_text(event: EventView) -> str:
    """Return what an event adds to the output, as safe text; chunks of a message end anywhere."""
    if event.type == EventType.ASSISTANT_MESSAGE:
        return clean(_first_text(event.payload))
    if event.type == EventType.DIFF:
        return clean(_unified(event.payload))
    told = _TOLD.get(event.type, _first_text)(event.payload)
    return clean(told if told.endswith("\n") else f"{told}\n")


def _first_text(payload: Payload) -> str:
    """Return a payload's text, else what it names, else all of it as JSON."""
    for name in ("text", "message", "subject", "reason", "title", "mode_id"):
        value = payload.get(name)
        if isinstance(value, str) and value:
            return value
    return json.dumps(payload, ensure_ascii=False)


def _tool_call(payload: Payload) -> str:
    parts = [str(payload.get("title") or payload.get("tool_call_id"))]
    parts += [str(payload[name]) for name in ("kind", "status") if payload.get(name)]
    parts += ["unasked"] if payload.get("unasked") else []
    return " · ".join(parts)


def _error(payload: Payload) -> str:
    where = payload.get("where")
    return f"{_first_text(payload)} ({where})" if where else _first_text(payload)


def _turn_end(payload: Payload) -> str:
    parts = [str(payload[name]) for name in ("stop_reason", "error") if payload.get(name)]
    return f"turn ended: {', '.join(parts)}" if parts else _first_text(payload)


def _decided(payload: Payload) -> str:
    parts = [str(payload[name]) for name in ("option", "reason") if payload.get(name)]
    return ", ".join([f"{payload.get('action')} by {payload.get('by')}", *parts])


def _started(payload: Payload) -> str:
    return f"{payload.get('via')} · {payload.get('agent_session_id')}"


def _plan(payload: Payload) -> str:
    entries = [entry for entry in payload.get("entries") or [] if isinstance(entry, dict)]
    done = sum(entry.get("status") == "completed" for entry in entries)
    now = [str(e.get("content")) for e in entries if e.get("status") == "in_progress"]
    return f"{done} of {len(entries)} done" + (f", now {', '.join(now)}" if now else "")


def _diff(payload: Payload) -> str:
    lines = _unified(payload).splitlines()[2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return f"{payload.get('path')} +{added} -{removed}"


def _unified(payload: Payload) -> str:
    path = str(payload.get("path"))
    old, new = (str(payload.get(name) or "").splitlines() for name in ("old_text", "new_text"))
    return "".join(f"{line}\n" for line in difflib.unified_diff(old, new, path, path, lineterm=""))


_TOLD: dict[str, Callable[[Payload], str]] = {
    EventType.TOOL_CALL: _tool_call,
    EventType.ERROR: _error,
    EventType.TERMINAL_STATUS: _turn_end,
    EventType.PLAN: _plan,
    EventType.DIFF: _diff,
    EventType.APPROVAL_DECIDED: _decided,
    EventType.SESSION_STARTED: _started,
}
