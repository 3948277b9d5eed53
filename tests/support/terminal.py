"""The screen on a pseudo-terminal: every byte it writes, and what a terminal makes of them."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte

_SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"  # OSC
    rb"|\x1bP[^\x1b]*\x1b\\"  # DCS
    rb"|\x1b[=>78cDEHMNOZ]|\x1b[()][0-9A-B]"
)


class Terminal:
    """A program on a pty of its own, seen through pyte."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], size: tuple[int, int] = (100, 30)
    ) -> None:
        """Start `command` on a terminal of `size`, columns and rows."""
        master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**env, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self._master = master
        self._closed = False
        self.written = bytearray()
        """Every byte the program wrote."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        return list(self._screen.display)

    @property
    def text(self) -> str:
        """What stands on the screen, as one text."""
        return "\n".join(self.lines)

    def read(self, seconds: float) -> bool:
        """Take what the program writes within `seconds`; return whether there was anything."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        try:
            chunk = os.read(self._master, 65_536)
        except OSError:
            return False
        self.written += chunk
        self._stream.feed(_without_strings(chunk))
        return bool(chunk)

    def until(self, *words: str, within: float = 60.0) -> None:
        """Wait until all words are on the screen."""
        deadline = time.monotonic() + within
        while not all(word in self.text for word in words):
            if time.monotonic() > deadline:
                raise AssertionError(f"not {words} within {within} s:\n{self.text}")
            self.read(0.1)

    def until_written(self, word: bytes, times: int, *, since: int = 0, within: float = 60) -> None:
        """Wait until a word was written so many times, from a place in `written` on."""
        deadline = time.monotonic() + within
        while self.written.count(word, since) < times:
            if time.monotonic() > deadline:
                raise AssertionError(f"{word!r} not {times} times in {within} s:\n{self.text}")
            self.read(0.1)

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        os.kill(self._process.pid, number)

    def settle(self) -> None:
        """Read until the program has nothing more to write for a moment, and waits.

        One that is silent since others have the processor has not painted all yet.
        """
        while self.read(0.3) or self._works():
            pass

    def _works(self) -> bool:
        """Tell whether one of the program's threads runs, or would if it had a processor."""
        for task in Path(f"/proc/{self._process.pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):
                if task.read_text().rpartition(")")[2].split()[0] in "RD":
                    return True
        return False

    def wait_exit(self, within: float = 60.0) -> int:
        """Wait for the program's end, taking what it writes; return its exit status."""
        deadline = time.monotonic() + within
        while (status := self._process.poll()) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"it has not ended within {within} s:\n{self.text}")
            self.read(0.05)
        return status

    def press(self, keys: str) -> None:
        """Type; escape is `\\x1b`."""
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal a size, be it the one it has; it is blank until it is repainted."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)
        self._screen.erase_in_display(2)
        # The kernel tells only those whose controlling terminal it is.
        os.kill(self._process.pid, signal.SIGWINCH)

    def hang_up(self, within: float = 60.0) -> int:
        """Close the terminal as one does a window; return the program's status once it ended."""
        os.close(self._master)
        self._closed = True
        return self._process.wait(within)

    def close(self) -> None:
        """End the program."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(60)
        if not self._closed:
            os.close(self._master)

    def unsafe(self) -> list[str]:
        """Return what was written that no screen of ours writes on purpose.

        That is: control bytes outside of whole escape sequences, C1 controls, and characters
        that turn the direction of text.
        """
        rest = _SEQUENCE.sub(b"", bytes(self.written)).decode("utf-8", "replace")
        return [f"U+{ord(ch):04X}" for ch in sorted(set(rest)) if _is_unsafe(ch)]

    def commands(self) -> list[bytes]:
        """Return the contents of every OSC sequence that was written."""
        found = _SEQUENCE.finditer(bytes(self.written))
        return [match["osc"] for match in found if match["osc"] is not None]


def _is_unsafe(char: str) -> bool:
    code = ord(char)
    controls = (code < 0x20 and char not in "\r\n\t\b\x0f\x07") or 0x7F <= code < 0xA0
    turning = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or code in (0x200E, 0x200F)
    return controls or turning or code in (0x061C, 0x2028, 0x2029)


def _without_strings(chunk: bytes) -> bytes:
    """Leave out OSC and DCS, which pyte shows where they come in pieces."""
    return re.sub(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\", b"", chunk)
