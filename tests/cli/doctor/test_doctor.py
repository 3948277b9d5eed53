"""`qd doctor`: what each check says of good and bad surroundings, and the exit code."""

import json
import os
import sys
from pathlib import Path

import pytest

from quarterdeck import __version__
from quarterdeck.cli.doctor import agents, runtime, state, supervisor, terminal
from quarterdeck.cli.doctor.finding import Finding, Level
from tests.cli.conftest import Qd


def level(found: Finding) -> str:
    """Return its level, once it is sure that what is not well has a remedy."""
    assert found.message and (found.level is Level.OK or found.remedy)
    return found.level.value


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 40, 1), "warn"),
        ((3, 44, 5), "warn"),
        ((3, 44, 6), "ok"),
        ((3, 45, 0), "warn"),
        ((3, 50, 6), "warn"),
        ((3, 50, 7), "ok"),
        ((3, 51, 2), "warn"),
        ((3, 51, 3), "ok"),
        ((3, 53, 0), "ok"),
        ((3, 8, 0), "bad"),
    ],
)
def test_known_bugs_of_sqlite_are_told(version: tuple[int, ...], expected: str) -> None:
    """The WAL-reset bug is in 3.7.0 to 3.51.2 but for two backports."""
    first, second = runtime.sqlite(version, has_fts5=True)
    assert (level(first), level(second)) == (expected, "ok")


def test_python_clock_files_and_search_are_checked() -> None:
    assert level(runtime.python((3, 10, 9))) == "bad"
    assert level(runtime.python((3, 11, 0))) == "ok"
    assert level(list(runtime.sqlite((3, 53, 0), has_fts5=False))[1]) == "bad"
    assert level(runtime.clock(0)) == "bad"
    assert level(runtime.open_files(256, 4096)) == "warn"
    assert level(runtime.open_files(-1, -1)) == "ok"


def test_the_state_directory_is_checked(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    assert level(state.directory(mine)) == "ok", "it is made by the first start"
    mine.mkdir(mode=0o700)
    assert level(state.directory(mine)) == "ok"
    mine.chmod(0o755)
    assert level(state.directory(mine)) == "warn"
    file = tmp_path / "file"
    file.touch()
    assert level(state.directory(file)) == "bad"
    if os.getuid() == 0:
        mine.chmod(0o700)
        os.chown(mine, 12345, 12345)
        assert level(state.directory(mine)) == "bad"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ext4", "ok"),
        ("nfs4", "bad"),
        ("cifs", "bad"),
        ("fuse.sshfs", "bad"),
        ("9p", "warn"),
        ("fuse.mergerfs", "warn"),
        ("tmpfs", "warn"),
        ("", "warn"),
    ],
)
def test_the_file_system_is_checked(kind: str, expected: str, tmp_path: Path) -> None:
    """DESIGN §4: locks and shared memory do not work over a network."""
    assert level(state.on_disk(kind, tmp_path)) == expected


def test_a_long_socket_path_is_bad_only_where_there_is_no_way_around(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert level(state.socket_path(tmp_path / ("x" * 200))) == "ok"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert level(state.socket_path(tmp_path / ("x" * 200))) == "bad"


def test_the_terminal_is_checked() -> None:
    assert level(terminal.kind({"TERM": "dumb"})) == "bad"
    assert level(terminal.kind({"TERM": "xterm"})) == "ok"
    assert level(terminal.colors({"TERM": "xterm"})) == "warn"
    assert level(terminal.colors({"TERM": "xterm", "COLORTERM": "truecolor"})) == "ok"
    assert level(terminal.colors({"NO_COLOR": "1"})) == "ok"
    assert level(terminal.encoding("ascii")) == "bad"
    assert level(terminal.encoding("utf-8")) == "ok"
    assert level(terminal.size(79, 24)) == "warn"
    assert [level(found) for found in terminal.tmux("tmux 3.3a", "off")] == ["ok", "warn"]
    assert [level(found) for found in terminal.tmux("tmux 2.9", "on")] == ["warn", "ok"]
    assert level(terminal.clipboard("off")) == "warn"


def test_the_supervisor_is_compared_with_this_version() -> None:
    assert level(supervisor.running(None)) == "ok"
    assert level(supervisor.running(None, "it does not answer")) == "bad"
    status = {"pid": 1, "version": __version__, "store": {"note": None}}
    assert level(supervisor.running(status)) == "ok"
    older = supervisor.running(status | {"version": "0.0.0"})
    assert (level(older), "qd upgrade" in older.remedy) == ("warn", True)
    assert level(supervisor.running(status | {"store": {"note": "it was damaged"}})) == "warn"


def test_lingering_is_checked() -> None:
    state_of = {"linger": True, "installed": True, "current": True, "manager": "systemd"}
    assert level(supervisor.boot(state_of, "")) == "ok"
    assert level(supervisor.boot(state_of | {"linger": False}, "")) == "warn"
    assert level(supervisor.boot(state_of | {"current": False, "file": "f"}, "")) == "warn"
    assert level(supervisor.boot(None, "no systemd")) == "ok"


async def test_agents_are_looked_for_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known agent is asked for its version; one of the person's own is never run."""
    for name, does in (("opencode", "echo opencode 1.2.3"), ("mine", f"touch {tmp_path}/ran")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    listed = [{"name": name, "program": name} for name in ("opencode", "mine", "absent")]
    told = {found.check: found.message for found in await agents.findings(listed)}
    assert told["agent opencode"] == f"1.2.3 at {tmp_path}/opencode"
    assert told["agent mine"] == f"{tmp_path}/mine"
    assert told["agents"] == "not on PATH: absent"
    assert not (tmp_path / "ran").exists()


async def test_without_any_agent_it_says_how_to_get_one() -> None:
    found = await agents.findings([{"name": "gone", "program": "/no/such/program"}])
    assert [level(one) for one in found] == ["ok", "warn"]


def test_nothing_bad_is_0_and_nothing_is_made(qd: Qd) -> None:
    told = qd.json("doctor")
    assert told["ok"] is True and told["counts"]["bad"] == 0
    checks = {finding["check"] for finding in told["findings"]}
    assert {"python", "sqlite", "state directory", "config.toml", "supervisor"} <= checks
    assert not qd.places.state.exists()


def test_something_bad_is_1_with_its_remedy(qd: Qd) -> None:
    """A broken configuration and rule file are named, also while no supervisor runs."""
    qd.places.config.mkdir()
    qd.places.config_file.write_text("[limits]\ncost_per_decade = 1\n")
    (qd.places.config / "policy.toml").write_text("version = 'odd'\n")
    done = qd("doctor")
    assert done.returncode == 1, done.stderr
    assert "✗ config.toml: " in done.stdout and "cost_per_decade" in done.stdout
    assert "✗ policy.toml: " in done.stdout
    assert "2 bad" in done.stdout
    told = json.loads(qd("doctor", "--json").stdout)
    assert (told["ok"], told["counts"]["bad"]) == (False, 2)
    unwell = [finding for finding in told["findings"] if finding["level"] != "ok"]
    assert all(finding["message"] and finding["remedy"] for finding in unwell), unwell
