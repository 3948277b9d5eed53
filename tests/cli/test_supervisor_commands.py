"""`qd up`, `qd down` (D1, D5, V6)."""

import subprocess
import sys

import pytest

from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, ScriptedServer
from tests.support.waiting import eventually


@pytest.fixture
def supervisor(deck_server: InThread):
    """A process whose end is the supervisor's; the scripted server speaks for it."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    deck_server.server.pid = process.pid
    yield process
    process.kill()
    process.communicate()


def test_up_prints_the_status_of_the_one_that_runs(qd: Qd, deck_server: InThread) -> None:
    assert qd.json("up")["running"] is True
    assert qd("up").returncode == 0


def test_down_without_a_supervisor_says_so(qd: Qd) -> None:
    assert qd.json("down") == {"running": False, "stopped": False}
    done = qd("down")
    assert (done.returncode, done.stdout) == (0, "no supervisor is running\n")
    assert not qd.places.state.exists()


def test_down_returns_when_the_process_is_gone(
    qd: Qd, deck_server: InThread, supervisor: "subprocess.Popen[bytes]"
) -> None:
    """D5: a next supervisor can start right after; a closed socket alone is not the end."""
    process = qd.start("down", "--agents", "--json")
    assert supervisor.stdin
    eventually(lambda: deck_server.server.asked("supervisor.down"))
    assert deck_server.server.asked("supervisor.down") == [{"agents": True}]
    deck_server.do(ScriptedServer.stop)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    supervisor.stdin.close()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert '"stopped": true' in out and '"drained": true' in out


def test_down_that_takes_too_long_is_124(
    qd: Qd, deck_server: InThread, supervisor: "subprocess.Popen[bytes]"
) -> None:
    code, error = qd.error("down", "--timeout", "0.5")
    assert (code, error["code"]) == (124, "timed_out")
    assert str(supervisor.pid) in error["message"]


def test_a_supervisor_in_the_foreground_is_refused_inside_a_session(qd: Qd) -> None:
    """It would end with that session; the client refuses to start one there for the same reason."""
    code, error = qd.error("up", "--foreground", QUARTERDECK_RUN="run_1")
    assert (code, error["code"]) == (6, "cannot_start")
    assert "inside a session" in error["message"]
    assert not qd.places.state.exists()
