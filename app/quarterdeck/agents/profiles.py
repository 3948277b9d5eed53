"""Agent profiles: built in, and from config.toml's `[agents.NAME]` (DESIGN §11)."""

import shutil
import sys
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quarterdeck.model.errors import QuarterdeckError

RUNBOOK = "runbook"


class RunLimits(BaseModel):
    """What one session's agent may take, terminals included; the run that exceeds it is ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory: int | None = Field(default=None, ge=1024 * 1024)
    """Bytes in memory of all its processes together, mapped files not counted."""
    processes: int | None = Field(default=None, gt=0)
    run_time: int | None = Field(default=None, gt=0)
    """Seconds from the start of its process."""


class AgentProfile(BaseModel):
    """How one kind of agent is started."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: list[str] = Field(min_length=1)
    """Program and arguments; no shell is involved."""
    env: dict[str, str] = Field(default_factory=dict)
    """Set for the agent as they stand here."""
    pass_env: list[str] = Field(default_factory=list)
    """Names of variables taken fresh from the client that starts the agent."""
    protocol: Literal["acp"] = "acp"
    mode: str | None = None
    """The agent's own mode to set after every start; agents do not restore it on load."""
    start_timeout: float = Field(default=60.0, gt=0, le=600)
    """Seconds the handshake may take."""
    token_usage: Literal["turn", "session"] = "turn"
    """What the tokens told with the end of a turn are of; agents differ."""
    limits: RunLimits | None = None
    """In place of `[limits.session]`."""

    def found(self) -> bool:
        """Whether the program is there."""
        return shutil.which(self.command[0], path=self.env.get("PATH")) is not None


class _Config(BaseModel):
    model_config = ConfigDict(extra="ignore")

    agents: dict[str, AgentProfile] = Field(default_factory=dict)


def builtin() -> dict[str, AgentProfile]:
    """Return the profiles that need no configuration: the runbook agent and known programs."""
    # -P: a project with modules of the same names must not be run instead of ours.
    python = [sys.executable, "-P", "-m", "quarterdeck.agents.runbook"]
    return {
        RUNBOOK: AgentProfile(command=python),
        "opencode": AgentProfile(command=["opencode", "acp"], pass_env=_KEYS),
        "codex": AgentProfile(command=["codex-acp"], pass_env=[*_KEYS, "CODEX_HOME"]),
        "gemini": AgentProfile(command=["gemini", "--acp"], pass_env=_KEYS),
        "qwen": AgentProfile(command=["qwen", "--acp"], pass_env=_KEYS),
        "vibe": AgentProfile(command=["vibe-acp"], pass_env=_KEYS),
        "kimi": AgentProfile(command=["kimi", "acp"], pass_env=_KEYS),
    }


_KEYS = [
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "KIMI_API_KEY",
    "MISTRAL_API_KEY",
    "MOONSHOT_API_KEY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "OPENROUTER_API_KEY",
]


def load(config_file: Path) -> dict[str, AgentProfile]:
    """Return the built-in profiles with those of `config_file` over them.

    Raises:
        QuarterdeckError: `config_invalid`, naming file and key.
    """
    try:
        text = config_file.read_text("utf-8")
    except FileNotFoundError:
        return builtin()
    except (OSError, UnicodeDecodeError) as error:
        raise QuarterdeckError("config_invalid", f"{config_file}: {error}") from error
    try:
        config = _Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise QuarterdeckError("config_invalid", f"{config_file}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise QuarterdeckError(
            "config_invalid", f"{config_file}: {where}: {first['msg']}"
        ) from error
    return builtin() | config.agents
