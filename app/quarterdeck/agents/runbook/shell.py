"""Running a step's command: output captured and bounded, its whole process tree ended on demand."""

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import BaseModel

from quarterdeck.model.failpoints import failpoint

OUTPUT_HEAD = 50 * 1024
OUTPUT_TAIL = 150 * 1024
GRACE_SECONDS = 2.0
_CHUNK = 64 * 1024
# Output may be held open by what the command left in the background; its end is not waited for.
_LINGER_SECONDS = 0.3
_CLOCK_SLACK = 2.0
_KILL_ROUNDS = 20


class ProcessMark(BaseModel):
    """Names a command's session leader so that another process knows it again.

    Attributes:
        pid: Also the id of its process group and session.
        started: Seconds since the epoch, as the system tells it.
    """

    pid: int
    started: float


@dataclass(frozen=True)
class CommandResult:
    """How a command ended.

    Attributes:
        exit_code: As the shell would tell it: 128 + N if signal N ended it.
        output: stdout and stderr as they came; the middle is left out beyond 200 KiB.
        output_bytes: How much it wrote in all.
    """

    exit_code: int
    output: str
    output_bytes: int
    truncated: bool
    timed_out: bool


class OutputBuffer:
    """Keep the first and the last part of a stream of any length."""

    def __init__(self, *, head: int = OUTPUT_HEAD, tail: int = OUTPUT_TAIL) -> None:
        self._room, self._keep = head, tail
        self._head, self._tail = bytearray(), bytearray()
        self.total = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self.total += len(data)
        taken = data[: self._room - len(self._head)]
        self._head += taken
        self._tail += data[len(taken) :]
        if len(self._tail) > 2 * self._keep:
            del self._tail[: -self._keep]

    @property
    def truncated(self) -> bool:
        """Whether something had to be left out."""
        return self.total > self._room + self._keep

    def text(self) -> str:
        """Return what was kept, with a note where something is missing."""
        tail = bytes(self._tail[-self._keep :])
        if not self.truncated:
            return (bytes(self._head) + tail).decode("utf-8", "replace")
        missing = self.total - len(self._head) - len(tail)
        note = f"\n[… {missing} bytes left out …]\n"
        return self._head.decode("utf-8", "replace") + note + tail.decode("utf-8", "replace")


async def run_command(
    argv: list[str], cwd: Path, timeout: float, on_start: Callable[[ProcessMark], None]
) -> CommandResult:
    """Run a command in a session of its own and wait for its end.

    If the caller is cancelled or `timeout` seconds are over, its whole tree is ended.

    Raises:
        OSError: if it cannot be started.
        ValueError: if an argument holds a NUL.
    """
    loop = asyncio.get_running_loop()
    reader, writer = os.pipe()
    try:
        failpoint("runbook_command.spawn.before")
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    failpoint("runbook_command.spawn.after")
    os.set_blocking(reader, False)
    output, output_ended = OutputBuffer(), asyncio.Event()
    loop.add_reader(reader, _drain, reader, output, output_ended)
    ended = _watch_end(process, loop)
    mark, timed_out = _mark(process.pid), False
    try:
        on_start(mark)
        await asyncio.wait({ended}, timeout=timeout)
        if not ended.done():
            timed_out = True
            await end_tree(mark)
            await asyncio.wait({ended})
        await _wait_briefly(output_ended)
        while not output_ended.is_set() and _drain(reader, output, output_ended):
            pass
    finally:
        loop.remove_reader(reader)
        os.close(reader)
        if not ended.done():
            await end_tree(mark)
    code = ended.result()
    return CommandResult(
        exit_code=code if code >= 0 else 128 - code,
        output=output.text(),
        output_bytes=output.total,
        truncated=output.truncated,
        timed_out=timed_out,
    )


def _drain(reader: int, output: OutputBuffer, ended: asyncio.Event) -> bool:
    try:
        data = os.read(reader, _CHUNK)
    except BlockingIOError:
        return False
    if data:
        output.add(data)
    else:
        asyncio.get_running_loop().remove_reader(reader)
        ended.set()
    return len(data) == _CHUNK


async def _wait_briefly(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            await event.wait()
    except TimeoutError:
        return


def _watch_end(
    process: "subprocess.Popen[bytes]", loop: asyncio.AbstractEventLoop
) -> "asyncio.Future[int]":
    # A thread per command: asyncio's own child watching can hang while a grandchild holds the
    # pipe, and pidfd is not on every system.
    future: asyncio.Future[int] = loop.create_future()

    def tell(code: int) -> None:
        if not future.done():
            future.set_result(code)

    def watch() -> None:
        code = process.wait()
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, code)

    threading.Thread(target=watch, name=f"step-{process.pid}", daemon=True).start()
    return future


def _mark(pid: int) -> ProcessMark:
    try:
        return ProcessMark(pid=pid, started=psutil.Process(pid).create_time())
    except psutil.Error:
        return ProcessMark(pid=pid, started=time.time())


def tree_of(mark: ProcessMark) -> list[psutil.Process]:
    """List what lives of a command: the members of its session, and all their descendants."""
    found: dict[int, psutil.Process] = {}
    for pid in psutil.pids():
        if _session_of(pid) != mark.pid:
            continue
        try:
            member = psutil.Process(pid)
            # An older process means that the number was given out again, to somebody else.
            if member.create_time() >= mark.started - _CLOCK_SLACK:
                found[pid] = member
                found.update((child.pid, child) for child in member.children(recursive=True))
        except psutil.Error:
            continue
    return [process for process in found.values() if _lives(process)]


async def end_tree(mark: ProcessMark, grace: float = GRACE_SECONDS) -> None:
    """Send TERM to a command's whole tree, and KILL after `grace` seconds or when cancelled."""
    known = tree_of(mark)
    _send(known, signal.SIGTERM)
    deadline = time.monotonic() + grace
    try:
        # Other processes' ends make no event here.
        while any(map(_lives, known)) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    finally:
        _send(known, signal.SIGKILL)
        # Those it started meanwhile; a few rounds, since killing races with forking.
        for _ in range(_KILL_ROUNDS):
            late = tree_of(mark)
            if not late:
                break
            _send(late, signal.SIGKILL)


def _send(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
