"""What clients see of the store's records: plain frozen dataclasses, one per wire object."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self


class Wire:
    """A dataclass that goes over the wire as a JSON object; unknown members are ignored."""

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Self:
        """Build from a decoded JSON object, so that an older client reads a newer supervisor."""
        names = {f.name for f in dataclasses.fields(cls)}  # pyright: ignore[reportArgumentType]
        return cls(**{k: v for k, v in data.items() if k in names})

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object; times are Unix milliseconds, shown by whoever shows them."""
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)  # pyright: ignore[reportArgumentType]
        }


@dataclass(frozen=True, slots=True)
class SessionView(Wire):
    """One session as one reader sees it (A6, A9)."""

    session_id: str
    title: str
    agent: str
    state: str
    attention: str
    cwd: str
    project: str
    last_event_seq: int
    run_id: str | None
    """The active run, else the last one."""
    active: bool
    """Whether `run_id` is live."""
    version: int
    read_version: int
    open_approvals: int
    queued: int
    """Turns that wait for the running one to end."""
    state_since: str
    state_source: str
    """What the state is known from: request, event, exit, recovery or timeout."""
    created_at: str
    last_activity: str
    preview: str = ""
    failure: str | None = None
    failure_kind: str | None = None
    terminal_status: str | None = None
    agent_session_id: str | None = None
    source: str = "interactive"
    mode: str | None = None
    usage: dict[str, Any] | None = None
    recovery_attempts: int = 0


@dataclass(frozen=True, slots=True)
class RunView(Wire):
    """One activation of a session's agent."""

    run_id: str
    session_id: str
    number: int
    """1 for the session's first run."""
    state: str
    last_event_seq: int
    created_at: str
    ended_at: str | None = None
    reason: str | None = None
    agent_info: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CommandView(Wire):
    """Something asked of a run."""

    command_id: str
    session_id: str
    run_id: str | None
    kind: str
    state: str
    created_at: str
    text: str | None = None
    reason: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True, slots=True)
class EventView(Wire):
    """One line of a run's trace (A2)."""

    seq: int
    run_id: str
    type: str
    at: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApprovalView(Wire):
    """A question to a person; `payload` is the exact text that `payload_sha256` is of."""

    approval_id: str
    session_id: str
    run_id: str
    kind: str
    state: str
    title: str
    """The agent's own words: a claim."""
    subject: str
    """The exact text of what would happen, made from `payload` by `approval_text.subject`."""
    cwd: str
    reason: str | None
    matched_rule: str | None
    payload_sha256: str
    options: list[dict[str, str]]
    created_at: str
    payload: str
    agent: str = ""
    session_title: str = ""
    decided_at: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionView(Wire):
    """What was decided, by whom; the answer to `approval.decide`."""

    decision_id: str
    approval_id: str
    run_id: str
    action: str
    option: str | None
    payload_sha256: str
    decided_by: str
    decided_at: str
    state: str
    """The approval's state after the decision."""
