"""Telling a person outside of the screen: notify-send, quiet hours, collapsing, through tmux."""

import asyncio
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in
from tests.support.waiting import eventually

NOTE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def with_notify_send(deckhouse: Deckhouse, monkeypatch: pytest.MonkeyPatch, extra: str) -> Path:
    """Put a notify-send on the PATH that writes down its arguments; return where."""
    told = deckhouse.project.parent / "told"
    programs = deckhouse.project.parent / "bin"
    programs.mkdir()
    fake = programs / "notify-send"
    fake.write_text(f'#!/bin/sh\nfor a; do printf "%s|" "$a"; done >> {told}\necho >> {told}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    over = deckhouse.project.parent / "over"
    note = json.dumps([sys.executable, "-I", "-S", "-c", NOTE, str(over)])
    deckhouse.configure(
        f'[notifications]\ndesktop = true\n{extra}\n[hooks]\n"turn.ended" = [{note}]'
    )
    return told


async def a_turn_over(deckhouse: Deckhouse) -> None:
    """Wait until what the end of the turn led to was run; notifications come before it."""
    over = deckhouse.project.parent / "over"
    await asyncio.to_thread(eventually, lambda: over.exists() and over.read_text())


async def test_notify_send_tells_of_an_approval_with_text_that_is_only_text(
    deckhouse: Deckhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = with_notify_send(deckhouse, monkeypatch, "kinds = ['approval.requested']")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch --help; $(id)")
    await decide(deck, await approval_of(deck, ids["session_id"]), "deny")
    await session_in(deck, ids["session_id"], "idle")
    await a_turn_over(deckhouse)
    assert told.read_text().splitlines() == [
        "--app-name=Quarterdeck|--|Quarterdeck: approval.requested|Run touch --help; $(id)|"
    ]


async def test_nobody_is_told_in_quiet_hours(
    deckhouse: Deckhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.localtime()
    hours = f"{(now.tm_hour - 1) % 24:02}:00-{(now.tm_hour + 2) % 24:02}:00"
    told = with_notify_send(
        deckhouse, monkeypatch, f"kinds = ['approval.requested']\nquiet_hours = '{hours}'"
    )
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a")
    await decide(deck, await approval_of(deck, ids["session_id"]), "deny")
    await a_turn_over(deckhouse)
    assert not told.exists()


async def test_many_of_one_kind_are_told_once_and_what_a_rule_settles_never(
    deckhouse: Deckhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = with_notify_send(
        deckhouse, monkeypatch, "kinds = ['approval.requested']\ncollapse = '1h'"
    )
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask ls\nask touch a\nask touch b")
    first = await approval_of(deck, ids["session_id"])
    await decide(deck, first, "deny")
    await decide(deck, await approval_of(deck, ids["session_id"]), "deny")
    await a_turn_over(deckhouse)
    lines = told.read_text().splitlines()
    assert [line.split("|")[3] for line in lines] == ["Run touch a"]


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_osc_notifications_reach_the_terminal_around_tmux(tmp_path: Path) -> None:
    """With `allow-passthrough` on, tmux hands both sequences on as they are."""
    script = tmp_path / "alert.py"
    script.write_text(
        "import sys, time\n"
        "from quarterdeck.tui.alerts import Alerts, AlertSettings\n"
        "alerts = Alerts(AlertSettings(tmux=True, title=False))\n"
        "sys.stdout.write(alerts._alert('Deploy; waits\\x1b]0;x'))\n"
        "sys.stdout.flush()\n"
        "time.sleep(60)\n"
    )
    config = tmp_path / "tmux.conf"
    config.write_text("set -g allow-passthrough on\nset -g status off\n")
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", str(config)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp("tmux", [*tmux, "new-session", f"{sys.executable} {script}"])
    seen, end = b"", time.monotonic() + 60
    wanted = (b"\x1b]9;Deploy, waits", b"\x1b]777;notify;Quarterdeck;Deploy, waits")
    try:
        while not all(one in seen for one in wanted) and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 65536)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, capture_output=True)
        os.close(terminal)
        os.waitpid(pid, 0)
    assert [one for one in wanted if one not in seen] == []
    assert b"\x1b]0;x" not in seen
