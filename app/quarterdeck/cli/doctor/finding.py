"""What one check found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    """It works, but not as well as it could, or not for ever."""
    BAD = "bad"
    """Something will not work until it is mended."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's answer."""

    check: str
    level: Level
    message: str
    remedy: str = ""
    """What to do; empty if there is nothing to do."""


def ok(check: str, message: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check, Level.OK, message)


def warn(check: str, message: str, remedy: str) -> Finding:
    """Return a finding that something could be better."""
    return Finding(check, Level.WARN, message, remedy)


def bad(check: str, message: str, remedy: str) -> Finding:
    """Return a finding that something does not work."""
    return Finding(check, Level.BAD, message, remedy)
