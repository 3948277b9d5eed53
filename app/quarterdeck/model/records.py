"""What clients see of the store's records: plain frozen dataclasses, one per wire object."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Self


class Wire:
    """A dataclass that goes over the wire as a JSON object; unknown members are ignored."""

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Self:
        """Build from a decoded JSON object, so that an older client reads a newer supervisor."""
        # In their order: a name out of JSON is compared letter by letter with those of all forty
        # members, which for a page of a hundred records takes longer than reading the JSON.
        names = member_names(cls)
        try:
            return cls(*[data[name] for name in names])
        except KeyError:
            return cls(**{name: data[name] for name in names if name in data})

    @classmethod
    def from_table(cls, table: Any) -> list[Self]:
        """Build the records of a page from what `to_table` wrote.

        Args:
            table: The table; or a list of objects, from a supervisor that was not upgraded yet.
        """
        if isinstance(table, list):
            return [cls.from_wire(data) for data in table]
        columns = tuple(table["columns"])
        if columns == member_names(cls):
            return [cls(*row) for row in table["rows"]]
        return [cls.from_wire(dict(zip(columns, row, strict=True))) for row in table["rows"]]

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object; times are Unix milliseconds, shown by whoever shows them."""
        kind = type(self)
        return dict(zip(member_names(kind), _members(kind)(self), strict=True))


def to_table(kind: type[Wire], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return a page of records as it goes over the wire: the names once, and then values alone.

    A hundred sessions as objects are 4,700 names: more than half of the bytes, and of the time
    that writing and reading them takes.

    Args:
        kind: The kind of the records.
        rows: The values of each, in the order of `member_names(kind)`.
    """
    return {"columns": member_names(kind), "rows": rows}


@cache
def member_names(kind: type[Wire]) -> tuple[str, ...]:
    """Return the names of a record's members, in their order."""
    fields = dataclasses.fields(kind)  # pyright: ignore[reportArgumentType]
    return tuple(field.name for field in fields)


@cache
def _members(kind: type[Wire]) -> Callable[[Wire], tuple[Any, ...]]:
    """Return what reads all members of a record at once."""
    names = member_names(kind)
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda record: (read(record),)


@dataclass(slots=True)
class SessionView(Wire):
    """One session as one reader sees it (A6, A9).

    Alone among the records it is not frozen: that makes each of a page's hundred ten times as
    dear, and lists are what is looked at most. Nobody changes one all the same.
    """

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
    execution_state: str = "idle"
    """A6: idle, running, or terminal when its last turn ended."""
    approval_mode: str = "normal"
    """What the policy lets through without a person: ask_all, normal, trusted or read_only."""
    model: str | None = None
    pinned: bool = False
    archived_at: str | None = None
    deleted_at: str | None = None
    """When it was deleted; it can be restored for 30 days."""
    parent_session_id: str | None = None
    """The session that it was forked from (C1)."""
    git_commit: str | None = None
    """Of its directory when its last run began, like branch and origin."""
    git_branch: str | None = None
    git_origin: str | None = None
    coordination: str = "none"
    """R1: none, starting, running or failed; why it failed is in `failure`."""
    git_base: str | None = None
    """The commit its first run began at, which its diff is against."""
    plan: dict[str, Any] | None = None
    """`{"done", "total", "step", "run_id", "seq"}` of the agent's last plan, seq of its event."""
    changes: dict[str, Any] | None = None
    """`{"files", "added", "removed"}` of its work tree, as of the end of its last turn."""
    command_id: str | None = None
    """The command being worked on, else the last one."""
    conversation_id: str | None = None
    """What its creator calls the conversation, such as an issue's address."""
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What its creator noted of it."""
    summary: str = ""
    """What it is about, as a person or a program put it."""
    ephemeral: bool = False
    """Whether it is deleted once it is closed; that can be undone for 30 days."""
    expires_at: str | None = None
    """When it is closed and deleted by itself, as soon as it does nothing."""


@dataclass(frozen=True, slots=True)
class ProjectView(Wire):
    """One project: how many of its sessions need what of one reader."""

    project: str
    sessions: int
    archived: int
    waiting: int
    failed: int
    active: int
    unread: int
    last_activity: str


@dataclass(frozen=True, slots=True)
class CheckpointView(Wire):
    """A named point of a session's history (C2)."""

    session_id: str
    name: str
    """`latest`, or what a person called it."""
    run_id: str
    seq: int
    at: str


@dataclass(frozen=True, slots=True)
class LeaseView(Wire):
    """Who has a run, and until when (A5)."""

    run_id: str
    state: str
    runner_id: str | None
    lease_until: str | None
    """None for the supervisor's own: it holds as long as the supervisor runs."""


@dataclass(frozen=True, slots=True)
class RunnerView(Wire):
    """Something that works on runs."""

    runner_id: str
    kind: str
    first_seen: str
    heartbeat_at: str


@dataclass(frozen=True, slots=True)
class JobView(Wire):
    """A piece of a run's work that a runner noted (A1, A4)."""

    job_id: str
    run_id: str
    key: str | None
    payload: Any
    state: str
    created_at: str
    reason: str | None = None
    ended_at: str | None = None


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
    runner_id: str | None = None
    bundle: dict[str, Any] | None = None
    """What the run was given to work with, by names and counts only (A6)."""
    trimmed: int = 0
    """How many of its events retention took away: all of them, or none."""
    trimmed_at: str | None = None
    """When it did."""


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
    options: list[dict[str, Any]]
    """What the agent offers; one of kind `amend` has the `prefix` (a shell's words) or `host` that
    `approve_always` would allow for good."""
    created_at: str
    payload: str
    agent: str = ""
    session_title: str = ""
    decided_at: str | None = None
    action: str | None = None
    expires_at: str | None = None
    """When nobody will be asked any more, by the configuration of now."""


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
    reason: str | None = None
    client: str | None = None
    host: str | None = None
    waited_ms: int | None = None
    prefix: str | None = None
    amendment: str | None = None
    """The id of the rule that an `approve_always` added, or `failed: ` and why."""


@dataclass(frozen=True, slots=True)
class AuditLine(Wire):
    """One decision, by a person, a rule, a grant or expiry, with what it was about."""

    decision_id: str
    approval_id: str
    session_id: str
    session_title: str
    agent: str
    run_id: str
    kind: str
    title: str
    subject: str
    cwd: str
    payload_sha256: str
    action: str
    state: str
    decided_by: str
    client: str | None
    host: str | None
    decided_at: str
    waited_ms: int | None
    reason: str | None
    asked_because: str | None
    matched_rule: str | None
    rule_text: str | None
    """The rule as it stood when it was asked."""
    prefix: str | None
    amendment: str | None
    content: str | None = None
    """What was filled into a form, as JSON."""
