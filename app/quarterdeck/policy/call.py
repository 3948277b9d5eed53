"""What is judged and what comes of it: the call, the mode it is made in, the verdict (C4)."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Tool(StrEnum):
    """What kind of thing a call does; every call that runs a command is `execute`."""

    EXECUTE = "execute"
    READ = "read"
    SEARCH = "search"
    EDIT = "edit"
    DELETE = "delete"
    MOVE = "move"
    FETCH = "fetch"
    THINK = "think"
    MCP = "mcp"
    OTHER = "other"


WRITING = frozenset({Tool.EDIT, Tool.DELETE, Tool.MOVE})
FILE_TOOLS = WRITING | {Tool.READ, Tool.SEARCH}


class Mode(StrEnum):
    """A session's approval mode."""

    ASK_ALL = "ask_all"
    """Nothing is allowed without a person."""
    NORMAL = "normal"
    TRUSTED = "trusted"
    """Edits inside the session's directory are allowed too."""
    READ_ONLY = "read_only"
    """Writes, and commands not known to only read, are forbidden."""


class Decision(StrEnum):
    """What the policy says to a call, from lenient to strict."""

    ALLOW = "allow"
    ASK = "ask"
    FORBID = "forbid"


_STRICTNESS = {Decision.ALLOW: 0, Decision.ASK: 1, Decision.FORBID: 2}


def strictness(decision: Decision) -> int:
    """Rank a decision: the higher one wins."""
    return _STRICTNESS[decision]


@dataclass(frozen=True, slots=True)
class Call:
    """One thing an agent asks for, as structured fields and never as its own title for it."""

    tool: Tool
    root: Path
    """The session's directory; what lies in it is inside."""
    cwd: Path
    """Where the call works; relative paths start here."""
    agent: str = ""
    mode: Mode = Mode.NORMAL
    argv: tuple[str, ...] | None = None
    """The words of a command that no shell reads."""
    shell: str | None = None
    """A command that a shell reads."""
    paths: tuple[str, ...] = ()
    """Every path the call names, as it names it."""
    host: str | None = None
    mcp_server: str | None = None
    mcp_tool: str | None = None
    doubt: str | None = None
    """Why the fields cannot be relied on; such a call is never allowed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says to a call, by which rule and why; the reason is for a person (C5)."""

    decision: Decision
    reason: str
    rule: str | None = None
    """The id of the rule that decided, with the file it is from: `default:look`."""
    rule_text: str | None = None
    """The rule as it stood at that time, in TOML, for the audit."""
    proposal: tuple[str, ...] | None = None
    """The command prefix an amendment could allow for good, or None if none may be offered."""
    host: str | None = None
    """The network host an amendment could settle, or None."""
    rules: tuple[str, ...] = field(default=())
    """Every rule that matched some part of the call, in the order of the parts."""
