"""A program on a pseudo-terminal of which every byte is stamped with when it came."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

WIDTH, HEIGHT = 140, 40
KEPT = 4_000_000
"""Bytes of the output that are kept to look for texts in."""


class PtyScreen:
    """Runs a program and reads what it writes at once; a context manager that ends it.

    What comes is only stamped and searched, never drawn, so that reading costs little beside what
    is measured. Times are those of `time.time_ns`, which other processes share.
    """

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> None:
        """Start the program.

        Args:
            argv: Program and arguments.
            env: Its whole environment, but for TERM.
            cwd: Where it starts.
        """
        master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self._master = master
        self._news = threading.Condition()
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._size = self._dropped = 0
        self.written = 0
        """Bytes the program has written to its terminal."""
        self.began = time.time_ns()
        self.process = subprocess.Popen(
            list(argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(env) | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "PtyScreen":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join(5)
        os.close(self._master)

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self.process.pid

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master], [], [], 0.5)
            if not ready:
                if self.process.poll() is not None:
                    return
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            with self._news:
                self._pieces.append((time.time_ns(), data))
                self._size += len(data)
                self.written += len(data)
                while self._size > KEPT:
                    self._size -= len(self._pieces.popleft()[1])
                    self._dropped += 1
                self._news.notify_all()

    def press(self, keys: str | bytes) -> int:
        """Write keys to the program and return when, in nanoseconds."""
        now = time.time_ns()
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)
        return now

    def wait(self, pattern: bytes, *, after: int = 0, within: float = 30.0) -> int:
        """Return when bytes that match first were there, at or after a moment.

        Args:
            pattern: A regular expression; what it matches may lie across two pieces.
            after: Nanoseconds; what came earlier does not count.
            within: Seconds.

        Raises:
            TimeoutError: It did not come; the message holds the end of the output.
        """
        looked, deadline = re.compile(pattern, re.DOTALL), time.monotonic() + within
        with self._news:
            seen, before = 0, b""
            while True:
                fresh = list(islice(self._pieces, max(seen - self._dropped, 0), None))
                seen = self._dropped + len(self._pieces)
                for at, data in fresh:
                    if at >= after and looked.search(before + data):
                        return at
                    before = (before + data)[-200:] if at >= after else b""
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{pattern!r} did not come: …{before!r}")
                self._news.wait(left)

    def quiet(self, seconds: float, within: float = 30.0) -> None:
        """Return once nothing has come for so many seconds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            seen = self.written
            time.sleep(seconds)
            if self.written == seen:
                return
        raise TimeoutError(f"the screen was never quiet for {seconds} s within {within} s")

    def found(self, pattern: bytes) -> dict[bytes, int]:
        """Return what the pattern's first group has matched, each with when it first did."""
        looked, seen, before = re.compile(pattern), {}, b""
        with self._news:
            pieces = list(self._pieces)
        for at, data in pieces:
            text = before + data
            for match in looked.finditer(text):
                seen.setdefault(match[1], at)
            before = text[-100:]
        return seen
