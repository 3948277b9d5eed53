"""A real terminal for tests: a program in a tmux server of its own, driven by keys."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.waiting import eventually

PANE = "terminal:0.0"
TMUX_TIMEOUT_S = 60.0


def require_tmux() -> str:
    """The path of tmux; skips the calling test where there is none."""
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("tmux is not installed")
    return tmux


class Terminal:
    """A program on a tmux screen of a given size; a context manager that ends both.

    The screen stays readable after the program has ended, moved up by one line, in whose place
    tmux tells the end.

    Args:
        argv: The program and its arguments.
        width: Columns.
        height: Lines.
        env: The program's whole environment (tmux adds TERM and TMUX); default: this process's.
        cwd: Where the program starts; default: this process's directory.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        width: int = 80,
        height: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._tmux = require_tmux()
        self._argv = list(argv)
        self._size = (width, height)
        self._env = {
            key: value
            for key, value in (os.environ if env is None else env).items()
            if not key.startswith("TMUX")
        }
        self._cwd = cwd or Path.cwd()
        self._folder: Path | None = None

    def __enter__(self) -> "Terminal":
        # A socket in its own short folder: a server of its own, and no path near the limit of 107.
        self._folder = Path(tempfile.mkdtemp(prefix="qd-tmux-"))
        width, height = self._size
        options = {
            "default-terminal": "tmux-256color",
            "escape-time": "0",
            "remain-on-exit": "on",
            "status": "off",
        }
        command = ["start-server", ";"]
        for name, value in options.items():
            command += ["set-option", "-g", name, value, ";"]
        command += ["new-session", "-d", "-s", "terminal", "-x", str(width), "-y", str(height)]
        command += ["-c", str(self._cwd), "--", *self._argv]
        try:
            self._run(*command)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _run(self, *command: str) -> str:
        if self._folder is None:
            raise RuntimeError("the terminal is not open: use it as a context manager")
        done = subprocess.run(
            [self._tmux, "-S", str(self._folder / "socket"), "-f", os.devnull, *command],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TMUX_TIMEOUT_S,
        )
        if done.returncode != 0:
            raise RuntimeError(f"tmux {command[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def send_keys(self, *keys: str) -> None:
        """Press keys by their tmux names: `Enter`, `Escape`, `Down`, `C-p`, `q`."""
        self._run("send-keys", "-t", PANE, *keys)

    def send_text(self, text: str) -> None:
        """Type `text` as it stands, no part of it taken as a key's name."""
        self._run("send-keys", "-t", PANE, "-l", "--", text)

    def capture(self, *, styled: bool = False) -> str:
        """What is on the screen now, a line per row; `styled` keeps the colour sequences."""
        return self._run("capture-pane", "-p", "-t", PANE, *(["-e"] if styled else []))

    def wait_for(
        self,
        shown: str | re.Pattern[str] | Callable[[str], object],
        *,
        within: float = 60.0,
    ) -> str:
        """Wait until the screen shows a text or a pattern, or satisfies a predicate.

        Args:
            shown: A text, a compiled pattern to search for, or a function of the screen.
            within: Seconds.

        Returns:
            The screen that did.

        Raises:
            AssertionError: It did not come in time, or cannot come since the program ended; the
                message holds the last screen.
        """
        screen = ""

        def there() -> object:
            nonlocal screen
            ended = self.exit_status()
            screen = self.capture()
            if isinstance(shown, str):
                found = shown in screen
            elif isinstance(shown, re.Pattern):
                found = shown.search(screen)
            else:
                found = shown(screen)
            if not found and ended is not None:
                raise AssertionError(f"the program ended with status {ended} before {shown!r}")
            return found

        try:
            eventually(there, within=within, what=f"{shown!r} on the screen")
        except AssertionError as error:
            raise AssertionError(f"{error}; the screen is\n{screen}") from None
        return screen

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size in columns and lines."""
        self._run("resize-window", "-t", PANE, "-x", str(width), "-y", str(height))

    def pid(self) -> int:
        """The process id of the program."""
        return int(self._run("display-message", "-p", "-t", PANE, "#{pane_pid}"))

    def exit_status(self) -> int | None:
        """The program's exit status (128 + the signal's number if killed), None while it runs."""
        form = "#{pane_dead},#{pane_dead_status},#{pane_dead_signal}"
        told = self._run("display-message", "-p", "-t", PANE, form).strip()
        dead, status, signal = told.split(",")
        if dead != "1":
            return None
        if status or signal:
            return int(status) if status else 128 + int(signal)
        # tmux can miss the end of a program that ended while the server was still starting;
        # the end of any other child makes it look at all of them.
        self._run("run-shell", "true")
        return None

    def wait_exit(self, *, within: float = 60.0) -> int:
        """Wait at most `within` seconds for the program's end; returns its exit status."""
        status: int | None = None

        def ended() -> bool:
            nonlocal status
            status = self.exit_status()
            return status is not None

        eventually(ended, within=within, what="the program's end")
        assert status is not None
        return status

    def kill(self) -> None:
        """End tmux and with it the program (SIGHUP); harmless when nothing runs any more."""
        if self._folder is None:
            return
        try:
            self._run("kill-server")
        except RuntimeError:
            pass  # The server was gone already.
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
