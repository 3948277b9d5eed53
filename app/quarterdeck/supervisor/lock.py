"""One supervisor per state directory: flock on a permanent file (D1, DESIGN §4)."""

import fcntl
import os
from pathlib import Path

from quarterdeck.model.errors import QuarterdeckError


class Lock:
    """The held lock; released by `release` or by the process's end, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "Lock":
        """Take the lock without waiting.

        The file is never unlinked: a lock on an unlinked file would keep nobody out.

        Raises:
            QuarterdeckError: `session_manager_already_running`; nothing was touched.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise QuarterdeckError(
                "session_manager_already_running",
                f"supervisor {holder or 'of unknown pid'} already runs for {path.parent}",
            ) from None
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let the next supervisor in."""
        os.close(self._descriptor)
