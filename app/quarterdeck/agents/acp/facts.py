"""What the driver finds out: the supervisor stores these in order and acts on them.

A fact is never a side effect by itself. Facts of one line belong into one transaction.
"""

from dataclasses import dataclass
from typing import Any, Literal

from quarterdeck.model.event_types import EventType
from quarterdeck.rpc.message import Id

Role = Literal["call", "notification", "answer"]
FileOp = Literal["read", "write"]
TerminalOp = Literal["create", "output", "wait", "kill", "release"]
Via = Literal["new", "load", "resume", "fork"]


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the run's trace (A2)."""

    type: EventType
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Send:
    """A line for the agent's stdin, to be handed over exactly once.

    Attributes:
        line: The message with its newline.
        method: The method of a call or notification; None for an answer.
        rpc_id: Our id of a call, or the agent's id that an answer is for; None for a notification.
        role: Which of the three it is.
        command_id: The command whose prompt this is, else None.
    """

    line: bytes
    method: str | None
    rpc_id: Id | None
    role: Role
    command_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The handshake is done: prompts can be sent (R3).

    Attributes:
        agent_session_id: The agent's own id of the session.
        via: How the session was opened in the end; `load` also if resume failed and load worked,
            `new` also if a fork was wanted and the agent has none.
        info: `agent_info`, `capabilities`, `auth_methods`, `modes`, `config_options` and whatever
            else the agent told, in snake_case, and `replayed`: updates that were its history.
    """

    agent_session_id: str
    via: Via
    info: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The handshake failed (R4); `recoverable` tells whether another try may work (D2)."""

    reason: str
    recoverable: bool


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The agent answered session/prompt; `error` is None exactly if it gave a stop reason."""

    command_id: str
    stop_reason: str | None
    usage: dict[str, Any] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class PermissionAsked:
    """The agent waits for a decision; `payload` is what the approval's hash is about (C5)."""

    request_id: Id
    tool_call_id: str
    title: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FormAsked:
    """The agent wants a form filled in; `payload` has its text and its schema (C5)."""

    request_id: Id
    title: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PermissionWithdrawn:
    """A request is settled without a decision: cancelled by us or the agent, or its turn ended.

    The answer, if one is owed, is a Send beside this fact. It also reports file and terminal
    requests that the agent took back.
    """

    request_id: Id


@dataclass(frozen=True, slots=True)
class FileAsked:
    """The agent asks the client to read or write a file (C4); `content` only for a write."""

    request_id: Id
    op: FileOp
    path: str
    line: int | None
    limit: int | None
    content: str | None


@dataclass(frozen=True, slots=True)
class TerminalAsked:
    """The agent asks for a terminal operation (C4).

    `params` for `create`: command, args, env (list of name and value), cwd, output_byte_limit;
    for the others: terminal_id.
    """

    request_id: Id
    op: TerminalOp
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SettingAnswered:
    """The agent answered a mode or model that was asked for; `error` is None if it took it."""

    command_id: str
    error: str | None


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Something about the session changed; a member that is None did not."""

    title: str | None = None
    usage: dict[str, Any] | None = None
    mode: str | None = None
    model: str | None = None
    commands: list[dict[str, Any]] | None = None


Fact = (
    Event
    | Send
    | Ready
    | StartFailed
    | TurnEnded
    | SettingAnswered
    | PermissionAsked
    | FormAsked
    | PermissionWithdrawn
    | FileAsked
    | TerminalAsked
    | SessionInfo
)


def failure(message: str, where: str, **more: Any) -> Event:
    """Return an `error` event: what went wrong, at which method or stream, and details."""
    return Event(EventType.ERROR, {"message": message, "where": where, **more})


def kept(method: str, params: Any, note: str | None = None) -> Event:
    """Return an `other` event, which keeps a message whole that has no event type of its own."""
    payload = {"method": method, "params": params}
    return Event(EventType.OTHER, payload if note is None else {**payload, "note": note})
