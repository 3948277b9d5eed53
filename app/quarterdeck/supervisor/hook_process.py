"""One user command: started without a shell, fed its input, bounded in time and output."""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from threading import Event
from typing import IO

from quarterdeck.model.failpoints import failpoint

OUTPUT_BYTES = 8 * 1024
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command; `problem` is None if it ended with 0."""

    problem: str | None
    output: str


def run(argv: list[str], given: bytes, timeout: float, env: dict[str, str], stop: Event) -> Outcome:
    """Run a command to its end or its timeout, when its whole process group is killed.

    A grandchild that keeps the output open is not waited for.

    Args:
        argv: Program and arguments.
        given: Its stdin.
        timeout: Seconds.
        env: Its environment.
        stop: Once set, its time is up.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        try:
            failpoint("hook.spawn.before")
            child = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=env,
            )
        except (OSError, ValueError) as error:
            return Outcome(f"could not be run: {error}", "")
    failpoint("hook.spawn.after")
    assert child.stdout is not None
    with child.stdout as stdout:
        output, ended = _listen(child, stdout, time.monotonic() + timeout, stop)
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    text = output.decode("utf-8", "replace")
    if not ended:
        return Outcome(f"took longer than {timeout:g} s and was killed", text)
    return Outcome(None if child.returncode == 0 else f"ended with {child.returncode}", text)


def _listen(
    child: "subprocess.Popen[bytes]", stdout: IO[bytes], deadline: float, stop: Event
) -> tuple[bytes, bool]:
    """Read what a command says, keeping the beginning, until it has ended or its time is up."""
    os.set_blocking(stdout.fileno(), False)
    kept = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while True:
            gone = child.poll() is not None
            if gone or selector.get_map():
                _drain(selector, stdout, kept, 0 if gone else _LOOK_SECONDS)
            else:
                time.sleep(_LOOK_SECONDS)
            if gone:
                return bytes(kept), True
            if stop.is_set() or time.monotonic() > deadline:
                return bytes(kept), False


def _drain(
    selector: selectors.BaseSelector, stdout: IO[bytes], kept: bytearray, wait: float
) -> None:
    if not selector.get_map() or not selector.select(wait):
        return
    try:
        chunk = os.read(stdout.fileno(), 65536)
    except BlockingIOError:
        return
    if not chunk:
        selector.unregister(stdout)
    kept += chunk[: OUTPUT_BYTES - len(kept)]
