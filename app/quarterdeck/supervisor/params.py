"""What clients may say: one model per method, unknown members refused (A16)."""

import base64
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.model.states import Action
from quarterdeck.policy.call import Mode

PROMPT_LIMIT = 4 * 1024 * 1024


class Params(BaseModel):
    """The parameters of a method."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Hello(Params):
    """Who the client is; must come first."""

    client: str = Field(min_length=1, max_length=200)
    version: str = Field(max_length=100)
    reader: str = Field(min_length=1, max_length=200)
    host: str | None = Field(default=None, min_length=1, max_length=200)
    watch: bool = False


class Nothing(Params):
    """No parameters."""


class SessionList(Params):
    """A10."""

    state: str = "default"
    agent: str | None = None
    project: str | None = None
    cursor: str | None = None
    limit: int = 100


class OfSession(Params):
    """Names a session."""

    session_id: str = Field(min_length=1, max_length=200)


class Bundle(Params):
    """What a run is given to work with, by names (A6); a credential's value is never asked for."""

    repository: str | None = Field(default=None, max_length=2000)
    commit: str | None = Field(default=None, pattern=r"^[0-9a-fA-F]{4,64}$")
    prompts: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=100
    )
    skills: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=100
    )
    credential: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")

    @field_validator("repository")
    @classmethod
    def _without_credentials(cls, value: str | None) -> str | None:
        if value is not None and "://" in value and "@" in value.partition("://")[2].split("/")[0]:
            raise ValueError("must not hold a user or a password; name a credential instead")
        return value

    def told(self, redactor: Redactor) -> dict[str, Any]:
        """Return what is stored of it, each name without secrets (A2, A15)."""
        return {
            name: redactor.redact(value)
            if isinstance(value, str)
            else [redactor.redact(one) for one in value]
            for name, value in self.model_dump(exclude_none=True).items()
        }


class CommandList(OfSession):
    """A3."""

    limit: int = 100


class SessionNew(Params):
    """A new session with its first prompt."""

    agent: str = Field(min_length=1, max_length=200)
    cwd: str = Field(min_length=1, max_length=4096)
    prompt: str = Field(max_length=PROMPT_LIMIT)
    env: dict[str, str] = Field(default_factory=dict)
    title: str | None = Field(default=None, max_length=200)
    wait: bool = False
    key: str | None = Field(default=None, min_length=1, max_length=200)
    bundle: Bundle | None = None
    approval_mode: Mode = Field(default=Mode.NORMAL, strict=False)

    @field_validator("cwd")
    @classmethod
    def _existing(cls, value: str) -> str:
        path = Path(value)
        if not path.is_absolute():
            raise ValueError("must be absolute")
        if not path.is_dir():
            raise ValueError(f"{value} is no directory")
        return str(path)


IMAGES_LIMIT = 5 * 1024 * 1024
"""Characters of base64 of all images of a prompt: a prompt is one line to the agent."""


class Image(Params):
    """An image of a prompt."""

    mime_type: str = Field(pattern=r"^image/(png|jpeg|gif|webp)$")
    data: str = Field(min_length=1, max_length=IMAGES_LIMIT)

    @field_validator("data")
    @classmethod
    def _in_base64(cls, value: str) -> str:
        try:
            base64.b64decode(value, validate=True)
        except ValueError as error:
            raise ValueError("must be base64") from error
        return value


class SessionSend(OfSession):
    """A prompt."""

    text: str = Field(max_length=PROMPT_LIMIT)
    run_id: str | None = None
    env: dict[str, str] | None = None
    key: str | None = Field(default=None, min_length=1, max_length=200)
    interrupt: bool = False
    """End the running turn and go out next, before what is queued."""
    project: str | None = None
    """If given, the session must be of this project (A6)."""
    agent: str | None = None
    """If given, the session must be of this agent profile (A6)."""
    images: list[Image] = Field(default_factory=list, max_length=10)

    @field_validator("images")
    @classmethod
    def _small(cls, value: list[Image]) -> list[Image]:
        if sum(len(image.data) for image in value) > IMAGES_LIMIT:
            raise ValueError(f"must not be over {IMAGES_LIMIT} characters together")
        return value


class SessionStart(OfSession):
    """A run for a session that has none."""

    env: dict[str, str] | None = None


class OfRun(OfSession):
    """Names a session and perhaps its run."""

    run_id: str | None = None


class RunFinish(OfSession):
    """R7."""

    run_id: str
    failure: str | None = Field(default=None, max_length=2000)


class MarkRead(OfSession):
    """A9."""

    version: int = Field(ge=0)


class EventList(OfSession):
    """A3, A11."""

    run_id: str | None = None
    after_seq: int = Field(default=0, ge=0, lt=2**63)
    limit: int = 100
    output: bool = False
    types: list[Annotated[EventType, Field(strict=False)]] | None = Field(
        default=None, min_length=1, max_length=24
    )


class ApprovalList(Params):
    """Open approvals, of one session or of all."""

    session_id: str | None = None


class OfApproval(Params):
    """Names an approval."""

    approval_id: str = Field(min_length=1, max_length=200)


class ApprovalDecide(OfApproval):
    """DESIGN §4."""

    run_id: str
    payload_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    action: Action = Field(strict=False)
    token: str = Field(min_length=8, max_length=200)
    option: str | None = Field(default=None, max_length=200)
    prefix: str | None = Field(default=None, min_length=1, max_length=2000)
    reason: str | None = Field(default=None, max_length=2000)
    content: dict[str, Any] | None = None
    """What was filled into a form."""


class Down(Params):
    """Whether agents end too (V6)."""

    agents: bool = False


P = TypeVar("P", bound=Params)


def read(model: type[P], params: Any) -> P:
    """Validate the parameters of a call.

    Raises:
        QuarterdeckError: `invalid_params`, naming the parameter and what is wrong with it.
    """
    try:
        return model.model_validate({} if params is None else params)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "parameters"
        said = first["msg"].removeprefix("Value error, ")
        raise QuarterdeckError("invalid_params", f"{where}: {said}") from error
