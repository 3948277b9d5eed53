"""Copying: through the terminal, through the system's own command if there is one, or to a file."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from quarterdeck.model.failpoints import failpoint

TERMINAL_LIMIT = 74_000
"""Bytes that terminals take by OSC 52; beyond, many of them drop all of it in silence."""
_SECONDS = 3.0
_COMMANDS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)


def system_command(environ: Mapping[str, str]) -> list[str] | None:
    """Return the command that fills the clipboard of this desktop, or None if there is none."""
    path = environ.get("PATH")
    for variable, words in _COMMANDS:
        if environ.get(variable) and (found := shutil.which(words[0], path=path)):
            return [found, *words[1:]]
    found = shutil.which("pbcopy", path=path)
    return [found] if found else None


async def give_to_command(command: list[str], text: str, environ: Mapping[str, str]) -> bool:
    """Give a text to a clipboard command; return whether it took it, within three seconds."""
    quiet = asyncio.subprocess.DEVNULL
    failpoint("clipboard.spawn.before")
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet, env=dict(environ)
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(_bytes(text)), _SECONDS)
    except (TimeoutError, OSError):
        if process.returncode is None:
            process.kill()
        return False
    return process.returncode == 0


def write_file(text: str, suffix: str) -> Path:
    """Write a text to a new file that only its owner can read, and return its path.

    Raises:
        OSError: There is no place for it.
    """
    failpoint("clipboard.file.before")
    handle, name = tempfile.mkstemp(prefix="quarterdeck-", suffix=suffix)
    with os.fdopen(handle, "wb") as file:
        file.write(_bytes(text))
    return Path(name)


def fits_terminal(text: str) -> bool:
    """Return whether a terminal will most likely take a text by OSC 52."""
    return len(_bytes(text)) <= TERMINAL_LIMIT


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
