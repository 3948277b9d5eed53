"""Where the trace gets what it does not show line by line: places of events by their types."""

from typing import Protocol

from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView

_E = EventType

ERRORS = frozenset({_E.ERROR, _E.RUN_FAILED, _E.SESSION_FAILED, _E.ARTIFACT_REJECTED})
"""What `e` goes to."""

GROUPS: dict[str, tuple[str, frozenset[EventType]]] = {
    "all": ("every event", frozenset()),
    "errors": ("what went wrong", ERRORS),
    "messages": (
        "prompts, answers, thoughts",
        frozenset({_E.USER_MESSAGE, _E.ASSISTANT_MESSAGE, _E.THOUGHT}),
    ),
    "tools": (
        "calls, their output, their diffs",
        frozenset({_E.TOOL_CALL, _E.COMMAND_OUTPUT, _E.DIFF}),
    ),
    "approvals": (
        "what was asked and decided",
        frozenset({_E.APPROVAL_REQUESTED, _E.APPROVAL_DECIDED}),
    ),
    "turns": ("prompts and ends of turns", frozenset({_E.USER_MESSAGE, _E.TERMINAL_STATUS})),
    "run": (
        "starts, pauses, failures, ends",
        frozenset(
            {
                _E.SESSION_STARTED,
                _E.SESSION_FAILED,
                _E.SESSION_CLOSED,
                _E.RUN_PAUSED,
                _E.RUN_FAILED,
            }
        ),
    ),
}
"""What can be chosen besides a single type: a name, what it means, the types (none: all)."""


def types_of(name: str) -> frozenset[EventType]:
    """Return the types behind the name of a group or of a single type; none if all are meant."""
    if name in GROUPS:
        return GROUPS[name][1]
    return frozenset({EventType(name)})


def name_of(types: frozenset[EventType]) -> str:
    """Return the name of a choice of types."""
    for name, (_, members) in GROUPS.items():
        if members == types:
            return name
    return ", ".join(sorted(types))


class EventFinder(Protocol):
    """Finds events of a session's runs by their types."""

    async def seqs(
        self, run_id: str, types: frozenset[EventType], after_seq: int
    ) -> tuple[list[int], int]:
        """Return the next seqs of such events, and the last seq examined."""
        ...

    async def events(
        self, run_id: str, types: frozenset[EventType], after_seq: int, limit: int
    ) -> list[EventView]:
        """Return the next such events."""
        ...

    async def nearest(
        self, run_id: str, types: frozenset[EventType], from_seq: int, forward: bool
    ) -> int | None:
        """Return the seq of the nearest such event after or before one."""
        ...
