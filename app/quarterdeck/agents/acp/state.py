"""All a driver remembers between two lines, and its form in the store."""

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quarterdeck.agents.acp.facts import Via
from quarterdeck.agents.acp.permissions import OpenPermission
from quarterdeck.agents.acp.tool_calls import ToolCalls
from quarterdeck.rpc.message import Id

_BY_CALL = ("modes_asked", "models_asked", "settings_asked")


class Phase(StrEnum):
    """How far the handshake is."""

    GREETING = "greeting"
    """initialize was sent."""
    OPENING = "opening"
    """session/new, load, resume or fork was sent."""
    READY = "ready"
    FAILED = "failed"


@dataclass(slots=True)
class Turn:
    """The open session/prompt."""

    call_id: Id
    command_id: str
    echo: str
    """What of the prompt the agent may still echo."""
    cancelled: bool = False
    wrote: bool = False
    """Whether the agent asked us to write a file."""
    ran: bool = False
    """Whether the agent asked us to run a command."""


@dataclass(slots=True)
class State:
    """What is known of one conversation with an agent."""

    cwd: str
    intent: Via
    wanted_mode: str | None
    keep_replay: bool
    phase: Phase = Phase.GREETING
    opening: Via = "new"
    """What OPENING is trying just now."""
    session_id: str | None = None
    can_load: bool = False
    greeting: dict[str, Any] = field(default_factory=dict)
    """What initialize told, kept until the session is open."""
    turn: Turn | None = None
    permissions: dict[Id, OpenPermission] = field(default_factory=dict)
    tools: ToolCalls = field(default_factory=ToolCalls)
    replaying: bool = False
    replayed: int = 0
    noise: int = 0
    """Lines of the handshake that were no messages."""
    modes_asked: dict[Id, str] = field(default_factory=dict)
    """Unanswered calls that set a mode."""
    models_asked: dict[Id, str] = field(default_factory=dict)
    """Unanswered calls that set a model."""
    settings_asked: dict[Id, str] = field(default_factory=dict)
    """The commands that such calls are for."""
    model_option: str | None = None
    """The agent's configuration option that is its model."""
    has_models: bool = False
    """Whether the agent told its models the older way, without a configuration option."""
    fork_of: str | None = None
    """The agent's own id of the session to fork."""
    mode: str | None = None
    usage: dict[str, Any] | None = None

    @property
    def in_handshake(self) -> bool:
        """Whether the session is still being opened."""
        return self.phase in (Phase.GREETING, Phase.OPENING)

    def is_foreign(self, session_id: Any) -> bool:
        """Tell whether a message is for another session; none is before ours has its id."""
        return self.session_id is not None and session_id != self.session_id

    def to_json(self) -> dict[str, Any]:
        """Return a dict that JSON can hold; ids that are numbers stay numbers."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return plain | {
            "phase": self.phase.value,
            "turn": dataclasses.asdict(self.turn) if self.turn else None,
            "permissions": [dataclasses.asdict(p) for p in self.permissions.values()],
            "tools": self.tools.to_state(),
            **{name: [list(pair) for pair in getattr(self, name).items()] for name in _BY_CALL},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "State":
        """Build from what `to_json` returned."""
        permissions = [OpenPermission(**p) for p in data["permissions"]]
        return cls(
            **data
            | {
                "phase": Phase(data["phase"]),
                "turn": Turn(**data["turn"]) if data["turn"] else None,
                "permissions": {p.request_id: p for p in permissions},
                "tools": ToolCalls.from_state(data["tools"]),
                **{name: dict(data.get(name, [])) for name in _BY_CALL},
            }
        )
