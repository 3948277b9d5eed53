"""One supervisor per state directory: flock on a permanent file (D1, DESIGN §4)."""

import contextlib
import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint


class Lock:
    """The held lock; released by `release` or by the process's end, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path, *, wait: int = 0) -> "Lock":
        """Take the lock.

        The file is never unlinked: a lock on an unlinked file would keep nobody out.

        Args:
            path: The lock file.
            wait: For so many whole seconds the kernel keeps us in its queue, so that the lock is
                ours as soon as its holder ends; 0 does not wait. Only in the main thread.

        Raises:
            QuarterdeckError: `session_manager_already_running`, or `cannot_start` if that is no
                file of ours; nothing was touched.
        """
        descriptor = _open(path)
        try:
            failpoint("lock.take.before")
            with _alarm(wait):
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except (BlockingIOError, _TooLong):
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise QuarterdeckError(
                "session_manager_already_running",
                f"supervisor {holder or 'of unknown pid'} already runs for {path.parent}",
            ) from None
        failpoint("lock.take.after")
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        failpoint("lock.pid.before")
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        failpoint("lock.pid.after")
        return cls(descriptor)

    def release(self) -> None:
        """Let the next supervisor in."""
        os.close(self._descriptor)


def _open(path: Path) -> int:
    """Open the lock file; a link, a directory or somebody else's file is none."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    failpoint("lock.open.before")
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise QuarterdeckError(
            "cannot_start",
            f"the lock file cannot be used: {error}",
            hint=f"see what {path} is, and move it away once no supervisor runs",
        ) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise QuarterdeckError(
        "cannot_start",
        f"the lock {path} is no regular file",
        hint="move it away once no supervisor runs",
    )


class _TooLong(Exception):
    """The lock was not free in time."""


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Raise `_TooLong` in the block after so many seconds; never for 0."""

    def ring(number: int, frame: object) -> None:
        raise _TooLong

    if not seconds:
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
