"""Replacing a file of the person's own: whole or not at all, and readable by them alone."""

import contextlib
import os
import secrets
from pathlib import Path

from quarterdeck.model.failpoints import failpoint


def replace(path: Path, text: str) -> None:
    """Write a file with mode 0600 in one step; readers see the old text or the new one.

    A symlink stays, and what it leads to is replaced.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    target = Path(os.path.realpath(path))
    failpoint("private_file.mkdir.before")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), 0o600)
            failpoint("private_file.write.before")
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        failpoint("private_file.rename.before")
        temporary.replace(target)
        failpoint("private_file.rename.after")
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(target.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
