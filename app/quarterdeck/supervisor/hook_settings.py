"""`[hooks]`, `[notifications]` and `[approvals]` of config.toml."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from quarterdeck.model.periods import seconds
from quarterdeck.model.quiet_hours import span
from quarterdeck.supervisor.hook_kinds import HookKind
from quarterdeck.supervisor.settings import Section

Seconds = Annotated[float, BeforeValidator(seconds)]
Argv = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Approvals(Section):
    """`[approvals]`: how long a question may wait, and what happens then."""

    expire_after: Seconds | None = Field(default=None, gt=0, le=366 * 86400)
    """Seconds, or a text like "30m"; default: never."""
    on_expiry: Literal["deny", "abort", "keep"] = "deny"
    undo_seconds: float = Field(default=0, ge=0, le=300)
    """How long the screen holds a decision, to be taken back, before it sends it; 0: not at all."""
    tell_reason: bool = True
    """Whether the reason of a denial follows as a prompt, where the answer has no room for it."""


class Hooks(Section):
    """`[hooks]`: by kind of step, the commands to run; words, no shell."""

    timeout: Seconds = Field(default=10, gt=0, le=3600)
    commands: dict[HookKind, list[Argv]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _kinds_as_keys(cls, data: Any) -> Any:
        """Take every key but `timeout` for a kind of step."""
        if not isinstance(data, dict):
            return data
        timeout = {"timeout": data["timeout"]} if "timeout" in data else {}
        kinds = {key: value for key, value in data.items() if key != "timeout"}
        return timeout | {"commands": kinds}


class Notifications(Section):
    """`[notifications]`: what a person is told of outside of the screen."""

    desktop: bool = False
    """Through notify-send, if it is there."""
    command: Argv | None = None
    kinds: tuple[HookKind, ...] = (
        HookKind.APPROVAL_REQUESTED,
        HookKind.SESSION_FAILED,
        HookKind.TURN_ENDED,
    )
    quiet_hours: str | None = None
    """Such as "22:00-07:00", by this machine's clock; what is asked then is not told."""
    collapse: Seconds = Field(default=10, ge=0, le=86400)
    """After one of a kind and session, others for so long are told of together."""

    @field_validator("quiet_hours")
    @classmethod
    def _two_times(cls, value: str | None) -> str | None:
        if value is not None:
            span(value)
        return value
