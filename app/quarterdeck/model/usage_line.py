"""What was used, as clients get it."""

from dataclasses import dataclass

from quarterdeck.model.records import Wire


@dataclass(frozen=True, slots=True)
class UsageLine(Wire):
    """What a turn, session, project or day used, as far as agents told."""

    turns: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    total_tokens: int
    cost: dict[str, float]
    """By currency; amounts in different ones are never added up."""
    at: str
    """When the last of it was reported."""
    session_id: str | None = None
    session_title: str | None = None
    agent: str | None = None
    run_id: str | None = None
    command_id: str | None = None
    """The turn; None for what was used between two turns."""
    project: str | None = None
    day: str | None = None
    """`2026-11-21`, in this machine's zone."""
