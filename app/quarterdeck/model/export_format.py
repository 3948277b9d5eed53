"""The records of an exported session: one JSON object a line, the same in every page and file."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from quarterdeck.model.clock import from_iso
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import (
    TERMINAL_COMMAND_STATES,
    TERMINAL_RUN_STATES,
    CommandKind,
)

FORMAT = 2
KNOWN_FORMATS = (1, 2)
"""Format 1 lacks what has a default here."""
Id = Annotated[str, Field(pattern=r"^[a-z]{3}_[0-9A-Za-z]{1,64}$")]
"""Ids name directories too, so nothing else is taken for one."""
Text = Annotated[str, Field(max_length=8 * 1024 * 1024)]


def _moment(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        at = from_iso(value)
    except OverflowError as error:
        raise ValueError("out of range") from error
    if not 0 <= at < 1 << 48:
        raise ValueError("out of range")
    return value


class Record(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @field_validator(
        *("created_at", "ended_at", "last_activity", "at", "archived_at", "expires_at"),
        check_fields=False,
    )
    @classmethod
    def _is_time(cls, value: str | None) -> str | None:
        return _moment(value)

    def to_line(self) -> dict[str, Any]:
        """Return the JSON object of the line."""
        return self.model_dump()


class SessionRecord(Record):
    """The first line: the session, without what belongs to the deck it is on.

    Left out are its state and failure, since what is imported has no agent and asks nobody; its
    version and each reader's mark, which count on one deck; whether it was deleted there; its
    approvals and grants, which the trace tells of and nobody shall use again; and the sums of
    `qd usage`, which are of the deck that paid: the reports themselves are in the trace.
    """

    record: Literal["session"] = "session"
    format: int
    session_id: Id
    project: str = Field(min_length=1, max_length=4096)
    agent: str = Field(min_length=1, max_length=200)
    cwd: str = Field(min_length=1, max_length=4096)
    title: str = Field(max_length=200)
    preview: str = Field(max_length=120)
    summary: Text
    conversation_id: str | None = Field(max_length=200)
    agent_session_id: str | None = Field(max_length=4096)
    source: str = Field(max_length=40)
    metadata: dict[str, Any]
    terminal_status: str | None = Field(max_length=200)
    mode: str | None = Field(max_length=200)
    git_commit: str | None = Field(max_length=200)
    git_branch: str | None = Field(max_length=1000)
    git_origin: str | None = Field(max_length=4096)
    created_at: str
    last_activity: str
    pinned: bool = False
    archived_at: str | None = None
    parent_session_id: Id | None = None
    """What it was forked from; an import keeps it if that one is there (C1)."""
    approval_mode: str = Field(default="normal", max_length=40)
    model: str | None = Field(default=None, max_length=200)
    usage: dict[str, Any] | None = None
    """The agent's last report: context window and cost."""
    plan: dict[str, Any] | None = None
    changes: dict[str, Any] | None = None
    git_base: str | None = Field(default=None, max_length=200)
    execution_state: Literal["idle", "terminal"] | None = None
    last_command_id: Id | None = None
    """The last prompt that was handed over; queued ones may be younger."""
    ephemeral: bool = False
    expires_at: str | None = None


class RunRecord(Record):
    """A run; its events follow."""

    record: Literal["run"] = "run"
    run_id: Id
    number: int = Field(ge=1)
    state: str
    via: str = Field(max_length=40)
    reason: Text | None
    agent_info: dict[str, Any] | None
    bundle: dict[str, Any] | None = None
    """The resources it names (A6)."""
    trimmed: int = Field(ge=0)
    """How many events retention had taken away; then there are none."""
    created_at: str
    ended_at: str | None

    @field_validator("state")
    @classmethod
    def _ended(cls, value: str) -> str:
        if value not in TERMINAL_RUN_STATES:
            raise ValueError("is no state of an ended run")
        return value


class CommandRecord(Record):
    """Something that was asked of the session."""

    record: Literal["command"] = "command"
    command_id: Id
    run_id: Id | None
    kind: str
    state: str
    text: Text | None
    reason: Text | None
    created_at: str
    ended_at: str | None

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        return CommandKind(value).value

    @field_validator("state")
    @classmethod
    def _ended(cls, value: str) -> str:
        if value not in TERMINAL_COMMAND_STATES:
            raise ValueError("is no state of an ended command")
        return value


class EventRecord(Record):
    """One event of the run before it."""

    record: Literal["event"] = "event"
    run_id: Id
    seq: int = Field(ge=1)
    type: str
    at: str
    payload: dict[str, Any]

    @field_validator("type")
    @classmethod
    def _known(cls, value: str) -> str:
        return EventType(value).value


class CheckpointRecord(Record):
    """A point of the session's history that has a name (C2)."""

    record: Literal["checkpoint"] = "checkpoint"
    name: str = Field(min_length=1, max_length=200)
    run_id: Id
    seq: int = Field(ge=0, lt=2**63)
    at: str


class EndRecord(Record):
    """The last line: without it a file was cut off."""

    record: Literal["end"] = "end"
    runs: int
    commands: int
    events: int


RECORDS: dict[str, type[Record]] = {
    "session": SessionRecord,
    "run": RunRecord,
    "command": CommandRecord,
    "event": EventRecord,
    "checkpoint": CheckpointRecord,
    "end": EndRecord,
}
