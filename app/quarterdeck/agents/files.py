"""Reading and writing files for an agent, inside its session's directory only (C4).

A path is followed through its symlinks once, must end up inside, and is then opened component
by component without following any link, so that a link put there meanwhile leads nowhere.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.model.failpoints import failpoint

READ_LIMIT = 10 * 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileRefused(Exception):
    """A file is not read or written; `reason` is meant for the agent and the trace."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_text(
    session_dir: Path, path: str, line: int | None = None, limit: int | None = None
) -> str:
    """Return a file's text, with U+FFFD for what is not UTF-8.

    A missing file reads as empty text: some agents create a file only after reading it so.

    Args:
        session_dir: The directory nothing outside of which is read.
        path: Absolute, or relative to the session's directory.
        line: The first line to return, from 1; None or 0 for the first.
        limit: How many lines to return at most; None for all.

    Raises:
        FileRefused: Outside, no regular file, over READ_LIMIT bytes, or not readable.
    """
    with _errors_refused(path):
        try:
            with _parent(session_dir, path, create=False) as (folder, name):
                text = _read(folder, name, path).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
    if not line and limit is None:
        return text
    lines = text.split("\n")
    kept = [*(part + "\n" for part in lines[:-1]), *lines[-1:]]
    start = max(line or 1, 1) - 1
    return "".join(kept[start:] if limit is None else kept[start : start + max(limit, 0)])


def write_text(session_dir: Path, path: str, content: str) -> None:
    """Replace a file's text as a whole, or create it with the directories it lies in.

    The file keeps its mode; readers see the old text or the new one, never a part.

    Args:
        session_dir: The directory nothing outside of which is written.
        path: Absolute, or relative to the session's directory.
        content: The new text.

    Raises:
        FileRefused: Outside, no regular file, read-only, not valid Unicode, or not writable.
    """
    with _errors_refused(path):
        data = content.encode("utf-8")
        with _parent(session_dir, path, create=True) as (folder, name):
            mode = _mode(folder, name, path)
            temporary = f".quarterdeck-{secrets.token_hex(8)}"
            try:
                _create(folder, temporary, data, mode)
                failpoint("file.rename.before")
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                failpoint("file.rename.after")
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise


def contained_directory(session_dir: Path, path: str | None) -> Path:
    """Return the directory a command may be run in: the session's, or one inside it.

    Raises:
        FileRefused: Outside, or no directory.
    """
    with _errors_refused(path or "."):
        root = Path(os.path.realpath(session_dir))
        target = Path(os.path.realpath(Path(root, path or ".")))
        if not target.is_relative_to(root):
            raise FileRefused(
                f"{path!r} is outside of the session's directory {str(session_dir)!r}"
            )
        if not target.is_dir():
            raise FileRefused(f"{path!r} is no directory")
        return target


@contextlib.contextmanager
def _errors_refused(path: str) -> Iterator[None]:
    """Turn what the system says against a path or a text into FileRefused."""
    try:
        yield
    except FileRefused:
        raise
    except OSError as error:
        told = os.strerror(error.errno) if error.errno else str(error)
        raise FileRefused(f"{path!r}: {told}") from error
    except ValueError as error:
        raise FileRefused(f"{path!r}: {error}") from error


@contextlib.contextmanager
def _parent(session_dir: Path, path: str, *, create: bool) -> Iterator[tuple[int, str]]:
    """Give the open folder of a file inside the session's directory, and the file's name."""
    root = os.path.realpath(session_dir)
    target = os.path.realpath(Path(root, path))
    inside = Path(os.path.relpath(target, root)).parts
    if inside[:1] == (os.pardir,):
        raise FileRefused(f"{path!r} is outside of the session's directory {str(session_dir)!r}")
    if not inside:
        raise FileRefused(f"{path!r} is the session's directory")
    folder = os.open(root, _FOLDER)
    try:
        for part in inside[:-1]:
            inner = _open_folder(folder, part, create=create)
            os.close(folder)
            folder = inner
        yield folder, inside[-1]
    finally:
        os.close(folder)


def _open_folder(folder: int, name: str, *, create: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
        with contextlib.suppress(FileExistsError):
            failpoint("file.mkdir.before")
            os.mkdir(name, dir_fd=folder)
        return os.open(name, _FOLDER, dir_fd=folder)


def _read(folder: int, name: str, path: str) -> bytes:
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FileRefused(f"{path!r} is no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(READ_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(data) > READ_LIMIT:
        raise FileRefused(f"{path!r} is over {READ_LIMIT} bytes")
    return data


def _mode(folder: int, name: str, path: str) -> int | None:
    """Return the mode of the file to be replaced, or None if there is none."""
    try:
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(info.st_mode):
        raise FileRefused(f"{path!r} is no regular file")
    if not info.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise OSError(errno.EACCES, "read-only")
    return stat.S_IMODE(info.st_mode)


def _create(folder: int, name: str, data: bytes, mode: int | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o666 if mode is None else 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(descriptor, mode)
        failpoint("file.write.before")
        file.write(data)
        file.flush()
        os.fsync(descriptor)
