"""A cgroup of its own for an agent with limits, through systemd where it runs.

The keeper's watch is what names a limit and its measured value, but it only looks now and then.
A scope is the wall behind it: the kernel refuses what goes beyond, however fast it grows.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from quarterdeck.model.failpoints import failpoint

PROBE_SECONDS = 5.0
ROOM_BYTES = 64 * 1024 * 1024
"""Beyond the limit of memory: for keeper and file cache, and so that the watch is first."""
ROOM_PROCESSES = 16
"""Threads and keepers count as tasks too."""
TASKS_EACH = 64
"""Threads that a process may have; the limit is of processes, the kernel's of tasks."""
PASSED_ON = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


@cache
def _manager() -> tuple[str, ...] | None:
    """Return how a scope is asked for here, or None where no systemd answers."""
    program = shutil.which("systemd-run")
    if program is None:
        return None
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    user = os.geteuid() != 0
    if not Path(own if user and own else "/run", "systemd", "private").exists():
        return None
    asked = (program, *(("--user",) if user else ()), "--scope", "--quiet", "--collect")
    try:
        failpoint("scope.probe.before")
        done = subprocess.run(
            [*asked, "--", "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked if done.returncode == 0 else None


def around(command: list[str], *, memory: int, processes: int) -> list[str]:
    """Return the command line that runs `command` in a scope, or `command` where there is none.

    Args:
        command: What starts the keeper; all it starts stays in the scope.
        memory: Bytes, 0 for any amount.
        processes: How many, 0 for any number.
    """
    wanted: list[str] = []
    if memory:
        wanted += ["-p", f"MemoryMax={memory + ROOM_BYTES}", "-p", "MemorySwapMax=0"]
    if processes:
        wanted += ["-p", f"TasksMax={processes * TASKS_EACH + ROOM_PROCESSES}"]
    if not wanted:
        return command
    manager = _manager()
    return command if manager is None else [*manager, *wanted, "--", *command]


def environment() -> Mapping[str, str]:
    """Return what systemd-run needs of our environment to find its manager; no secrets."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}
