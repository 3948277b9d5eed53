"""The terminal for tests shows what a program draws and passes keys on."""

import re
import sys

import pytest

from tests.support.tmux import Terminal

# Says what it reads, its size whenever that changes, and where it runs.
PROGRAM = """
import os, signal, sys
def size(*_):
    print("size", *os.get_terminal_size(), flush=True)
signal.signal(signal.SIGWINCH, size)
size()
print("word", os.environ.get("WORD"), "term", os.environ["TERM"], flush=True)
for line in sys.stdin:
    print("got", line.strip(), flush=True)
    if line.strip() == "bye":
        sys.exit(7)
"""
ARGV = [sys.executable, "-c", PROGRAM]


def test_program_gets_its_size_environment_and_keys():
    env = {"WORD": "a b", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    with Terminal(ARGV, width=70, height=20, env=env) as terminal:
        assert "size 70 20" in terminal.wait_for("word a b term tmux-256color")
        terminal.send_text("Enter; -x é")
        terminal.send_keys("Enter")
        assert terminal.wait_for(re.compile(r"^got Enter; -x é$", re.MULTILINE))
        terminal.resize(120, 40)
        terminal.wait_for(lambda screen: "size 120 40" in screen)


def test_screen_and_exit_status_outlive_the_program():
    with Terminal(ARGV) as terminal:
        terminal.wait_for("word")
        assert terminal.exit_status() is None
        terminal.send_keys("b", "y", "e", "Enter")
        assert terminal.wait_exit() == 7
        assert "got bye" in terminal.capture()


def test_end_by_a_signal_is_told_as_the_shell_does():
    with Terminal(["/bin/sh", "-c", "kill -9 $$"]) as terminal:
        assert terminal.wait_exit() == 128 + 9


def test_what_never_comes_is_reported_with_the_screen():
    with Terminal(ARGV) as terminal:
        terminal.wait_for("word")
        with pytest.raises(AssertionError, match=r"(?s)'never' on the screen.*word None"):
            terminal.wait_for("never", within=0.05)


def test_waiting_ends_with_the_program():
    with Terminal(["/bin/sh", "-c", "echo; echo last words; exit 3"]) as terminal:
        with pytest.raises(AssertionError, match=r"(?s)ended with status 3 before.*last words"):
            terminal.wait_for("never")
        assert terminal.wait_for("last words")


def test_terminals_are_apart_and_leave_nothing():
    with Terminal(ARGV) as one, Terminal(ARGV) as two:
        one.send_text("first")
        one.wait_for("first")
        assert one.pid() != two.pid()
        assert "first" not in two.capture()
        two.kill()
        one.capture()
    with pytest.raises(RuntimeError, match="not open"):
        one.capture()
