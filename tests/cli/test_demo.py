"""`qd demo`: real sessions, really waiting, and nothing left behind."""

import json
import signal
from pathlib import Path

import pytest

from quarterdeck.cli.demo.scenes import SCENES
from quarterdeck.model.states import Action
from tests.cli.conftest import Qd
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


def test_headless_it_goes_as_planned_and_tells(qd: Qd, tmp_path: Path) -> None:
    """With an empty HOME, one denial among the decisions, files really changed, exit code 0."""
    folder = tmp_path / "demo"
    done = qd("demo", "--headless", "--dir", str(folder), "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads(done.stdout)
    assert told["ok"] is True and told["unplanned"] == []
    by_title = {session["title"]: session for session in told["sessions"]}
    assert by_title.keys() == {scene.title for scene in SCENES}
    for scene in SCENES:
        actions = [decision["action"] for decision in by_title[scene.title]["decisions"]]
        assert actions == list(scene.decisions)
        assert by_title[scene.title]["result"] == "end_turn"
    project = folder / "project"
    assert "${1:-world}" in (project / "bin" / "greet").read_text()
    assert (project / "version.txt").read_text() == "1.5.0\n"
    assert (project / "staging" / "index.html").exists()
    assert (project / "notes" / "plan.md").exists()
    assert (project / "cache" / "page-1.tmp").exists()
    assert not (folder / "state" / "supervisor.sock").exists()
    assert list(qd.home.iterdir()) == [] and not qd.places.state.exists()


def test_its_folder_goes_with_it_even_if_it_is_ended_early(qd: Qd, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = qd.start("demo", "--headless", TMPDIR=str(temporary))
    eventually(lambda: list(temporary.glob("*/state/runs/*")), within=60)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(temporary.iterdir()) == []
    assert "is removed" in err and "Traceback" not in err


def test_a_directory_with_something_in_it_is_refused(qd: Qd, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    code, error = qd.error("demo", "--headless", "--dir", str(tmp_path))
    assert (code, error["code"]) == (2, "invalid_params")
    assert not (tmp_path / "project").exists()


def test_without_a_terminal_it_points_to_headless(qd: Qd, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code, error = qd.error("demo", TMPDIR=str(temporary))
    assert code == 2 and "--headless" in error["hint"]
    assert list(temporary.iterdir()) == []


def test_it_shows_what_it_is_about() -> None:
    """Several approvals in one session, a change of a file, and one that must be denied."""
    decisions = [scene.decisions for scene in SCENES]
    assert len(SCENES) >= 4
    assert max(map(len, decisions)) >= 2
    assert [scene.title for scene in SCENES if Action.DENY in scene.decisions] == [
        "Clean the cache (dangerous)"
    ]
