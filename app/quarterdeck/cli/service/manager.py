"""What every service manager can do, and asking its programs."""

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from quarterdeck.cli.service.definition import Definition
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint

ASK_SECONDS = 60.0


class Manager(ABC):
    """Starts a supervisor at boot and again after a crash."""

    name: str
    program: str
    hint: str
    """What to do where it does not answer."""

    @abstractmethod
    def file(self, of: Definition) -> Path:
        """Return the file that describes the service."""

    @abstractmethod
    def content(self, of: Definition) -> bytes:
        """Return what stands in that file."""

    @abstractmethod
    def probe(self) -> str | None:
        """Return why the manager cannot be asked, or None."""

    @abstractmethod
    def enable(self, of: Definition, *, changed: bool) -> list[str]:
        """Have the service started at boot; return what the person should know of it."""

    @abstractmethod
    def start(self, of: Definition) -> None:
        """Start the service, or start it anew."""

    @abstractmethod
    def disable(self, of: Definition) -> None:
        """Have the service no longer started at boot."""

    @abstractmethod
    def forget(self, of: Definition) -> None:
        """Take note that the file is gone."""

    @abstractmethod
    def state(self, of: Definition) -> dict[str, Any]:
        """Return `{"enabled", "active", "linger"}`."""


def ask(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a manager's program to its end; one that is not there fails with 127."""
    failpoint("service.spawn.before")
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def must(*command: str) -> None:
    """Run a manager's program.

    Raises:
        QuarterdeckError: `service_failed` with the command and what it said.
    """
    done = ask(*command)
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or "it said nothing"
        raise QuarterdeckError(
            "service_failed", f"`{' '.join(command)}` failed ({done.returncode}): {said}"
        )
