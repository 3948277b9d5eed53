"""Opening a file at a line in the person's own editor, on the terminal we lend it meanwhile."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from textual.app import App, SuspendNotSupported

from quarterdeck.model.failpoints import failpoint

_PLACED = frozenset({"hx", "helix", "subl", "zed"})
"""Editors that take `file:line`."""
_GOTO = frozenset({"code", "code-insiders", "codium", "cursor"})
"""Editors that take `--goto file:line` and return at once unless told to wait."""


class NoEditor(Exception):
    """There is no editor, or it cannot be started; the text says what to do."""


def command(environ: Mapping[str, str], path: Path, line: int | None = None) -> list[str]:
    """Return the command line that opens `path`.

    Args:
        environ: VISUAL, else EDITOR, is the editor, with arguments if need be.
        path: The file.
        line: Counts from 1; None for the top.

    Raises:
        NoEditor: Neither variable is set to anything.
    """
    try:
        words = shlex.split(environ.get("VISUAL") or environ.get("EDITOR") or "")
    except ValueError as error:
        raise NoEditor(f"$EDITOR cannot be read: {error}") from error
    if not words:
        raise NoEditor("Set $EDITOR to open files from here.")
    name = Path(words[0]).name
    if name in _GOTO:
        return [*words, "--wait", "--goto", f"{path}:{line or 1}"]
    if line is None:
        return [*words, str(path)]
    return [*words, f"{path}:{line}"] if name in _PLACED else [*words, f"+{line}", str(path)]


def run(app: App[None], environ: Mapping[str, str], path: Path, line: int | None = None) -> None:
    """Leave the screen, run the editor until it ends, and come back.

    Raises:
        NoEditor: It cannot be run here.
    """
    wanted = command(environ, path, line)
    try:
        with app.suspend():
            failpoint("editor.spawn.before")
            subprocess.run(wanted, check=False)
    except (OSError, SuspendNotSupported) as error:
        raise NoEditor(f"{wanted[0]} cannot be run: {error}") from error
