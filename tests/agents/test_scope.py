"""An agent with limits starts in a scope of systemd's, where there is one."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quarterdeck.agents import scope


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A systemd-run that notes what it was asked, then runs it, as a scope does."""
    notes = tmp_path / "asked"
    program = tmp_path / "bin" / "systemd-run"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        f"open({str(notes)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "command = sys.argv[sys.argv.index('--') + 1:]\nos.execvp(command[0], command)\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "private").touch()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    scope._manager.cache_clear()
    yield notes
    scope._manager.cache_clear()


def test_limits_become_properties_of_a_scope(systemd: Path):
    asked = scope.around(["keeper"], memory=1024**3, processes=10)
    assert asked[0].endswith("/systemd-run")
    assert asked[1:] == [
        *("--user", "--scope", "--quiet", "--collect"),
        *("-p", f"MemoryMax={1024**3 + scope.ROOM_BYTES}", "-p", "MemorySwapMax=0"),
        *("-p", f"TasksMax={10 * scope.TASKS_EACH + scope.ROOM_PROCESSES}"),
        *("--", "keeper"),
    ]
    assert systemd.read_text() == "--user --scope --quiet --collect -- true\n"


def test_without_limits_nothing_is_asked(systemd: Path):
    assert scope.around(["keeper"], memory=0, processes=0) == ["keeper"]
    assert not systemd.exists()


def test_a_systemd_that_does_not_answer_is_as_if_there_were_none(systemd: Path, tmp_path: Path):
    (tmp_path / "bin" / "systemd-run").write_text("#!/bin/sh\nexit 1\n")
    assert scope.around(["keeper"], memory=1, processes=0) == ["keeper"]


def test_where_no_manager_runs_nothing_is_asked(systemd: Path, tmp_path: Path):
    (tmp_path / "systemd" / "private").unlink()
    assert scope.around(["keeper"], memory=1, processes=0) == ["keeper"]
    assert not systemd.exists()
