"""States and the moves between them: enum and table; the store compares and sets (DESIGN §3)."""

from enum import StrEnum


class SessionState(StrEnum):
    """Runtime state of a session as DESIGN §3 lists it."""

    CREATED = "created"
    STARTING = "starting"
    IDLE = "idle"
    RUNNING = "running"
    WAITING = "waiting"
    ASLEEP = "asleep"
    FAILED = "failed_needs_human"
    CLOSED = "closed"
    UNKNOWN = "unknown"


S = SessionState
LIVE_SESSION_STATES = frozenset({S.IDLE, S.RUNNING, S.WAITING})
STARTABLE_SESSION_STATES = frozenset({S.CREATED, S.ASLEEP, S.FAILED, S.CLOSED, S.UNKNOWN})
SESSION_MOVES: dict[SessionState, frozenset[SessionState]] = {
    S.CREATED: frozenset({S.STARTING, S.CLOSED, S.FAILED}),
    S.STARTING: frozenset({S.IDLE, S.RUNNING, S.FAILED, S.CLOSED, S.STARTING}),
    S.IDLE: frozenset({S.RUNNING, S.WAITING, S.ASLEEP, S.FAILED, S.CLOSED, S.STARTING}),
    S.RUNNING: frozenset({S.IDLE, S.WAITING, S.FAILED, S.CLOSED, S.STARTING}),
    S.WAITING: frozenset({S.IDLE, S.RUNNING, S.FAILED, S.CLOSED, S.STARTING}),
    S.ASLEEP: frozenset({S.STARTING, S.CLOSED, S.FAILED}),
    S.FAILED: frozenset({S.STARTING, S.CLOSED}),
    S.CLOSED: frozenset({S.STARTING}),
    S.UNKNOWN: frozenset({S.STARTING, S.IDLE, S.RUNNING, S.WAITING, S.FAILED, S.CLOSED}),
}


class Coordination(StrEnum):
    """What R1 calls the state of a session's run coordination."""

    NONE = "none"
    STARTING = "starting"
    RUNNING = "running"
    FAILED = "failed"


def coordination(state: SessionState) -> Coordination:
    """Map a session's state to R1's four, by the table of DESIGN §3."""
    if state in (S.CREATED, S.STARTING):
        return Coordination.STARTING
    if state in LIVE_SESSION_STATES:
        return Coordination.RUNNING
    return Coordination.FAILED if state is S.FAILED else Coordination.NONE


class RunState(StrEnum):
    """State of a run (A1)."""

    PENDING = "pending"
    CLAIMED = "claimed"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


TERMINAL_RUN_STATES = frozenset(
    {RunState.COMPLETED, RunState.FAILED, RunState.BLOCKED, RunState.CANCELLED}
)


class CommandState(StrEnum):
    """State of a command (A1)."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL_COMMAND_STATES = frozenset(
    {CommandState.COMPLETED, CommandState.FAILED, CommandState.CANCELLED}
)


class CommandKind(StrEnum):
    """What a command asks of a run."""

    TURN = "turn"
    STEER = "steer"
    """A prompt that interrupts the running turn and goes out next."""
    CANCEL = "cancel"
    SET_MODE = "set_mode"
    SET_MODEL = "set_model"
    CLOSE = "close"


STILL_OPEN = "it was not ended when the session was exported"
"""The reason of runs and commands that an export has to tell as ended."""
PROMPT_KINDS = (CommandKind.TURN, CommandKind.STEER)


class ApprovalKind(StrEnum):
    """What an approval is about."""

    TOOL_CALL = "tool_call"
    MCP = "mcp"
    """A tool of an MCP server."""
    NETWORK_HOST = "network_host"
    """Fetching from one host."""
    TERMINAL = "terminal"
    FILE = "file"
    ELICITATION = "elicitation"
    """A form to fill in."""
    GATE = "gate"
    """What whoever drives a run asks for by name (D9)."""
    RECOVERY = "session_recovery_required"
    SPENDING_CAP = "spending_cap"


PERMISSION_KINDS = (ApprovalKind.TOOL_CALL, ApprovalKind.MCP, ApprovalKind.NETWORK_HOST)
"""What an agent asks for by session/request_permission."""
ASKED_BY_AGENT = (
    *PERMISSION_KINDS,
    ApprovalKind.TERMINAL,
    ApprovalKind.FILE,
    ApprovalKind.ELICITATION,
)
"""The questions that an agent waits for, so that they can expire."""


class ApprovalState(StrEnum):
    """State of an approval; only `pending` can be decided."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    ABORTED = "aborted"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    ORPHANED = "orphaned"


class Action(StrEnum):
    """What a person decides (C5)."""

    APPROVE = "approve"
    APPROVE_SESSION = "approve_session"
    APPROVE_ALWAYS = "approve_always"
    """And amend the policy with the prefix that was proposed."""
    DENY = "deny"
    DENY_SESSION = "deny_session"
    """And deny the host for the rest of the session."""
    DENY_ALWAYS = "deny_always"
    """And amend the policy so that the host is forbidden."""
    ABORT = "abort"


AMENDING = (Action.APPROVE_ALWAYS, Action.DENY_ALWAYS)
"""The actions that add a rule."""
ACTION_LEADS_TO: dict[Action, ApprovalState] = {
    Action.APPROVE: ApprovalState.APPROVED,
    Action.APPROVE_SESSION: ApprovalState.APPROVED,
    Action.APPROVE_ALWAYS: ApprovalState.APPROVED,
    Action.DENY: ApprovalState.REJECTED,
    Action.DENY_SESSION: ApprovalState.REJECTED,
    Action.DENY_ALWAYS: ApprovalState.REJECTED,
    Action.ABORT: ApprovalState.ABORTED,
}


class Attention(StrEnum):
    """How much a session needs its reader, most first (A9)."""

    WAITING = "waiting"
    FAILED = "failed"
    ACTIVE = "active"
    UNREAD = "unread"
    READ = "read"
    UNKNOWN = "unknown"


ATTENTION_ORDER: dict[Attention, int] = {
    Attention.WAITING: 0,
    Attention.FAILED: 1,
    Attention.ACTIVE: 2,
    Attention.UNKNOWN: 3,
    Attention.UNREAD: 4,
    Attention.READ: 5,
}


def attention(
    state: SessionState, *, open_approvals: int, version: int, read_version: int
) -> Attention:
    """Return a session's attention for one reader, first rule that holds (A9).

    A failed session has an open recovery approval as a rule; it is shown as failed, so that
    `waiting` always means an agent that could go on.
    """
    if state is S.FAILED:
        return Attention.FAILED
    if open_approvals > 0 or state is S.WAITING:
        return Attention.WAITING
    if state in (S.CREATED, S.STARTING, S.RUNNING):
        return Attention.ACTIVE
    if state is S.UNKNOWN:
        return Attention.UNKNOWN
    return Attention.UNREAD if read_version < version else Attention.READ
