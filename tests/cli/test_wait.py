"""`qd wait`: told by pushes, and over the supervisor's end and return (DESIGN §11)."""

import json
import signal

import pytest

from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, ScriptedServer, session
from tests.support.waiting import eventually


def looks(server: InThread) -> int:
    return len(server.server.asked("session.get"))


def test_wait_prints_the_session_once_it_is_so(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session(state="running")]
    process = qd.start("wait", "ses_1", "--until", "waiting", "--json")
    eventually(lambda: looks(deck_server) == 1)
    deck_server.set_state("idle")
    eventually(lambda: looks(deck_server) == 2)
    assert process.poll() is None
    deck_server.set_state("waiting")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(out)["state"] == "waiting"


@pytest.mark.parametrize(
    ("until", "state"),
    [("failed", "failed_needs_human"), ("idle", "asleep"), ("closed", "closed"), (None, "idle")],
)
def test_names_of_states(qd: Qd, deck_server: InThread, until: str | None, state: str) -> None:
    """`failed` means failed_needs_human; asleep is idle put down to save memory."""
    deck_server.server.sessions = [session(state=state)]
    option = ("--until", until) if until else ()
    assert qd.json("wait", "ses_1", *option)["state"] == state


def test_with_a_prompt_still_queued_it_is_not_idle(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session(state="idle", queued=1)]
    assert qd.error("wait", "ses_1", "--until", "idle", "--timeout", "0.3")[0] == 124
    deck_server.server.sessions = [session(state="idle", queued=0)]
    assert qd("wait", "ses_1", "--until", "idle", "--timeout", "30").returncode == 0


def test_time_over_is_124(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session(state="running")]
    code, error = qd.error("wait", "ses_1", "--timeout", "2")
    assert (code, error["code"], error["class"]) == (124, "timed_out", "recoverable")
    assert "is running" in error["message"]


def test_an_unknown_session_is_5_at_once(qd: Qd, deck_server: InThread) -> None:
    assert qd.error("wait", "ses_9")[0] == 5


def test_interrupted_is_130_without_a_traceback(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session(state="running")]
    process = qd.start("wait", "ses_1")
    eventually(lambda: looks(deck_server) == 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_it_waits_for_a_supervisor_that_was_ended_and_returns(
    qd: Qd, deck_server: InThread
) -> None:
    """One ended on purpose left no socket: it is not started again, only waited for."""
    deck_server.server.sessions = [session(state="running")]
    process = qd.start("wait", "ses_1", "--until", "closed")
    eventually(lambda: looks(deck_server) == 1)
    deck_server.do(ScriptedServer.stop)
    with pytest.raises(Exception, match="timed out"):
        process.wait(0.5)
    assert not (qd.places.state / "logs").exists()
    deck_server.server.sessions[0]["state"] = "closed"
    deck_server.do(ScriptedServer.start)
    assert process.wait(30) == 0


def test_time_is_over_while_no_supervisor_is_there_too(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session(state="running")]
    process = qd.start("wait", "ses_1", "--timeout", "2")
    eventually(lambda: looks(deck_server) == 1)
    deck_server.do(ScriptedServer.stop)
    assert process.wait(30) == 124
