"""Sections of config.toml that the supervisor heeds while it runs."""

import logging
import tomllib
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quarterdeck.agents.profiles import RunLimits
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places

_log = logging.getLogger(__name__)


class Section(BaseModel):
    """A table of config.toml; unknown keys are refused, so that a misspelt cap is not no cap."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Section):
    """`[limits]`: what may be spent before a person is asked, and what an agent may take.

    A day is one of this machine's.
    """

    cost_per_session: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cost_per_project: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cost_per_day: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    tokens_per_session: int | None = Field(default=None, gt=0)
    tokens_per_project: int | None = Field(default=None, gt=0)
    tokens_per_day: int | None = Field(default=None, gt=0)
    journal_ahead: int = Field(default=16 * 1024 * 1024, ge=1024 * 1024)
    """Bytes an agent's output may be ahead of what is recorded before it is stopped meanwhile."""
    session: RunLimits = Field(default_factory=RunLimits)
    """For every session whose agent's profile has no `limits` of its own."""


class Retention(Section):
    """`[retention]`: how long events and journals are kept, and how large the store may grow."""

    max_age_days: float | None = Field(default=None, gt=0, le=100_000)
    """Events of sessions closed and quiet for longer are trimmed; default: never."""
    max_bytes: int | None = Field(default=None, gt=0)
    """Above this size the oldest closed sessions are trimmed; default: no limit."""
    journal_days: float = Field(default=7, ge=0, le=100_000)
    """How long the journal and spool of an ended run are kept; all of it is in the store."""


S = TypeVar("S", bound=Section)


def load(places: Places, name: str, model: type[S]) -> S:
    """Return a section as config.toml says now.

    Raises:
        QuarterdeckError: `config_invalid`, naming file and key.
    """
    file = places.config_file
    try:
        return model.model_validate(tomllib.loads(file.read_text("utf-8")).get(name, {}))
    except FileNotFoundError:
        return model()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise QuarterdeckError("config_invalid", f"{file}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join((name, *(str(part) for part in first["loc"])))
        raise QuarterdeckError("config_invalid", f"{file}: {where}: {first['msg']}") from error


class LastGood:
    """Sections as they last could be read: a slip in the file must not lift a cap."""

    def __init__(self) -> None:
        self._held: dict[type[Section], Section] = {}
        self._read_at: dict[type[Section], tuple[int, ...]] = {}

    def load(self, places: Places, name: str, model: type[S]) -> S:
        """Return a section as the file says now, else as it said before it was damaged."""
        now, held = stamp(places), self._held.get(model)
        if isinstance(held, model) and self._read_at.get(model) == now:
            return held
        self._read_at[model] = now
        try:
            found = load(places, name, model)
        except QuarterdeckError as error:
            _log.warning("config is not heeded", extra={"error": error.message})
            found = held if isinstance(held, model) else model()
        self._held[model] = found
        return found


def stamp(places: Places) -> tuple[int, ...]:
    """Return what changes with config.toml; a missing file is one too."""
    try:
        found = places.config_file.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
