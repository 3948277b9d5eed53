"""Reaching the supervisor's socket, and starting a supervisor where none answers."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from quarterdeck.model.errors import Exit, QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.places import Places
from quarterdeck.rpc.framing import LINE_LIMIT
from quarterdeck.rpc.unix_path import reachable

START_SECONDS = 15.0
AGAIN_SECONDS = 0.1
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def open_link(places: Places, *, start: bool) -> Streams:
    """Connect to the supervisor of `places`, starting it first if allowed.

    Raises:
        QuarterdeckError: `unreachable` if none runs and none may be started, `cannot_start`
            with what it said if it does not come up within 15 s.
    """
    starter: subprocess.Popen[bytes] | None = None
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        streams = await _try(places)
        if streams is not None:
            return streams
        if not start:
            if not await asyncio.to_thread(_holds_lock, places):
                raise QuarterdeckError("unreachable", f"no supervisor runs for {places.state}")
            # One that is just starting, or ending: its socket comes, or its process goes.
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        if starter is None:
            starter = await _start_detached(places)
        code = starter.poll()
        if code in (Exit.DONE, Exit.LOCK_HELD):
            # Another one has the lock. If it goes down instead of coming up, one must follow it.
            starter = None
        elif code is not None:
            break
        await asyncio.sleep(AGAIN_SECONDS if starter is None else 0.02)
    if not start:
        raise QuarterdeckError(
            "unreachable", f"the supervisor that holds {places.lock} does not answer"
        )
    raise QuarterdeckError("cannot_start", f"no supervisor came up: {last_words(places)}")


def _holds_lock(places: Places) -> bool:
    """Tell whether the process named in the lock file is a supervisor that took the lock.

    The lock itself is not tried: while it was held for that, a starting supervisor would give up.
    """
    try:
        if not places.lock.is_file():
            return False
        taken = places.lock.stat().st_mtime
        pid = int(places.lock.read_text())
    except (OSError, ValueError):
        return False
    import psutil  # only needed where somebody has or had the lock and no socket answers

    try:
        holder = psutil.Process(pid)
        # A second of grace, as the two clocks are rounded differently.
        return "quarterdeck.supervisor" in holder.cmdline() and holder.create_time() < taken + 1
    except (OSError, ValueError, psutil.Error):
        return False


async def _try(places: Places) -> Streams | None:
    try:
        with reachable(places.socket) as name:
            return await asyncio.open_unix_connection(name, limit=LINE_LIMIT)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        return None
    except OSError as error:
        raise QuarterdeckError(
            "cannot_start",
            f"{places.socket} cannot be reached: {error}",
            hint="check its owner and mode, or set QUARTERDECK_STATE_DIR",
        ) from error


def start_errors(places: Places) -> Path:
    """Return the file that keeps what the last detached start printed."""
    return places.state / "logs" / "start.err"


def last_words(places: Places) -> str:
    """Return the end of what the last detached start printed, for an error message."""
    try:
        text = start_errors(places).read_text("utf-8", "replace").strip()
    except OSError as error:
        return str(error)
    return text[-2000:] or "it said nothing"


def check_outside_sessions() -> None:
    """Refuse to start a supervisor from inside a session.

    Raises:
        QuarterdeckError: `cannot_start`.
    """
    if "QUARTERDECK_RUN" in os.environ:
        raise QuarterdeckError(
            "cannot_start",
            "a supervisor started from inside a session would end with that session",
            hint="run `qd up` in a terminal of your own",
        )


def open_errors(places: Places, file: Path) -> int:
    """Open a file of the state directory's logs for what a supervisor prints, emptied.

    Raises:
        QuarterdeckError: `cannot_start`: there may be no supervisor from in here, or no file.
    """
    check_outside_sessions()
    try:
        failpoint("supervisor_start.mkdir.before")
        for folder in (places.state, places.state / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise QuarterdeckError(
            "cannot_start",
            f"the state directory cannot be used: {error}",
            hint="check its owner and mode, or set QUARTERDECK_STATE_DIR",
        ) from error


def supervisor_environment(places: Places) -> dict[str, str]:
    """Return what a supervisor of `places` is started with: ours, without our own settings."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("QUARTERDECK_")}
    return inherited | {
        "QUARTERDECK_STATE_DIR": str(places.state),
        "QUARTERDECK_CONFIG_DIR": str(places.config),
    }


async def _start_detached(places: Places) -> "subprocess.Popen[bytes]":
    """Start a supervisor that outlives this process: own session, no terminal, cwd `/`."""
    errors = open_errors(places, start_errors(places))
    try:
        failpoint("supervisor_start.spawn.before")
        return await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-P", "-m", "quarterdeck.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",
            env=supervisor_environment(places),
            start_new_session=True,
        )
    finally:
        os.close(errors)
