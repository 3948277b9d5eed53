"""System calls of a running process on one file that fail as told, by `strace -e inject`."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import eventually


def _traced(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return all("TracerPid:\t0" not in (task / "status").read_text() for task in tasks)


@contextmanager
def failing(pid: int, path: Path, *calls: str, error: str = "EIO") -> Iterator[Path]:
    """Make each of `calls` of a process fail on `path` until the block ends.

    Skips the test where there is no strace, or no right to trace.

    Yields:
        The file in which strace notes the calls that failed.
    """
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    noted = path.parent / f"failed-{pid}.strace"
    names = ",".join(calls)
    told = ["-e", f"trace={names}", "-e", f"inject={names}:error={error}"]
    tracer = subprocess.Popen(
        [strace, "-f", "-q", "-o", str(noted), *told, "-P", str(path), "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: tracer.poll() is not None or _traced(pid), what="strace attached")
        if tracer.poll() is not None:
            assert tracer.stderr is not None
            pytest.skip(f"no right to trace: {tracer.stderr.read().strip()}")
        yield noted
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=60)
