"""The demo driven to its end by keys alone: inside tmux, small and large, and over ssh."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.screen import answer_everything
from tests.support.sshd import ssh_server
from tests.support.tmux import Terminal

pytestmark = pytest.mark.slow
DENIED = "rm -rf cache"


def play(argv: list[str], folder: Path, size: tuple[int, int], env: dict[str, str]) -> None:
    width, height = size
    with Terminal(argv, width=width, height=height, env=env) as terminal:
        terminal.wait_for("quarterdeck", within=60)
        terminal.wait_for("approvals wait", within=60)
        read = answer_everything(terminal, deny=DENIED)
        assert any(DENIED in screen for screen in read)
        assert len(read) >= 5
        terminal.send_keys("q")
        assert terminal.wait_exit(within=60) == 0
    project = folder / "project"
    assert (project / "staging" / "index.html").exists()
    assert (project / "cache").is_dir(), "what was denied was not done"
    log = subprocess.run(
        ["git", "log", "--oneline"], cwd=project, capture_output=True, text=True, check=True
    )
    assert "Greet the world" in log.stdout


def demo(folder: Path) -> list[str]:
    return [sys.executable, "-m", "quarterdeck", "demo", "--dir", str(folder)]


def environment(home: Path) -> dict[str, str]:
    home.mkdir()
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
def test_the_demo_is_driven_by_keys_in_tmux(tmp_path: Path, size: tuple[int, int]) -> None:
    play(demo(tmp_path / "demo"), tmp_path / "demo", size, environment(tmp_path / "home"))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
def test_the_demo_is_driven_by_keys_over_ssh(tmp_path: Path, size: tuple[int, int]) -> None:
    env = environment(tmp_path / "home")
    (tmp_path / "sshd").mkdir()
    with ssh_server(tmp_path / "sshd") as server:
        words = ["env", "-i", "TERM=xterm-256color", *(f"{k}={v}" for k, v in env.items())]
        remote = shlex.join([*words, *demo(tmp_path / "demo")])
        play([*server.argv(terminal=True), remote], tmp_path / "demo", size, env)
