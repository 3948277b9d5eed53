"""Questions before a step, and what each answer does."""

from pathlib import Path

import pytest

from tests.agents.runbook.agent_pipe import PipedSession

ASKING = """\
title: Asking
steps:
  - name: Go live
    run: echo live >> log
    ask: It changes what users see.
    on_deny: {on_deny}
  - name: After
    run: echo after >> log
"""


def _start(session: PipedSession, on_deny: str = "stop") -> str:
    return session.start(ASKING.format(on_deny=on_deny))


def test_a_question_shows_exactly_what_will_be_done(session: PipedSession, tmp_path: Path) -> None:
    turn = _start(session)
    question = session.question()
    call = question["params"]["toolCall"]
    assert call["toolCallId"] == session.updates("tool_call")[0]["toolCallId"]
    assert (call["title"], call["kind"], call["status"]) == ("Go live", "execute", "pending")
    assert call["rawInput"] == {"command": "echo live >> log", "cwd": str(tmp_path)}
    assert call["content"][0]["content"]["text"] == "It changes what users see."
    kinds = [option["kind"] for option in question["params"]["options"]]
    assert kinds == ["allow_once", "allow_always", "reject_once"]
    assert not (tmp_path / "log").exists()
    session.choose(question, "allow_once")
    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "log").read_text() == "live\nafter\n"


def test_a_question_about_a_file_shows_the_diff(session: PipedSession, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old\n")
    turn = session.start(
        "title: T\nsteps:\n  - {name: W, write: {path: f, content: new}, ask: true}\n"
    )
    question = session.question()
    path = str(tmp_path / "f")
    assert question["params"]["toolCall"]["content"] == [
        {"type": "diff", "path": path, "oldText": "old\n", "newText": "new"}
    ]
    (tmp_path / "f").write_text("somebody else's\n")
    session.choose(question, "allow_once")
    session.end_of(turn)
    assert (tmp_path / "f").read_text() == "somebody else's\n"
    assert "changed since this step was shown" in session.spoken()


def test_allow_once_asks_again_and_allow_always_does_not(
    session: PipedSession, tmp_path: Path
) -> None:
    for number, option in enumerate(["allow_once", "allow_always"], start=1):
        turn = _start(session)
        session.choose(session.question(number), option)
        assert session.end_of(turn) == "end_turn"
    assert session.work(ASKING.format(on_deny="stop")) == "end_turn"
    assert session.question_count() == 2
    assert (tmp_path / "log").read_text() == "live\nafter\n" * 3

    turn = session.start(ASKING.format(on_deny="stop").replace("echo live", "echo LIVE"))
    session.choose(session.question(3), "reject_once")
    session.end_of(turn)


def test_a_denial_stops_and_continue_asks_again(session: PipedSession, tmp_path: Path) -> None:
    turn = _start(session)
    session.choose(session.question(), "reject_once")
    assert session.end_of(turn) == "end_turn"
    assert "Stopped: step 1 “Go live” was denied." in session.spoken()
    assert session.calls()[0]["status"] == "failed"
    assert session.plan() == [("Go live (denied)", "pending"), ("After", "pending")]
    assert not (tmp_path / "log").exists()

    turn = session.start("continue")
    session.choose(session.question(2), "allow_once")
    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "log").read_text() == "live\nafter\n"


def test_a_denial_can_leave_only_its_step_out(session: PipedSession, tmp_path: Path) -> None:
    turn = _start(session, "skip")
    session.choose(session.question(), "reject_once")
    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "log").read_text() == "after\n"
    assert "1 done, 1 skipped" in session.spoken()


@pytest.mark.parametrize(
    "answer",
    [
        {"result": {"outcome": {"outcome": "selected", "optionId": "sudo"}}},
        {"result": {"outcome": {}}},
        {"error": {"code": -32603, "message": "no"}},
        {"error": "no"},
    ],
)
def test_whatever_is_no_clear_yes_is_a_no(
    session: PipedSession, tmp_path: Path, answer: dict[str, object]
) -> None:
    turn = _start(session)
    session.pipe.send(id=session.question()["id"], **answer)
    assert session.end_of(turn) == "end_turn"
    assert "was denied" in session.spoken()
    assert not (tmp_path / "log").exists()


def test_cancel_abandons_an_open_question(session: PipedSession, tmp_path: Path) -> None:
    turn = _start(session)
    question = session.question()
    session.cancel()
    assert session.end_of(turn) == "cancelled"
    session.choose(question, "allow_once")
    assert session.calls()[0]["status"] == "failed"

    turn = session.start("continue")
    session.choose(session.question(2), "allow_once")
    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "log").read_text() == "live\nafter\n"


def test_a_question_answered_by_cancelled_ends_the_turn(session: PipedSession) -> None:
    turn = _start(session)
    session.pipe.send(id=session.question()["id"], result={"outcome": {"outcome": "cancelled"}})
    assert session.end_of(turn) == "cancelled"
