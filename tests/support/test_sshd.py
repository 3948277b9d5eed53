"""The private SSH server lets its own key in, with and without a terminal."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.support import sshd
from tests.support.sshd import ssh_server
from tests.support.tmux import Terminal


def test_remote_command_runs_on_pipes_and_on_a_terminal(tmp_path: Path):
    with ssh_server(tmp_path) as server:
        argv = [*server.argv(terminal=False), "cat; echo end"]
        done = subprocess.run(argv, input="through\n", capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "through\nend\n"), done.stderr
        argv = [*server.argv(), "tty && stty size; read line; echo got $line"]
        with Terminal(argv, width=90, height=25) as terminal:
            terminal.wait_for("25 90")
            terminal.send_text("hello")
            terminal.send_keys("Enter")
            terminal.wait_for("got hello")
            assert terminal.wait_exit() == 0


def test_server_is_gone_afterwards(tmp_path: Path):
    with ssh_server(tmp_path) as server:
        argv = [*server.argv(terminal=False), "true"]
        subprocess.run(argv, stdin=subprocess.DEVNULL, check=True, timeout=60)
    refused = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert refused.returncode == 255


def test_a_port_that_somebody_has_taken_meanwhile_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    free = sshd._free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = [other.getsockname()[1], free]
        monkeypatch.setattr(sshd, "_free_port", lambda: ports.pop(0))
        with ssh_server(tmp_path) as server:
            assert server.port == free
