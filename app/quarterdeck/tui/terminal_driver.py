"""Holding the terminal: taken once, however often the program is told to go on or loses it."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
import threading
from typing import Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Textual's driver, which begins anew only what it has ended before.

    SIGCONT comes after Ctrl-Z, but after a SIGSTOP too, and from the kernel when a terminal hangs
    up. Textual begins anew each time: two threads then share the keys, and one begun after the
    screen's end is never ended; it keeps the process, reading the end of the closed terminal over
    and over.
    """

    _taken = False
    _suspending = False
    _watch: threading.Thread | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what Textual's driver does."""
        super().__init__(*args, **kwargs)
        self._file = cast("TextIO", _PerhapsGone(sys.__stderr__))

    def start_application_mode(self) -> None:
        """Take the terminal; in the background it is not to be had, and that stops the process."""
        before = self._key_thread
        super().start_application_mode()
        self._taken = self._key_thread is not before
        if self._taken and self._watch is None:
            self._watch = threading.Thread(
                target=_end_with, args=(self.fileno,), name="terminal-end", daemon=True
            )
            self._watch.start()

    def run_input_thread(self) -> None:
        """Read keys; a terminal that has hung up has none, and `_end_with` sees to the end."""
        try:
            super().run_input_thread()
        except OSError as error:
            if error.errno != errno.EIO:
                raise

    def suspend_application_mode(self) -> None:
        """Give the terminal back for a while."""
        self._suspending = True
        try:
            super().suspend_application_mode()
        finally:
            self._suspending = False

    def stop_application_mode(self) -> None:
        """Give the terminal back; for good, unless that is to suspend."""
        if not self._suspending:
            for number in (signal.SIGTSTP, signal.SIGCONT):
                signal.signal(number, signal.SIG_DFL)
        self._taken = False
        super().stop_application_mode()

    def _sigcont_application(self, *_: object) -> None:
        """Go on; whoever had the terminal meanwhile may have left it in any state."""
        if self._auto_restart and self._taken:
            self.suspend_application_mode()
            self._must_signal_resume = True  # so that all is painted anew
        super()._sigcont_application()


def _end_with(terminal: int) -> None:
    """Wait until a terminal hangs up, and send this process the signal of it.

    The kernel does so only if the terminal is the one that controls the process. One that another
    program opened and closed would be read at its end over and over, which takes a whole core.
    """
    hung_up = select.poll()
    hung_up.register(terminal, 0)
    if any(mask & select.POLLHUP for _, mask in hung_up.poll()):
        os.kill(os.getpid(), signal.SIGHUP)


class _PerhapsGone:
    """The terminal as a file; what is written to one that has hung up is lost, and no matter.

    The thread that writes would end otherwise, and whoever hands it more would wait for ever.
    """

    def __init__(self, file: TextIO | None) -> None:
        assert file is not None, "a screen has a terminal"
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()
