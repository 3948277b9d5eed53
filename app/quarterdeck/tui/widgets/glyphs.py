"""A glyph and a word for every state and event type, so that colour is never the only sign."""

from dataclasses import dataclass
from types import MappingProxyType

from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.states import Attention, SessionState

_A, _E = Attention, EventType

STATE_WORDS: MappingProxyType[str, str] = MappingProxyType(
    {
        SessionState.CREATED: "created",
        SessionState.STARTING: "starting",
        SessionState.IDLE: "idle",
        SessionState.RUNNING: "running",
        SessionState.WAITING: "waiting",
        SessionState.ASLEEP: "asleep",
        SessionState.FAILED: "failed",
        SessionState.CLOSED: "closed",
        SessionState.UNKNOWN: "unknown",
    }
)
"""What a session's state is called on the screen; at most eight cells."""

EVENT_WORDS: MappingProxyType[str, str] = MappingProxyType(
    {
        _E.USER_MESSAGE: "user",
        _E.ASSISTANT_MESSAGE: "agent",
        _E.THOUGHT: "thought",
        _E.TOOL_CALL: "tool",
        _E.COMMAND_OUTPUT: "output",
        _E.DIFF: "diff",
        _E.PLAN: "plan",
        _E.USAGE: "usage",
        _E.MODE: "mode",
        _E.APPROVAL_REQUESTED: "asks",
        _E.APPROVAL_DECIDED: "decided",
        _E.SESSION_STARTED: "started",
        _E.SESSION_FAILED: "failed",
        _E.SESSION_CLOSED: "closed",
        _E.RUN_PAUSED: "paused",
        _E.RUN_FAILED: "run fail",
        _E.ARTIFACT_EXPECTED: "expects",
        _E.ARTIFACT_ACCEPTED: "accepts",
        _E.ARTIFACT_REJECTED: "rejects",
        _E.HOOK: "hook",
        _E.BACKEND_STATUS: "status",
        _E.ERROR: "error",
        _E.TERMINAL_STATUS: "turn end",
        _E.OTHER: "other",
    }
)
"""What an event's type is called in a trace line; at most eight cells."""


@dataclass(frozen=True)
class Glyphs:
    """One set of single-width glyphs."""

    attention: MappingProxyType[str, str]
    event: MappingProxyType[str, str]
    cursor: str
    ellipsis: str
    rule: str
    bar: str
    plan: MappingProxyType[str, str]
    """By the status of a plan's entry."""
    stale: str
    """Instead of an attention that was true before the link went away."""
    pin: str
    folded: str
    unfolded: str
    tool: MappingProxyType[str, str]
    """By the status of a tool call; empty for one that is not known."""

    def for_tool(self, status: str) -> str:
        """Return the glyph of a tool call's status; one we do not know is shown as unknown."""
        return self.tool.get(status, "?" if status else self.tool["pending"])

    def for_attention(self, attention: str) -> str:
        """Return the glyph of an attention; one we do not know is shown as unknown."""
        return self.attention.get(attention, self.attention[Attention.UNKNOWN])

    def for_event(self, event_type: str) -> str:
        """Return the glyph of an event type; one we do not know is shown as other."""
        return self.event.get(event_type, self.event[EventType.OTHER])


UNICODE = Glyphs(
    attention=MappingProxyType(
        {
            _A.WAITING: "◆",
            _A.FAILED: "✗",
            _A.ACTIVE: "●",
            _A.UNREAD: "○",
            _A.READ: "·",
            _A.UNKNOWN: "?",
        }
    ),
    event=MappingProxyType(
        {
            _E.USER_MESSAGE: "›",
            _E.ASSISTANT_MESSAGE: "•",
            _E.THOUGHT: "…",
            _E.TOOL_CALL: "▪",
            _E.COMMAND_OUTPUT: "│",
            _E.DIFF: "±",
            _E.PLAN: "≡",
            _E.USAGE: "Σ",
            _E.MODE: "~",
            _E.APPROVAL_REQUESTED: "◆",
            _E.APPROVAL_DECIDED: "◇",
            _E.SESSION_STARTED: "+",
            _E.SESSION_FAILED: "✗",
            _E.SESSION_CLOSED: "-",
            _E.RUN_PAUSED: "‖",
            _E.RUN_FAILED: "✗",
            _E.ARTIFACT_EXPECTED: "□",
            _E.ARTIFACT_ACCEPTED: "■",
            _E.ARTIFACT_REJECTED: "✗",
            _E.HOOK: "^",
            _E.BACKEND_STATUS: "i",
            _E.ERROR: "✗",
            _E.TERMINAL_STATUS: "─",
            _E.OTHER: "?",
        }
    ),
    cursor="▌",
    ellipsis="…",
    rule="─",
    bar="│",
    plan=MappingProxyType({"completed": "✔", "in_progress": "▸", "pending": "·"}),
    stale="≈",
    pin="▴",
    folded="▸",
    unfolded="▾",
    tool=MappingProxyType(
        {
            "pending": "·",
            "in_progress": "●",
            "completed": "✔",
            **dict.fromkeys(("failed", "cancelled", "canceled", "rejected"), "✗"),
        }
    ),
)

ASCII = Glyphs(
    attention=MappingProxyType(
        {
            _A.WAITING: "!",
            _A.FAILED: "x",
            _A.ACTIVE: "*",
            _A.UNREAD: "o",
            _A.READ: ".",
            _A.UNKNOWN: "?",
        }
    ),
    event=MappingProxyType(
        {
            **dict.fromkeys(EventType, " "),
            _E.USER_MESSAGE: ">",
            _E.ASSISTANT_MESSAGE: "*",
            _E.TOOL_CALL: "#",
            _E.COMMAND_OUTPUT: "|",
            _E.DIFF: "%",
            _E.APPROVAL_REQUESTED: "!",
            _E.SESSION_FAILED: "x",
            _E.RUN_FAILED: "x",
            _E.ARTIFACT_REJECTED: "x",
            _E.ERROR: "x",
            _E.TERMINAL_STATUS: "-",
            _E.OTHER: "?",
        }
    ),
    cursor=">",
    ellipsis="~",
    rule="-",
    bar="|",
    plan=MappingProxyType({"completed": "x", "in_progress": ">", "pending": "."}),
    stale="~",
    pin="^",
    folded="+",
    unfolded="-",
    tool=MappingProxyType(
        {
            "pending": ".",
            "in_progress": "*",
            "completed": "=",
            **dict.fromkeys(("failed", "cancelled", "canceled", "rejected"), "x"),
        }
    ),
)


def glyphs_for(encoding: str | None) -> Glyphs:
    """Return the glyph set a terminal of this encoding can show."""
    return UNICODE if (encoding or "").lower().replace("-", "") in ("utf8", "utf16") else ASCII


def state_word(state: str) -> str:
    """Return the word for a session's state; one we do not know is shown as it is."""
    return STATE_WORDS.get(state) or clean_line(str(state)[:40])


def event_word(event_type: str) -> str:
    """Return the word for an event's type; one we do not know is shown as it is."""
    return EVENT_WORDS.get(event_type) or clean_line(str(event_type)[:40])
