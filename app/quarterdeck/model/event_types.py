"""The closed set of event types (A2, DESIGN §11)."""

from enum import StrEnum


class EventType(StrEnum):
    """What one line of a run's trace is."""

    USER_MESSAGE = "user_message"
    ASSISTANT_MESSAGE = "assistant_message"
    THOUGHT = "thought"
    TOOL_CALL = "tool_call"
    COMMAND_OUTPUT = "command_output"
    DIFF = "diff"
    PLAN = "plan"
    USAGE = "usage"
    MODE = "mode"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
    SESSION_STARTED = "session.started"
    SESSION_FAILED = "session.failed"
    SESSION_CLOSED = "session.closed"
    RUN_PAUSED = "run.paused"
    RUN_FAILED = "run.failed"
    ARTIFACT_EXPECTED = "artifact.expected"
    ARTIFACT_ACCEPTED = "artifact.accepted"
    ARTIFACT_REJECTED = "artifact.rejected"
    HOOK = "hook"
    BACKEND_STATUS = "backend_status"
    ERROR = "error"
    TERMINAL_STATUS = "terminal_status"
    OTHER = "other"


FROM_AGENTS: frozenset[EventType] = frozenset(
    {
        EventType.ASSISTANT_MESSAGE,
        EventType.THOUGHT,
        EventType.TOOL_CALL,
        EventType.COMMAND_OUTPUT,
        EventType.DIFF,
        EventType.PLAN,
        EventType.USAGE,
        EventType.APPROVAL_REQUESTED,
        EventType.OTHER,
    }
)
"""What is recorded because an agent said something."""

OUTPUT_TYPES: frozenset[EventType] = frozenset(
    {
        EventType.ASSISTANT_MESSAGE,
        EventType.COMMAND_OUTPUT,
        EventType.DIFF,
        EventType.ERROR,
        EventType.TERMINAL_STATUS,
    }
)
"""What the Output of a run consists of (A11)."""
