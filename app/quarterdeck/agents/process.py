"""Which process is which: identity, liveness, end, and the survivors of a run.

A pid alone says nothing after a restart, so a process is known by the boot it runs in, its pid
and its start time. Linux tells through /proc and pidfd; elsewhere psutil answers, and an end
is looked for twice a second.
"""

import asyncio
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import psutil

LINUX = sys.platform == "linux"
RUN_VARIABLE = "QUARTERDECK_RUN"
POLL_SECONDS = 0.5
SWEEP_SECONDS = 5.0
START_TOLERANCE_SECONDS = 0 if LINUX else 2


@dataclass(frozen=True)
class ProcessIdentity:
    """One process of one boot of this machine.

    Attributes:
        boot_id: The kernel's id of the boot; empty where the system has none.
        pid: The process id.
        start_time: Clock ticks since boot on Linux, seconds since the epoch elsewhere.
    """

    boot_id: str
    pid: int
    start_time: int


@cache
def boot_id() -> str:
    """This boot's id, empty where the system has none."""
    return _read(Path("/proc/sys/kernel/random/boot_id")).decode().strip()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


class _Stat(NamedTuple):
    state: str
    parent: int
    start_time: int


def _stat(pid: int) -> _Stat | None:
    """State, parent and start time of a process; None if there is none of that number."""
    if LINUX:
        # The name stands in parentheses and may itself hold spaces and parentheses.
        fields = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
        if len(fields) < 20:
            return None
        return _Stat(fields[0].decode(), int(fields[1]), int(fields[19]))
    try:
        process = psutil.Process(pid)
        state = "Z" if process.status() == psutil.STATUS_ZOMBIE else "R"
        return _Stat(state, process.ppid(), int(process.create_time()))
    except psutil.Error:
        return None


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of the process that has this pid now; None if there is none or it is dead."""
    stat = _stat(pid)
    if stat is None or stat.state in "ZX":
        return None
    return ProcessIdentity(boot_id(), pid, stat.start_time)


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether that very process runs: a zombie, another boot or a reused pid is dead."""
    if identity.boot_id != boot_id():
        return False
    now = identify(identity.pid)
    if now is None:
        return False
    return abs(now.start_time - identity.start_time) <= START_TOLERANCE_SECONDS


def watch(identity: ProcessIdentity, callback: Callable[[], None]) -> Callable[[], None]:
    """Call back once, from the running event loop, when that process has ended.

    The call comes soon if it has ended already. It costs one descriptor while it waits.

    Returns:
        A function that gives the watch up; harmless afterwards.
    """
    loop = asyncio.get_running_loop()
    pidfd = _open_pidfd(identity.pid)
    if not is_alive(identity):
        if pidfd is not None:
            os.close(pidfd)
        return loop.call_soon(callback).cancel
    if pidfd is None:
        return _watch_by_polling(loop, identity, callback)
    open_fd = pidfd
    is_open = True

    def stop() -> None:
        nonlocal is_open
        if is_open:
            is_open = False
            loop.remove_reader(open_fd)
            os.close(open_fd)

    def ended() -> None:
        stop()
        callback()

    loop.add_reader(open_fd, ended)
    return stop


def _open_pidfd(pid: int) -> int | None:
    """A pidfd, or None where there are none, none is left, or the process is gone."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _watch_by_polling(
    loop: asyncio.AbstractEventLoop, identity: ProcessIdentity, callback: Callable[[], None]
) -> Callable[[], None]:
    async def poll() -> None:
        while is_alive(identity):  # noqa: ASYNC110 - nothing here tells of the end
            await asyncio.sleep(POLL_SECONDS)
        callback()

    task = loop.create_task(poll())

    def stop() -> None:
        task.cancel()

    return stop


async def wait_gone(identity: ProcessIdentity) -> None:
    """Return once that process has ended; it need not be a child of ours."""
    gone = asyncio.Event()
    stop = watch(identity, gone.set)
    try:
        await gone.wait()
    finally:
        stop()


def survivors_by_run() -> dict[str, list[int]]:
    """Every process that carries a run's mark in its environment, in one pass, by run id."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for pid, run_id in _marked():
        if pid != os.getpid():
            found[run_id].append(pid)
    return dict(found)


def survivors(run_id: str) -> list[int]:
    """Processes that were started with QUARTERDECK_RUN=`run_id`, the keeper included.

    One that was executed with another environment is not found; `sweep` reaches it if it
    descends from one that is.
    """
    return survivors_by_run().get(run_id, [])


def _marked() -> Iterator[tuple[int, str]]:
    if not LINUX:
        for process in psutil.process_iter(["environ"]):
            run_id = (process.info["environ"] or {}).get(RUN_VARIABLE)
            if run_id:
                yield process.pid, run_id
        return
    mark = f"\0{RUN_VARIABLE}=".encode()
    for entry in _proc_pids():
        # Empty for a zombie and for what belongs to somebody else.
        _, found, rest = (b"\0" + _read(Path(f"/proc/{entry}/environ"))).partition(mark)
        if found:
            yield entry, os.fsdecode(rest.partition(b"\0")[0])


def _proc_pids() -> list[int]:
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]


def sweep(run_id: str) -> set[int]:
    """Kill every survivor of a run and all that descends from one.

    They are stopped first, again and again until no new one is found, so that none can start
    another; then killed together. Blocks until they are gone, at most about five seconds.

    Returns:
        The pids that were killed.
    """
    deadline = time.monotonic() + SWEEP_SECONDS
    killed: set[int] = set()
    while time.monotonic() < deadline:
        frozen = _freeze(run_id, deadline)
        if not frozen:
            break
        for pid in frozen:
            _send(pid, signal.SIGKILL)
        killed |= frozen
        time.sleep(0.005)
    return killed


def _freeze(run_id: str, deadline: float) -> set[int]:
    frozen: set[int] = set()
    while time.monotonic() < deadline:
        new = _with_descendants(survivors(run_id)) - frozen
        if not new:
            break
        for pid in new:
            _send(pid, signal.SIGSTOP)
        frozen |= new
    return frozen


def _with_descendants(roots: list[int]) -> set[int]:
    if not roots:
        return set()
    below: defaultdict[int, list[int]] = defaultdict(list)
    for pid in _proc_pids() if LINUX else psutil.pids():
        stat = _stat(pid)
        if stat is not None and stat.state not in "ZX":
            below[stat.parent].append(pid)
    found: set[int] = set()
    queue = list(roots)
    while queue:
        pid = queue.pop()
        if pid not in found and pid != os.getpid():
            found.add(pid)
            queue.extend(below[pid])
    return found


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
