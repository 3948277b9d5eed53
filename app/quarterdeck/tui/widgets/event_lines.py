"""What an event says: in one line for the trace, and whole for the detail pane (A2)."""

from collections.abc import Callable
from typing import Any

from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.diff_lines import file_change
from quarterdeck.tui.widgets.payload_text import as_json, as_text, member

_E = EventType
_SUMMARY = 500
"""Characters of a payload's text that a summary looks at."""


def summary(event: EventView) -> str:
    """Return one safe line that says what the event is about; never fails."""
    payload = event.payload if isinstance(event.payload, dict) else {}
    text = _SUMMARIES.get(event.type, _other)(payload)
    return clean_line(text[:_SUMMARY].strip()) if text else ""


def detail(event: EventView) -> str:
    """Return the whole event as safe text of several lines; never fails."""
    head = f"{event.seq} · {as_text(event.type)} · {as_text(event.at)}"
    payload: Any = event.payload
    if not isinstance(payload, dict):
        return clean(f"{head}\n\n{as_json(payload)}")
    body = _body(event.type, payload)
    return clean(f"{head}\n\n{body}")


def _body(event_type: str, payload: dict[str, Any]) -> str:
    main = _MAIN_MEMBER.get(event_type)
    if event_type == _E.DIFF:
        old, new = member(payload, "old_text"), member(payload, "new_text")
        change = "\n".join(file_change(old, new).lines)
        return f"{_members(payload, without=('old_text', 'new_text'))}\n\n{change}"
    if main is None or not isinstance(payload.get(main), str):
        return _members(payload)
    rest = _members(payload, without=(main,))
    return f"{rest}\n\n{payload[main]}" if rest else payload[main]


def _members(payload: dict[str, Any], without: tuple[str, ...] = ()) -> str:
    lines: list[str] = []
    for key, value in payload.items():
        if key in without or value is None:
            continue
        text = value if isinstance(value, str) else as_json(value)
        separator = ":\n" if "\n" in text else ": "
        lines.append(f"{as_text(key)}{separator}{text}")
    return "\n".join(lines)


# The member whose text is shown by itself, below the others.
_MAIN_MEMBER: dict[str, str] = {
    _E.USER_MESSAGE: "text",
    _E.ASSISTANT_MESSAGE: "text",
    _E.THOUGHT: "text",
    _E.COMMAND_OUTPUT: "text",
    _E.APPROVAL_REQUESTED: "subject",
    _E.ERROR: "message",
}


def _joined(*parts: str, by: str = " · ") -> str:
    return by.join(part[:_SUMMARY] for part in parts if part)


def _text(payload: dict[str, Any]) -> str:
    # Leading line breaks would be all of the line; the rest of them is shown.
    return member(payload, "text").lstrip() or as_text(payload.get("content"))


def _tool_call(payload: dict[str, Any]) -> str:
    name = member(payload, "title") or member(payload, "kind") or member(payload, "tool_call_id")
    return _joined(
        name,
        member(payload, "status"),
        "not asked" if payload.get("unasked") else "",
    )


def _diff(payload: dict[str, Any]) -> str:
    old, new = payload.get("old_text"), member(payload, "new_text")
    if not isinstance(old, str):
        size = f"new, {_count(new.count(chr(10)) + bool(new), 'line')}"
    else:
        by = new.count("\n") - old.count("\n")
        size = f"{by:+d} lines" if by else "same number of lines"
    return _joined(member(payload, "path"), size)


def _plan(payload: dict[str, Any]) -> str:
    entries = payload.get("entries")
    entries = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    done = sum(entry.get("status") == "completed" for entry in entries)
    current = next((e for e in entries if e.get("status") == "in_progress"), None)
    current = current or next((e for e in entries if e.get("status") != "completed"), {})
    return _joined(f"{done} of {len(entries)} done", member(current, "content"))


def _usage(payload: dict[str, Any]) -> str:
    used, size, cost = payload.get("used"), payload.get("size"), payload.get("cost")
    if isinstance(cost, dict):
        cost = _joined(member(cost, "amount"), member(cost, "currency"), by=" ")
    of = f" of {_number(size)}" if size is not None else ""
    return _joined(f"{_number(used)}{of} tokens", as_text(cost))


def _number(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}"
    return as_text(value) or "?"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _mode(payload: dict[str, Any]) -> str:
    if payload.get("mode_id") is not None:
        return member(payload, "mode_id")
    options = payload.get("config_options")
    if not isinstance(options, list):
        return as_text(options)
    named = [option for option in options if isinstance(option, dict)]
    return ", ".join(
        _joined(
            member(option, "name") or member(option, "id"),
            member(option, "currentValue") or member(option, "current_value"),
            by=" ",
        )
        for option in named
    )


def _asked(payload: dict[str, Any]) -> str:
    return _joined(
        member(payload, "kind"), member(payload, "title"), member(payload, "subject").lstrip()
    )


def _decided(payload: dict[str, Any]) -> str:
    by = member(payload, "by")
    return _joined(
        member(payload, "action") + (f" by {by}" if by else ""),
        member(payload, "option"),
        member(payload, "reason"),
    )


def _started(payload: dict[str, Any]) -> str:
    return _joined(member(payload, "via"), member(payload, "agent_session_id"))


def _reason(payload: dict[str, Any]) -> str:
    return member(payload, "reason") or _other(payload)


def _status(payload: dict[str, Any]) -> str:
    commands = payload.get("available_commands")
    if isinstance(commands, list):
        names = [as_text(c.get("name")) if isinstance(c, dict) else as_text(c) for c in commands]
        return _joined(_count(len(names), "command"), ", ".join(filter(None, names)))
    return member(payload, "title") or _other(payload)


def _error(payload: dict[str, Any]) -> str:
    return _joined(member(payload, "message"), member(payload, "where")) or _other(payload)


def _turn_end(payload: dict[str, Any]) -> str:
    return _joined(member(payload, "stop_reason"), member(payload, "error"))


def _other(payload: dict[str, Any]) -> str:
    method = member(payload, "method")
    rest = payload.get("params") if method else payload
    return _joined(method, as_text(rest) if rest else "")


_SUMMARIES: dict[str, Callable[[dict[str, Any]], str]] = {
    _E.USER_MESSAGE: _text,
    _E.ASSISTANT_MESSAGE: _text,
    _E.THOUGHT: _text,
    _E.TOOL_CALL: _tool_call,
    _E.COMMAND_OUTPUT: _text,
    _E.DIFF: _diff,
    _E.PLAN: _plan,
    _E.USAGE: _usage,
    _E.MODE: _mode,
    _E.APPROVAL_REQUESTED: _asked,
    _E.APPROVAL_DECIDED: _decided,
    _E.SESSION_STARTED: _started,
    _E.SESSION_FAILED: _reason,
    _E.SESSION_CLOSED: _reason,
    _E.RUN_PAUSED: _reason,
    _E.RUN_FAILED: _reason,
    _E.BACKEND_STATUS: _status,
    _E.ERROR: _error,
    _E.TERMINAL_STATUS: _turn_end,
}
