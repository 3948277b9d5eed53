"""Starting a keeper, and the one door to everything the supervisor does with it."""

import asyncio
import errno
import json
import os
import py_compile
import subprocess
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from quarterdeck.agents import process, scope
from quarterdeck.agents.keeper_files import (
    ExitStatus,
    JournalShorter,
    KeeperInfo,
    RunDirectory,
    Spool,
    SpoolDamaged,
    forwarded_offset,
    is_held_back,
    parse_info,
    read_exit,
    read_held_back,
    read_info,
    read_journal,
    read_keeper,
    read_output,
    read_stderr,
)
from quarterdeck.agents.keeper_sockets import (
    Bell,
    pause,
    request_stop,
    resume,
    ring_spool,
    tell_read,
)
from quarterdeck.model.failpoints import failpoint

__all__ = [
    "Bell",
    "ExitStatus",
    "JournalShorter",
    "KeeperInfo",
    "KeeperSpec",
    "RunDirectory",
    "SpawnFailed",
    "Spool",
    "SpoolDamaged",
    "forwarded_offset",
    "is_held_back",
    "pause",
    "read_exit",
    "read_held_back",
    "read_info",
    "read_journal",
    "read_keeper",
    "read_output",
    "read_stderr",
    "request_stop",
    "resume",
    "ring_spool",
    "spawn",
    "tell_read",
]

KEEPER = Path(__file__).with_name("keeper.py")
PASSED_ON = ("LD_LIBRARY_PATH", "QUARTERDECK_KEEPER_FAILPOINT")
LAUNCH_SECONDS = 60.0
END_SECONDS = 10.0


class SpawnFailed(Exception):
    """The agent was not started, and nothing of it runs.

    Attributes:
        reason: What failed, where, in words for a person.
        errno: The errno's name, such as ENOENT.
    """

    def __init__(self, reason: str, errno: str):
        super().__init__(reason)
        self.reason = reason
        self.errno = errno


@dataclass(frozen=True)
class KeeperSpec:
    """What a keeper is to start.

    Attributes:
        argv: Program and arguments; a program without a slash is looked up in `env`'s PATH.
        cwd: The agent's working directory.
        env: The agent's whole environment; QUARTERDECK_RUN is added.
        run_id: The mark of the run: what the bell says, and what a sweep looks for.
        bell: The path of the supervisor's bell.
        mode: `agent` has a spool and a journal; `terminal` has no stdin and keeps only the
            last output, stdout and stderr together.
        stop_grace_ms: For each step of a stop nobody gave times for.
        output_bytes: How much of a terminal's output is always retained; at least 64 KiB.
        journal_ahead: Bytes of the journal that may be unread before the tree is stopped until
            they are read; 0 for any amount.
        memory: Bytes that the tree and the run's terminals may have in memory together, mapped
            files not counted; 0 for any amount. What exceeds this or the next two is ended.
        processes: How many processes they may be; 0 for any number.
        run_seconds: How long the run may last; 0 for ever.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    run_id: str
    bell: Path
    mode: Literal["agent", "terminal"] = "agent"
    stop_grace_ms: int = 3000
    output_bytes: int = 64 * 1024
    journal_ahead: int = 0
    memory: int = 0
    processes: int = 0
    run_seconds: int = 0

    def to_json(self, run_dir: RunDirectory) -> bytes:
        """The spec as the keeper reads it."""
        value = {
            "argv": list(self.argv),
            "cwd": str(self.cwd),
            "env": dict(self.env),
            "bell": os.path.relpath(self.bell, run_dir.path),
            "bell_id": self.run_id,
            "mode": self.mode,
            "stop_grace_ms": self.stop_grace_ms,
            "output_bytes": self.output_bytes,
            "journal_ahead": self.journal_ahead,
            "memory": self.memory,
            "processes": self.processes,
            "run_seconds": self.run_seconds,
        }
        return json.dumps(value).encode()


async def spawn(run_dir: RunDirectory, spec: KeeperSpec) -> KeeperInfo:
    """Start a keeper and its agent in a directory that `RunDirectory.create` has made.

    A cancelled spawn leaves nothing running: it is waited for, then ended.

    Raises:
        SpawnFailed: the agent does not run; why and the errno's name are in it.
    """
    launching = asyncio.ensure_future(asyncio.to_thread(_launch, run_dir, spec))
    try:
        return await asyncio.shield(launching)
    except asyncio.CancelledError:
        await _finish_despite_cancellation(_abandon(run_dir, spec, launching))
        raise


async def _finish_despite_cancellation(work: Coroutine[None, None, None]) -> None:
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    task.result()


async def _abandon(
    run_dir: RunDirectory, spec: KeeperSpec, launching: "asyncio.Future[KeeperInfo]"
) -> None:
    try:
        info = await launching
    except SpawnFailed:
        return
    request_stop(run_dir, 0, 0)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait_gone(info.keeper), END_SECONDS)
    await asyncio.to_thread(process.sweep, spec.run_id)


@cache
def _program() -> Path:
    """The keeper compiled anew, or its source where nothing can be written.

    Python compiles a program that it runs from source in the program's own process, and keeps
    the memory: two megabytes and 15 ms for every keeper.
    """
    try:
        return Path(py_compile.compile(str(KEEPER), doraise=True) or KEEPER)
    except (OSError, py_compile.PyCompileError):
        return KEEPER


def _launch(run_dir: RunDirectory, spec: KeeperSpec) -> KeeperInfo:
    """Run the launcher to its end; blocks, so it is called in a thread."""
    command = [sys.executable, "-I", "-S", str(_program()), str(run_dir.path)]
    command = scope.around(command, memory=spec.memory, processes=spec.processes)
    # /proc shows the environment a program was started with: no secret may be in this one.
    clean = {process.RUN_VARIABLE: spec.run_id}
    for name in PASSED_ON:
        if name in os.environ:
            clean[name] = os.environ[name]
    clean |= scope.environment()
    try:
        failpoint("keeper_start.before")
        done = subprocess.run(
            command,
            input=spec.to_json(run_dir),
            capture_output=True,
            env=clean,
            cwd="/",
            start_new_session=True,
            timeout=LAUNCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        process.sweep(spec.run_id)
        reason = f"the agent was not started within {LAUNCH_SECONDS:.0f} s"
        raise SpawnFailed(reason, "ETIMEDOUT") from None
    except OSError as error:
        reason = f"cannot start the keeper with {sys.executable!r}: {error.strerror}"
        raise SpawnFailed(reason, _errno_name(error)) from error
    failpoint("keeper_start.after")
    return _read_answer(run_dir, spec, done)


def _read_answer(
    run_dir: RunDirectory, spec: KeeperSpec, done: "subprocess.CompletedProcess[bytes]"
) -> KeeperInfo:
    try:
        answer = json.loads(done.stdout)
        if not answer["ok"]:
            raise SpawnFailed(answer["error"], answer["errno"])
        return parse_info(answer)
    except (ValueError, KeyError, TypeError):
        # The launcher itself failed, so what became of the keeper is not known.
        process.sweep(spec.run_id)
        detail = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        reason = f"the keeper for {run_dir.path} did not start: {detail or done.returncode}"
        raise SpawnFailed(reason, "ECHILD") from None


def _errno_name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "EIO")
