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
    TOOL_PRE_CHECK = "tool.pre_check"
    TOOL_DENIED = "tool.denied"
    TOOL_DISPATCHING = "tool.dispatching"
    TOOL_COMPLETED = "tool.completed"
    TOOL_FAILED = "tool.failed"


_OF_EVENT = {
    EventType.APPROVAL_REQUESTED: HookKind.APPROVAL_REQUESTED,
    EventType.APPROVAL_DECIDED: HookKind.APPROVAL_DECIDED,
    EventType.SESSION_FAILED: HookKind.SESSION_FAILED,
    EventType.USER_MESSAGE: HookKind.TURN_STARTED,
    EventType.TERMINAL_STATUS: HookKind.TURN_ENDED,
}
_OF_STATUS = {
    "in_progress": HookKind.TOOL_DISPATCHING,
    "completed": HookKind.TOOL_COMPLETED,
    "failed": HookKind.TOOL_FAILED,
}


def of_event(kind: EventType, payload: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return what an event of the trace is to hooks: nothing, or its kind with its payload."""
    if kind is EventType.TOOL_CALL:
        found = _OF_STATUS.get(payload.get("status") or "")
    else:
        found = _OF_EVENT.get(kind)
    return [] if found is None else [(found.value, payload)]
