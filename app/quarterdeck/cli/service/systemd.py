"""A unit of systemd's user manager, and lingering, which lets it run without a login."""

import os
import pwd
from pathlib import Path
from typing import Any

from quarterdeck.cli.service.definition import Definition
from quarterdeck.cli.service.manager import Manager, ask, must

UNIT = """\
[Unit]
Description=Quarterdeck supervisor for {state}
StartLimitIntervalSec=120
StartLimitBurst=5

[Service]
Type=exec
ExecStart=/usr/bin/env {program}
{environment}
WorkingDirectory=/
UMask=0077
# Keepers and agents outlive the supervisor, and the next one attaches to them again.
KillMode=process
# 4: another supervisor holds the lock. 6: it cannot start, such as with a newer store.
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=4 6
TimeoutStopSec=30
# An agent that runs out of memory must not take the supervisor with it.
OOMPolicy=continue
TasksMax=infinity
LimitNOFILE=65536

[Install]
WantedBy=default.target
"""


class Systemd(Manager):
    """`systemctl --user` and `loginctl`."""

    name = "systemd"
    program = "systemctl"
    hint = (
        "log in on the machine itself or by ssh, so that a user manager runs (with su or sudo "
        "there is none: try `machinectl shell USER@`); in a container start `qd up` at its entry"
    )

    def file(self, of: Definition) -> Path:
        """Return the unit's file."""
        config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        return Path(config) / "systemd" / "user" / f"{of.name}.service"

    def content(self, of: Definition) -> bytes:
        """Return the unit."""
        lines = [
            f"Environment={_quoted(f'{name}={value}')}"
            for name, value in of.environment(self.name).items()
        ]
        # Through env, since systemd takes some characters in arguments only; and in those, unlike
        # elsewhere, a dollar sign is for variables.
        program = " ".join(_quoted(word).replace("$", "$$") for word in of.program)
        state = str(of.places.state).replace("%", "%%")
        return UNIT.format(state=state, program=program, environment="\n".join(lines)).encode(
            "utf-8", "surrogateescape"
        )

    def probe(self) -> str | None:
        """Return why the user manager cannot be asked, or None."""
        done = ask(self.program, "--user", "show", "--property=Version")
        return None if done.returncode == 0 else done.stderr.strip() or "it does not answer"

    def enable(self, of: Definition, *, changed: bool) -> list[str]:
        """Have it started at boot, and let the user's services run without a login."""
        must(self.program, "--user", "daemon-reload")
        must(self.program, "--user", "enable", f"{of.name}.service")
        done = ask("loginctl", "enable-linger")
        if done.returncode == 0 or self._lingers():
            return []
        user = pwd.getpwuid(os.getuid()).pw_name
        said = done.stderr.strip() or "no reason given"
        return [
            f"lingering could not be enabled ({said}): it starts at your login and agents end "
            f"with it; as root: loginctl enable-linger {user}"
        ]

    def start(self, of: Definition) -> None:
        """Start it, or start it anew with the version that is installed now."""
        must(self.program, "--user", "restart", f"{of.name}.service")

    def disable(self, of: Definition) -> None:
        """Have it no longer started at boot."""
        ask(self.program, "--user", "disable", f"{of.name}.service")

    def forget(self, of: Definition) -> None:
        """Take note that its file is gone."""
        must(self.program, "--user", "daemon-reload")

    def state(self, of: Definition) -> dict[str, Any]:
        """Return whether it is enabled and active, and whether the user lingers."""
        unit = f"{of.name}.service"
        return {
            "enabled": ask(self.program, "--user", "is-enabled", unit).stdout.strip() == "enabled",
            "active": ask(self.program, "--user", "is-active", unit).stdout.strip() == "active",
            "linger": self._lingers(),
        }

    def _lingers(self) -> bool:
        user = pwd.getpwuid(os.getuid()).pw_name
        done = ask("loginctl", "show-user", user, "--property=Linger", "--value")
        return done.stdout.strip() == "yes" or (Path("/var/lib/systemd/linger") / user).exists()


def _quoted(text: str) -> str:
    """Quote a word of a unit file: backslash and quote escaped, `%` is no specifier."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'.replace("\n", "\\n")
