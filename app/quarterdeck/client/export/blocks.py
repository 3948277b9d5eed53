"""An exported session as a person reads it: its records put together into blocks of text."""

import difflib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean
from quarterdeck.model.states import STILL_OPEN

Payload = dict[str, Any]
_STREAMED = frozenset({EventType.ASSISTANT_MESSAGE, EventType.THOUGHT})
_PASSED_OVER = frozenset({EventType.USAGE})
_NAMES: dict[str, str] = {
    EventType.USER_MESSAGE: "Prompt",
    EventType.ASSISTANT_MESSAGE: "Agent",
    EventType.THOUGHT: "Thought",
    EventType.TOOL_CALL: "Tool call",
    EventType.COMMAND_OUTPUT: "Output",
    EventType.DIFF: "Diff",
    EventType.PLAN: "Plan",
    EventType.APPROVAL_REQUESTED: "Approval asked",
    EventType.APPROVAL_DECIDED: "Approval decided",
    EventType.TERMINAL_STATUS: "Turn ended",
    EventType.ERROR: "Error",
}


@dataclass(slots=True)
class Block:
    """Something with a heading; `text` is clean of control characters, and still hostile."""

    kind: str
    heading: str
    at: str
    seq: int
    text: str
    message: str | None = None


@dataclass(slots=True)
class Head:
    """What the document is of."""

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)


async def blocks(records: AsyncIterator[dict[str, Any]]) -> AsyncIterator[Head | Block]:
    """Give the head, then a block for each run, message or event, in order.

    The pieces of a message become one block; usage reports between them are passed over.
    """
    held: Block | None = None
    async for record in records:
        kind = record["record"]
        if kind == "session":
            yield _head(record)
        if kind == "event" and record["type"] in _PASSED_OVER:
            continue
        if kind == "event" and held is not None and _continues(held, record):
            held.text += clean(str(record["payload"].get("text") or ""))
            continue
        if held is not None:
            yield held
            held = None
        if kind == "run":
            yield _run(record)
        elif kind == "event":
            held = _block(record)
    if held is not None:
        yield held


def _head(record: dict[str, Any]) -> Head:
    names = ("session_id", "agent", "project", "created_at", "last_activity")
    return Head(
        clean(record["title"]).replace("\n", " "),
        [(name.replace("_", " "), clean(str(record[name]))) for name in names],
    )


def _run(record: dict[str, Any]) -> Block:
    text = clean(record["reason"] or "")
    if record["trimmed"]:
        text += f"\n{record['trimmed']} events were trimmed by retention."
    state = record["state"]
    if record["reason"] == STILL_OPEN:
        state, text = "not ended yet", text.removeprefix(STILL_OPEN)
    heading = f"Run {record['number']}: {state}"
    return Block("run", heading, record["created_at"], 0, text.strip())


def _continues(held: Block, record: dict[str, Any]) -> bool:
    same = held.kind == record["type"] and held.kind in _STREAMED
    return same and held.message == record["payload"].get("message_id")


def _block(record: dict[str, Any]) -> Block:
    kind, payload = record["type"], record["payload"]
    told = _TOLD.get(kind, _plain)(payload)
    heading = _NAMES.get(kind, str(kind))
    if kind == EventType.TOOL_CALL:
        heading = f"{heading}: {_one_line(payload.get('title') or payload.get('tool_call_id'))}"
    elif kind == EventType.DIFF:
        heading = f"{heading}: {_one_line(payload.get('path'))}"
    return Block(kind, heading, record["at"], record["seq"], clean(told), payload.get("message_id"))


def _one_line(value: Any) -> str:
    return clean(" ".join(str(value or "").split()))[:200]


def _plain(payload: Payload) -> str:
    for name in ("text", "message", "subject", "reason"):
        value = payload.get(name)
        if isinstance(value, str) and value:
            return value
    return json.dumps(payload, ensure_ascii=False, indent=2)


def _tool_call(payload: Payload) -> str:
    raw = payload.get("raw_input")
    parts = [str(payload[name]) for name in ("kind", "status") if payload.get(name)]
    told = [" · ".join(parts)] if parts else []
    if raw is not None:
        told.append(raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, indent=2))
    return "\n".join(told)


def _diff(payload: Payload) -> str:
    old, new = (str(payload.get(name) or "").splitlines() for name in ("old_text", "new_text"))
    path = _one_line(payload.get("path"))
    return "\n".join(difflib.unified_diff(old, new, path, path, lineterm=""))


def _plan(payload: Payload) -> str:
    entries = [entry for entry in payload.get("entries") or [] if isinstance(entry, dict)]
    return "\n".join(f"[{entry.get('status')}] {entry.get('content')}" for entry in entries)


def _decided(payload: Payload) -> str:
    names = ("action", "option", "by", "reason")
    return ", ".join(f"{name} {payload[name]}" for name in names if payload.get(name))


def _turn_end(payload: Payload) -> str:
    names = ("stop_reason", "error")
    return ", ".join(str(payload[name]) for name in names if payload.get(name))


_TOLD = {
    EventType.TOOL_CALL: _tool_call,
    EventType.DIFF: _diff,
    EventType.PLAN: _plan,
    EventType.APPROVAL_DECIDED: _decided,
    EventType.TERMINAL_STATUS: _turn_end,
}
