"""Reaching the supervisor's socket, and starting a supervisor where none answers."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from quarterdeck.model.errors import Exit, QuarterdeckError
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
            raise QuarterdeckError("unreachable", f"no supervisor runs for {places.state}")
        if starter is None:
            starter = await _start_detached(places)
        code = starter.poll()
        if code in (Exit.DONE, Exit.LOCK_HELD):
            # Another one has the lock. If it goes down instead of coming up, one must follow it.
            starter = None
        elif code is not None:
            break
        await asyncio.sleep(AGAIN_SECONDS if starter is None else 0.02)
    raise QuarterdeckError("cannot_start", f"no supervisor came up: {last_words(places)}")


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


async def _start_detached(places: Places) -> "subprocess.Popen[bytes]":
    """Start a supervisor that outlives this process: own session, no terminal, cwd `/`."""
    if "QUARTERDECK_RUN" in os.environ:
        raise QuarterdeckError(
            "cannot_start",
            "a supervisor started from inside a session would end with that session",
            hint="run `qd up` in a terminal of your own",
        )
    try:
        for folder in (places.state, places.state / "logs"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        errors = os.open(
            start_errors(places), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise QuarterdeckError(
            "cannot_start",
            f"the state directory cannot be used: {error}",
            hint="check its owner and mode, or set QUARTERDECK_STATE_DIR",
        ) from error
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("QUARTERDECK_")}
    environment = inherited | {
        "QUARTERDECK_STATE_DIR": str(places.state),
        "QUARTERDECK_CONFIG_DIR": str(places.config),
    }
    try:
        return await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-P", "-m", "quarterdeck.supervisor"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
    finally:
        os.close(errors)
