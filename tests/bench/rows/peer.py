"""A peer beside us: claude-tmux 1.2.0, which shows Claude sessions in tmux windows with Textual."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.bench import process_cost
from tests.bench.measured import Row, row
from tests.bench.pty_screen import PtyScreen
from tests.bench.rows.start import FRAME
from tests.bench.stage import Setting, folder, stage

VERSION = "1.2.0"
PYTHONS = ("python3.13", "python3.12", "python3.14")
SESSIONS = 100


class Missing(Exception):
    """The peer cannot be had here; says why."""


async def measure(setting: Setting) -> list[Row]:
    """Return our start, idle cost and memory with the peer's as the reference."""
    count, rounds = setting.scaled(SESSIONS), max(min(setting.rounds, 10), 3)
    seconds = 5.0 if setting.quick else 15.0
    try:
        with _installed() as program, _sessions(program, count) as env:
            argv = [str(program), "ui"]
            theirs = await asyncio.to_thread(_figures, argv, env, rb"bench\d+", rounds, seconds)
    except Missing as error:
        note = f"claude-tmux {VERSION} is left out: {error}"
        return [Row("claude-tmux", "", 0, 0, note=note)]
    async with stage() as on:
        deck = await on.house.deck()
        await on.start(deck, "chat 3 1", count, "bench")
        argv = [sys.executable, "-P", "-m", "quarterdeck"]
        env = on.house.environment
        ours = await asyncio.to_thread(_figures, argv, env, rb"bench\d+", rounds, seconds)
    where = f"{count} sessions"
    return [
        row(
            f"beside claude-tmux: {name}, {where}",
            unit,
            ours[name],
            reference=row(name, unit, theirs[name]).p50,
            against="claude-tmux",
        )
        for name, unit in (
            ("start to first frame", "ms"),
            ("start to sessions listed", "ms"),
            ("idle CPU of the screen", "% of a core"),
            ("idle bytes/s to the terminal", "bytes/s"),
            ("memory of the screen", "MiB"),
        )
    ]


def _figures(
    argv: list[str], env: dict[str, str], listed: bytes, rounds: int, seconds: float
) -> dict[str, list[float]]:
    first, then = [], []
    for number in range(rounds + 1):
        with PtyScreen(argv, env=env, cwd=Path(env["HOME"])) as screen:
            frame = (screen.wait(FRAME) - screen.began) / 1e6
            rows = (screen.wait(listed) - screen.began) / 1e6
            if number:
                first.append(frame)
                then.append(rows)
            if number == rounds:
                time.sleep(5)
                before = screen.written
                (share,) = process_cost.cpu_share([screen.pid], seconds)
                return {
                    "start to first frame": first,
                    "start to sessions listed": then,
                    "idle CPU of the screen": [share],
                    "idle bytes/s to the terminal": [(screen.written - before) / seconds],
                    "memory of the screen": [process_cost.memory(screen.pid) / 2**20],
                }
    raise AssertionError("no round")


@contextmanager
def _installed() -> Iterator[Path]:
    """Give the peer's program, from an environment of its own or where CLAUDE_TMUX says."""
    given = os.environ.get("CLAUDE_TMUX")
    if given:
        yield Path(given)
        return
    if shutil.which("tmux") is None:
        raise Missing("tmux is not installed")
    with folder() as root:
        for python in PYTHONS:
            made = (
                subprocess.run([python, "-m", "venv", str(root / "v")], capture_output=True)
                if shutil.which(python)
                else None
            )
            if made is not None and made.returncode == 0:
                break
        else:
            raise Missing("it needs Python 3.12 or newer, which is not here")
        pip = [str(root / "v/bin/python"), "-m", "pip", "install", "-q", f"claude-tmux=={VERSION}"]
        done = subprocess.run(pip, capture_output=True, text=True)
        if done.returncode != 0:
            raise Missing(f"pip could not install it: {done.stderr.strip()[-200:]}")
        compiled = [str(root / "v/bin/python"), "-m", "compileall", "-q", str(root / "v/lib")]
        subprocess.run(compiled, capture_output=True)
        yield root / "v/bin/claude-tmux"


@contextmanager
def _sessions(program: Path, count: int) -> Iterator[dict[str, str]]:
    """Give an environment in which the peer knows so many sessions, in a tmux of their own."""
    home = Path(tempfile.mkdtemp(prefix="qd-peer-"))
    env = {k: v for k, v in os.environ.items() if not k.startswith("TMUX")}
    env |= {"HOME": str(home), "TMUX_TMPDIR": str(home), "LC_ALL": "C.UTF-8"}
    tmux = ["tmux", "-f", os.devnull]

    def run(*command: str) -> str:
        done = subprocess.run([*tmux, *command], env=env, capture_output=True, text=True)
        if done.returncode != 0:
            raise Missing(f"tmux {command[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    try:
        run("new-session", "-d", "-s", "main", "-x", "140", "-y", "40", "sleep 100000")
        for number in range(count):
            run("new-window", "-d", "-n", f"bench{number}", "sleep 100000")
        # As its plugin does in tmux, which is not set up here.
        making = "from claude_tmux_cli.core.db.database import init_db; init_db()"
        python = program.resolve().with_name("python")
        subprocess.run([str(python), "-c", making], env=env, capture_output=True, cwd=home)
        told = run("list-panes", "-a", "-F", "#{pane_id} #{window_id} #{window_name}")
        _register(home, [line.split() for line in told.splitlines() if "bench" in line])
        where = run("display-message", "-p", "-t", "main:0", "#{socket_path},#{pid},0")
        yield env | {"TMUX": where, "TMUX_PANE": "%0"}
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def _register(home: Path, panes: list[list[str]]) -> None:
    path = home / ".local/state/claude-tmux/claude_tmux.db"
    if not path.exists():
        raise Missing(f"it has made no {path.name}")
    with closing(sqlite3.connect(path)) as db:
        db.executemany(
            "INSERT OR REPLACE INTO agents (pane_id, name, window_id, window_name, session_name,"
            " working_dir, command, status, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, 'main', ?, 'claude', 'working',"
            " '2026-01-01T00:00:00', '2026-01-01T00:00:00')",
            [(pane, name, window, name, str(home)) for pane, window, name in panes],
        )
        db.commit()
