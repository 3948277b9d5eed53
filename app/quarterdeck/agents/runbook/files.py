"""Files that steps read and write, all inside the session's directory."""

import os
import stat
import tempfile
from pathlib import Path

from quarterdeck.model.failpoints import failpoint

MAX_BYTES = 512 * 1024


class StepFailed(Exception):
    """A step cannot be done; the message says why and, where it can, what to do."""


def inside(root: Path, name: str, base: str = ".") -> Path:
    """Return where `name` leads, seen from `base` in `root`; symbolic links are followed.

    Raises:
        StepFailed: if that is outside of `root`.
    """
    try:
        top = root.resolve(strict=True)
        path = (top / base / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise StepFailed(f"{name!r} is no usable path: {error}") from error
    if not path.is_relative_to(top):
        raise StepFailed(f"{name!r} leads outside of the session's directory {top}")
    return path


def read_text(path: Path) -> str | None:
    """Return a file's text; None if there is no file.

    Raises:
        StepFailed: if it is no regular file, too long, not UTF-8, or cannot be read.
    """
    try:
        # A FIFO must not block the agent; links were followed when the path was worked out.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise StepFailed(f"{path} is not a regular file")
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StepFailed(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise StepFailed(f"{path} is longer than {MAX_BYTES // 1024} KiB; use a run step")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StepFailed(f"{path} is not UTF-8 text (byte {error.start})") from error


def replace_text(path: Path, text: str) -> None:
    """Write a file whole and atomically, keeping its mode; missing folders are made.

    Raises:
        StepFailed: if it cannot be written.
    """
    try:
        failpoint("runbook_file.mkdir.before")
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = _mode_of(path)
        descriptor, temporary = tempfile.mkstemp(prefix=".runbook.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8"))
                os.fchmod(descriptor, mode)
            failpoint("runbook_file.rename.before")
            Path(temporary).replace(path)
            failpoint("runbook_file.rename.after")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StepFailed(f"{path} cannot be written: {error.strerror}") from error


def _mode_of(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask
