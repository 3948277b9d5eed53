"""A private SSH server on 127.0.0.1 for tests, with keys of its own."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import eventually

# Where Debian keeps sshd; ordinary users have that folder not on their PATH.
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
PRIVILEGE_SEPARATION = Path("/run/sshd")
TRIES = 5
"""A port that was free may be taken by another test before sshd has it."""


@dataclass(frozen=True)
class SshServer:
    """A running server, which lets the current user in by key."""

    port: int
    key: Path
    user: str

    def argv(self, *, terminal: bool = True) -> list[str]:
        """The ssh command up to and with the host, to be followed by the remote command.

        Args:
            terminal: True gives the remote command a terminal (`-tt`), False pipes (`-T`).
        """
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
        }
        argv = ["ssh", "-tt" if terminal else "-T", "-F", os.devnull, "-i", str(self.key)]
        for name, value in options.items():
            argv += ["-o", f"{name}={value}"]
        return [*argv, "-p", str(self.port), f"{self.user}@127.0.0.1"]


def _require(program: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), SYSTEM_PATH])
    found = shutil.which(program, path=path)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def _make_key(keygen: str, path: Path) -> Path:
    argv = [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "quarterdeck-test", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Run an SSH server until the block ends; skips the calling test where sshd is missing.

    Args:
        folder: An existing folder for keys, configuration and the log.

    Raises:
        AssertionError: The server did not come up; the message holds its log.
    """
    sshd, keygen = _require("sshd"), _require("ssh-keygen")
    _require("ssh")
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    host_key = _make_key(keygen, folder / "host_key")
    user_key = _make_key(keygen, folder / "user_key")
    config, log = folder / "sshd_config", folder / "sshd.log"
    for _ in range(TRIES):
        port = _free_port()
        _configure(config, port, host_key, user_key)
        process = subprocess.Popen(
            [sshd, "-D", "-f", str(config), "-E", str(log)], stdin=subprocess.DEVNULL
        )
        if _listens(process, port, log):
            break
    else:
        raise AssertionError(f"sshd ended: {log.read_text()}")
    try:
        yield SshServer(port=port, key=user_key, user=getpass.getuser())
    finally:
        process.terminate()
        process.wait()


def _configure(config: Path, port: int, host_key: Path, user_key: Path) -> None:
    config.write_text(
        f"ListenAddress 127.0.0.1:{port}\n"
        f"HostKey {host_key}\n"
        f"AuthorizedKeysFile {user_key}.pub\n"
        f"PidFile none\n"
        "AuthenticationMethods publickey\n"
        "PermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\n"
        "StrictModes no\n"
        "UsePAM no\n"
        "PrintMotd no\n"
        "PrintLastLog no\n"
    )


def _listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    """Wait until it listens; False if it ended instead, as where another has taken the port."""

    def told() -> bool:
        return log.exists() and f"Server listening on 127.0.0.1 port {port}." in log.read_text()

    eventually(lambda: told() or process.poll() is not None, what="sshd listening")
    return process.poll() is None
