"""An agent of macOS's launchd; it starts at login, since starting at boot takes root."""

import os
import plistlib
from pathlib import Path
from typing import Any

from quarterdeck.cli.service.definition import Definition
from quarterdeck.cli.service.manager import Manager, ask, must


class Launchd(Manager):
    """`launchctl` in the domain of the user's graphical login."""

    name = "launchd"
    program = "launchctl"
    hint = "log in on the machine itself once, so that launchd has a domain for you"

    def file(self, of: Definition) -> Path:
        """Return the property list's file."""
        return Path.home() / "Library" / "LaunchAgents" / f"{_label(of)}.plist"

    def content(self, of: Definition) -> bytes:
        """Return the property list."""
        return plistlib.dumps(
            {
                "Label": _label(of),
                "ProgramArguments": of.program,
                "EnvironmentVariables": of.environment(self.name),
                "WorkingDirectory": "/",
                "Umask": 0o077,
                "RunAtLoad": True,
                "KeepAlive": {"SuccessfulExit": False},
                # It knows no exit codes that are not to be retried, so it retries seldom.
                "ThrottleInterval": 30,
                # Keepers and agents outlive the supervisor.
                "AbandonProcessGroup": True,
                "ProcessType": "Interactive",
                "StandardErrorPath": str(of.places.state / "logs" / "service.err"),
            }
        )

    def probe(self) -> str | None:
        """Return why launchd cannot be asked, or None."""
        done = ask(self.program, "print", _domain())
        return None if done.returncode == 0 else done.stderr.strip() or "it does not answer"

    def enable(self, of: Definition, *, changed: bool) -> list[str]:
        """Load it, anew if its file has changed; launchd starts it then."""
        loaded = self.state(of)["enabled"]
        if loaded and changed:
            must(self.program, "bootout", _target(of))
        if changed or not loaded:
            must(self.program, "bootstrap", _domain(), str(self.file(of)))
        return ["launchd starts it at your login, not at boot"]

    def start(self, of: Definition) -> None:
        """Start it, or start it anew with the version that is installed now."""
        must(self.program, "kickstart", "-k", _target(of))

    def disable(self, of: Definition) -> None:
        """Unload it, which ends the supervisor that launchd has started; agents live on."""
        ask(self.program, "bootout", _target(of))

    def forget(self, of: Definition) -> None:
        """Do nothing more: it is unloaded already."""

    def state(self, of: Definition) -> dict[str, Any]:
        """Return whether it is loaded and whether it runs."""
        done = ask(self.program, "print", _target(of))
        running = "state = running" in done.stdout
        return {"enabled": done.returncode == 0, "active": running, "linger": None}


def _label(of: Definition) -> str:
    return f"dev.quarterdeck.{of.name}"


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _target(of: Definition) -> str:
    return f"{_domain()}/{_label(of)}"
