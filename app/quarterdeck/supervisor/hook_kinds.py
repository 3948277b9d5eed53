"""What lifecycle hooks are told of, and which events of the trace say so (C6)."""

from enum import StrEnum
from typing import Any

from quarterdeck.model.event_types import EventType


class HookKind(StrEnum):
    """A step that user commands can be run on; the keys of `[hooks]` in config.toml."""

    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
    SESSION_FAILED = "session.failed"
    TURN_STARTED = "turn.started"
    TURN_ENDED = "turn.ended"
    RESPONSE_START = "response.start"
    RESPONSE_DELTA = "response.delta"
    RESPONSE_END = "response.end"
    TOOL_PRE_CHECK = "tool.pre_check"
    TOOL_DENIED = "tool.denied"
    TOOL_DISPATCHING = "tool.dispatching"
    TOOL_COMPLETED = "tool.completed"
    TOOL_FAILED = "tool.failed"
    EVENT = "event"
    """Whatever else the trace records, with its type."""


_OF_EVENT = {
    EventType.APPROVAL_REQUESTED: HookKind.APPROVAL_REQUESTED,
    EventType.APPROVAL_DECIDED: HookKind.APPROVAL_DECIDED,
    EventType.SESSION_FAILED: HookKind.SESSION_FAILED,
    EventType.USER_MESSAGE: HookKind.TURN_STARTED,
    EventType.TERMINAL_STATUS: HookKind.TURN_ENDED,
}
BREAK = "response.break"
"""News that is no step by itself, but ends what an agent was saying."""
_BREAKING = (
    EventType.TOOL_CALL,
    EventType.SESSION_CLOSED,
    EventType.RUN_FAILED,
)
_OF_STATUS = {
    "in_progress": HookKind.TOOL_DISPATCHING,
    "completed": HookKind.TOOL_COMPLETED,
    "failed": HookKind.TOOL_FAILED,
}


def of_event(
    kind: EventType, payload: dict[str, Any], seq: int
) -> list[tuple[str, dict[str, Any]]]:
    """Return what an event of the trace is to hooks: a step of its own, or else a generic one.

    What a rule or a grant settled is no request to a person, so only its decision is told.
    """
    if kind is EventType.ASSISTANT_MESSAGE:
        return [(HookKind.RESPONSE_DELTA.value, payload | {"seq": seq})]
    if kind is EventType.APPROVAL_REQUESTED and payload.get("settled"):
        return []
    if kind is EventType.TOOL_CALL:
        found = _OF_STATUS.get(payload.get("status") or "")
    else:
        found = _OF_EVENT.get(kind)
    if found is None:
        generic = (HookKind.EVENT.value, {"type": kind.value, "seq": seq, "event": payload})
        return [(BREAK, {}), generic] if kind in _BREAKING else [generic]
    return [(found.value, payload)]
