"""Supervisors forked from a process that has imported everything: a start costs a few ms.

A sweep starts a thousand supervisors. Each is the product's own `main`, in a process of its own
with an environment of its own; only the imports were done before.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from quarterdeck.model import failpoints
from quarterdeck.model.places import Places

READY = b"ready\n"


class Zygote:
    """The process that supervisors are forked from."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.supervisor_zygote"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                cwd=Path(__file__).parents[2],
                start_new_session=True,
            )
        self._stream = ours.makefile("rwb")
        ours.close()
        if self._stream.readline() != READY:
            raise AssertionError(f"the zygote did not start: {self._process.wait()}")

    def start(self, places: Places, **variables: str) -> "ForkedSupervisor":
        """Fork a supervisor of `places` with more variables in its environment."""
        own = {
            key: value for key, value in os.environ.items() if not key.startswith("QUARTERDECK_")
        }
        own |= {
            "QUARTERDECK_STATE_DIR": str(places.state),
            "QUARTERDECK_CONFIG_DIR": str(places.config),
            **variables,
        }
        self._stream.write(json.dumps(own).encode() + b"\n")
        self._stream.flush()
        return ForkedSupervisor(int(self._stream.readline()))

    def close(self) -> None:
        """End it; supervisors it has forked go on."""
        self._stream.close()
        self._process.wait(60)


class ForkedSupervisor:
    """One supervisor's process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._pidfd = -1

    def alive(self) -> bool:
        """Whether it runs."""
        if self._pidfd >= 0 and select.select([self._pidfd], [], [], 0)[0]:
            self.forget()
        return self._pidfd >= 0

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Signal it, if it runs."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False if it still runs."""
        if self._pidfd >= 0:
            select.select([self._pidfd], [], [], seconds)
        return not self.alive()

    def forget(self) -> None:
        """Let go of its descriptor."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1


def _import_all() -> None:
    import acp.schema  # noqa: F401 - the product imports it late

    import quarterdeck.supervisor

    packages = [quarterdeck.supervisor.__path__[0]]
    for found in pkgutil.walk_packages(packages, "quarterdeck.supervisor."):
        importlib.import_module(found.name)
    from quarterdeck.agents import holding

    # What one start needs and finds out by itself, once for all.
    holding._program()


def _be_supervisor(environment: dict[str, str]) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir("/")
    _set_failpoints(environment.get(failpoints.VARIABLE, ""))
    from quarterdeck.supervisor import __main__ as program

    sys.argv = ["supervisor"]
    return program.main()


def _set_failpoints(setting: str) -> None:
    """Do what the import does in a process that was started with the variable."""
    before, after = failpoints.failpoint, failpoints.chosen(setting)
    for module in list(sys.modules.values()):
        if getattr(module, "failpoint", None) is before:
            vars(module)["failpoint"] = after


def main() -> None:
    """Fork a supervisor for each line of stdin and answer with its pid."""
    _import_all()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    for line in sys.stdin.buffer:
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                code = _be_supervisor(json.loads(line))
            finally:
                os._exit(code)
        sys.stdout.buffer.write(b"%d\n" % pid)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
