"""Unix sockets at paths longer than the kernel's 107 bytes."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.model.errors import QuarterdeckError

PATH_LIMIT = 107 if sys.platform == "linux" else 103


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Give a name for `path` that fits a socket address, valid inside the `with` block.

    Raises:
        QuarterdeckError: `cannot_start` where a long path cannot be shortened (no /proc).
    """
    if len(os.fsencode(path)) <= PATH_LIMIT:
        yield str(path)
        return
    if not sys.platform.startswith("linux"):
        raise QuarterdeckError(
            "cannot_start",
            f"the socket path {path} is over {PATH_LIMIT} bytes",
            hint="set QUARTERDECK_STATE_DIR to a shorter directory",
        )
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
