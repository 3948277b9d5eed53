"""`qd` as a process of its own, against a scripted supervisor on a real socket."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.model.places import Places
from tests.support.scripted_server import InThread, in_thread


@dataclass(frozen=True)
class Qd:
    """Runs `qd` with directories of its own."""

    places: Places
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment it runs with."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "QUARTERDECK_STATE_DIR": str(self.places.state),
            "QUARTERDECK_CONFIG_DIR": str(self.places.config),
            "QUARTERDECK_READER": "tester",
            **more,
        }

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """Start it with pipes at all three ends."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "quarterdeck", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
            env=self.environment(**more),
        )

    def __call__(
        self, *arguments: str, stdin: str = "", **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, **more: str) -> Any:
        """Run it with --json, expect success, and return what it printed."""
        done = self(*arguments, "--json", **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def error(self, *arguments: str, **more: str) -> tuple[int, dict[str, Any]]:
        """Run it with --json, expect failure, and return exit code and error object."""
        done = self(*arguments, "--json", **more)
        assert done.stdout == "" and "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stderr.splitlines()[-1])["error"]


@pytest.fixture
def qd(tmp_path: Path) -> Qd:
    home = tmp_path / "home"
    home.mkdir()
    return Qd(Places(tmp_path / "state", tmp_path / "config"), home)


@pytest.fixture
def deck_server(qd: Qd) -> Iterator[InThread]:
    with in_thread(qd.places) as running:
        yield running
