"""The private SSH server lets its own key in, with and without a terminal."""

import subprocess
from pathlib import Path

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
