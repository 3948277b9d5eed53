"""Cancel, crash, load and resume: nothing is done twice without a question."""

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.agents.runbook.agent_pipe import AgentPipe, PipedSession
from tests.support.waiting import eventually

LONG = """\
title: Long
steps:
  - name: First
    run: echo first >> log
  - name: Long
    run: |
      echo long >> log
      sh -c 'echo $$ > child; exec sleep 300' &
      test -e again || wait
  - name: Last
    run: echo last >> log
"""


class Crashing:
    """Agents one after the other over the same progress folder."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder

    def agent(self) -> AgentPipe:
        pipe = AgentPipe(self.folder)
        self._stack.callback(lambda: pipe.process.poll() is None and pipe.kill())
        return pipe

    def reopened(self, session: PipedSession, method: str, cwd: Path) -> PipedSession:
        pipe = self.agent()
        pipe.call(method, sessionId=session.id, cwd=str(cwd), mcpServers=[])
        return PipedSession(pipe, session.id)


@pytest.fixture
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    with ExitStack() as stack:
        yield Crashing(stack, tmp_path_factory.mktemp("progress") / "new" / "folder")


@pytest.fixture
def child(tmp_path: Path) -> Iterator["Child"]:
    found = Child(tmp_path / "child")
    yield found
    found.end()


class Child:
    """The process that a long step leaves its number of."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def started(self) -> None:
        eventually(self._pid, what="the long step to start its child")

    def lives(self) -> bool:
        try:
            text = Path(f"/proc/{self._pid()}/stat").read_text()
        except FileNotFoundError:
            return False
        return text.rsplit(")", 1)[1].split()[0] != "Z"

    def end(self) -> None:
        if self._pid() and self.lives():
            os.kill(self._pid(), signal.SIGKILL)

    def _pid(self) -> int:
        text = self._path.read_text().strip() if self._path.exists() else ""
        return int(text) if text else 0


def test_cancel_in_mid_step_ends_the_whole_process_tree(
    session: PipedSession, tmp_path: Path, child: Child
) -> None:
    turn = session.start(LONG)
    child.started()
    session.cancel()
    session.cancel()
    assert session.end_of(turn) == "cancelled"
    assert not child.lives()
    assert session.calls()[1]["rawOutput"] == {"interrupted": True}

    turn = session.start("continue")
    question = session.question()
    assert "may be done in part" in _reason(question)
    assert (tmp_path / "log").read_text() == "first\nlong\n", "never twice without a question"
    session.choose(question, "reject_once")
    assert session.end_of(turn) == "end_turn"

    turn = session.start("continue")
    again = session.question(2)
    assert "may be done in part" in _reason(again), "a denial does not settle what happened"
    session.choose(again, "reject_once")
    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "log").read_text() == "first\nlong\n"


def test_after_kill_9_load_tells_all_and_continue_goes_on_after_asking(
    crashing: Crashing, tmp_path: Path, child: Child
) -> None:
    first = crashing.agent().session(tmp_path)
    first.start(LONG)
    child.started()
    progress = crashing.folder / f"{first.id}.json"
    eventually(lambda: '"pid"' in progress.read_text(), what="the step's process is noted")
    first.pipe.kill()
    assert child.lives(), "the crash left the step's process behind"

    session = crashing.reopened(first, "session/load", tmp_path)
    assert [update["content"]["text"] for update in session.updates("user_message_chunk")] == [LONG]
    done, cut_off = session.updates("tool_call")
    assert (done["title"], done["status"]) == ("First", "completed")
    assert (cut_off["title"], cut_off["status"]) == ("Long", "failed")
    assert session.plan() == [
        ("First", "completed"),
        ("Long (interrupted)", "pending"),
        ("Last", "pending"),
    ]

    (tmp_path / "again").touch()
    turn = session.start("continue")
    question = session.question()
    assert "of its processes still run" in _reason(question)
    assert "was interrupted" in session.spoken()
    assert (tmp_path / "log").read_text() == "first\nlong\n"
    session.choose(question, "allow_once")
    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "log").read_text() == "first\nlong\nlong\nlast\n"
    assert session.question_count() == 1


def test_resume_tells_nothing_and_an_open_question_is_asked_again(
    crashing: Crashing, tmp_path: Path
) -> None:
    first = crashing.agent().session(tmp_path)
    first.start("title: T\nsteps:\n  - {name: A, run: echo a >> log, ask: true}\n")
    asked = first.question()
    first.pipe.kill()

    session = crashing.reopened(first, "session/resume", tmp_path)
    assert session.pipe.said[:-1] == [], "nothing but the answer"
    turn = session.start("resume")
    again = session.question()
    assert again["params"]["toolCall"]["rawInput"] == asked["params"]["toolCall"]["rawInput"]
    session.choose(again, "allow_always")
    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "log").read_text() == "a\n"
    session.pipe.kill()

    session = crashing.reopened(session, "session/load", tmp_path)
    statuses = [update["status"] for update in session.updates("tool_call")]
    assert statuses == ["failed", "completed"]
    session.work("title: T\nsteps:\n  - {name: A, run: echo a >> log, ask: true}\n")
    assert session.question_count() == 0, "allowed always holds over a restart"


@pytest.mark.parametrize("how", ["eof", "term"])
def test_the_step_ends_with_an_agent_that_is_told_to_end(
    crashing: Crashing, tmp_path: Path, child: Child, how: str
) -> None:
    session = crashing.agent().session(tmp_path)
    session.start(LONG)
    child.started()
    if how == "term":
        session.pipe.process.terminate()
        assert session.pipe.process.wait(60) == 128 + signal.SIGTERM
    else:
        assert session.pipe.close() == 0
    assert not child.lives()


def test_progress_is_only_for_its_owner(crashing: Crashing, tmp_path: Path) -> None:
    pipe = crashing.agent()
    pipe.session(tmp_path).work("title: T\nsteps:\n  - {name: A, run: 'true'}\n")
    assert stat.S_IMODE(crashing.folder.stat().st_mode) == 0o700
    (file,) = crashing.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    (tmp_path / "elsewhere").mkdir()
    refusal = pipe.refusal(
        "session/load", sessionId=file.stem, cwd=str(tmp_path / "elsewhere"), mcpServers=[]
    )
    assert refusal["code"] == -32602
    assert str(tmp_path) in refusal["message"]

    pipe.call("session/close", sessionId=file.stem)
    assert pipe.refusal("session/close", sessionId=file.stem)["code"] == -32002
    file.write_text("{half")
    refusal = pipe.refusal("session/load", sessionId=file.stem, cwd=str(tmp_path), mcpServers=[])
    assert str(file) in refusal["message"]


def _reason(question: dict[str, Any]) -> str:
    return question["params"]["toolCall"]["content"][0]["content"]["text"]
