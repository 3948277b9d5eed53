"""The next supervisor, started beside the one that runs, and the check that comes before."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from quarterdeck.client.link import open_errors, supervisor_environment
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.places import Places

CHECK_SECONDS = 60.0
PROGRAM = (sys.executable, "-P", "-m", "quarterdeck.supervisor")


async def self_check(places: Places) -> dict[str, Any]:
    """Ask this installation's supervisor whether it could start for `places`; changes nothing.

    Returns:
        `{"version", "schema", "store_schema", "ok", "problems": [{"about", "message", "remedy"}]}`

    Raises:
        QuarterdeckError: `cannot_start` with what it said, if it does not even come so far.
    """
    failpoint("self_check.spawn.before")
    done = await asyncio.to_thread(
        subprocess.run,
        [*PROGRAM, "--check"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        env=supervisor_environment(places),
        timeout=CHECK_SECONDS,
        check=False,
    )
    return _read(done.stdout, done.stderr, done.returncode)


def _read(line: str, errors: str, code: int | None) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        told = json.loads(line)
        if isinstance(told, dict) and isinstance(told.get("problems"), list):
            return told
    said = errors.strip()[-2000:] or "nothing"
    raise QuarterdeckError(
        "cannot_start", f"version at {sys.executable} cannot start (exit code {code}): {said}"
    )


class Successor:
    """A supervisor that has imported all it needs, and waits to be told to take over."""

    def __init__(self, process: "subprocess.Popen[bytes]", errors: Path) -> None:
        self._process, self._errors = process, errors
        self.found: dict[str, Any] = {}
        """What it found out about itself, as `self_check` returns it."""

    @classmethod
    async def start(cls, places: Places) -> "Successor":
        """Start one of this installation's version, and let it check itself.

        Raises:
            QuarterdeckError: `cannot_start`; it has ended then.
        """
        file = places.state / "logs" / "upgrade.err"
        errors = open_errors(places, file)
        try:
            failpoint("successor.spawn.before")
            process = await asyncio.to_thread(
                subprocess.Popen,
                [*PROGRAM, "--take-over"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd="/",
                env=supervisor_environment(places),
                start_new_session=True,
            )
        finally:
            os.close(errors)
        successor = cls(process, file)
        try:
            await successor._hear()
        except BaseException:
            successor.dismiss()
            raise
        return successor

    async def _hear(self) -> None:
        assert self._process.stdout
        line = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECK_SECONDS):
                line = await asyncio.to_thread(self._process.stdout.readline)
                if not line:
                    await asyncio.to_thread(self._process.wait)
        self.found = _read(line.decode("utf-8", "replace"), self.last_words(), self.ended())

    @property
    def pid(self) -> int:
        """Its process id, also once it is the supervisor."""
        return self._process.pid

    def ended(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._process.poll()

    def last_words(self) -> str:
        """Return the end of what it printed."""
        try:
            return self._errors.read_text("utf-8", "replace").strip()[-2000:]
        except OSError as error:
            return str(error)

    def go(self) -> None:
        """Tell it to take over as soon as the lock is free; from then on it needs nobody.

        Raises:
            OSError: It has ended.
        """
        assert self._process.stdin and self._process.stdout
        failpoint("successor.go.before")
        self._process.stdin.write(b"go\n")
        self._process.stdin.close()
        self._process.stdout.close()

    def dismiss(self) -> None:
        """End it; only before it was told to go, or when it must not take over any more."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()
