"""The agent under a client that makes mistakes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.runbook.agent_pipe import AgentPipe, PipedSession

WAITING = "title: T\nsteps:\n  - {name: A, run: 'true', ask: true}\n"


def test_initialize_says_what_it_can_and_answers_one_version(agent: AgentPipe) -> None:
    answer = agent.call("initialize", protocolVersion=99)
    assert answer["protocolVersion"] == 1
    assert answer["agentCapabilities"]["loadSession"] is True
    assert answer["agentCapabilities"]["sessionCapabilities"] == {"resume": {}, "close": {}}


@pytest.mark.parametrize("method", ["session/list", "session/set_mode", "no/such", "_x/y"])
def test_an_unknown_method_is_told_so(agent: AgentPipe, method: str) -> None:
    assert agent.refusal(method, sessionId="x", modeId="y")["code"] == -32601


@pytest.mark.parametrize("name", ["rb_none", "../../etc/passwd", "", "a\x00b"])
@pytest.mark.parametrize("method", ["session/load", "session/resume", "session/prompt"])
def test_an_unknown_session_is_told_so(
    agent: AgentPipe, tmp_path: Path, method: str, name: str
) -> None:
    error = agent.refusal(method, sessionId=name, cwd=str(tmp_path), mcpServers=[], prompt=[])
    assert error["code"] == -32002
    assert "session/new" in error["message"]


def test_a_session_needs_an_absolute_directory(agent: AgentPipe, tmp_path: Path) -> None:
    for cwd in ("relative", str(tmp_path / "missing")):
        assert agent.refusal("session/new", cwd=cwd, mcpServers=[])["code"] == -32602


@pytest.mark.parametrize(
    "line",
    [b"{half\n", b"[1]\n", b"\xff\xfe\n", b'{"id": [1], "result": {}}\n', b"x" * 9_000_000 + b"\n"],
    ids=["json", "batch", "utf-8", "id", "length"],
)
def test_a_bad_line_is_answered_and_the_next_one_kept(agent: AgentPipe, line: bytes) -> None:
    place = len(agent.said)
    agent.send_raw(line)
    answer = agent.wait_for(lambda message: "error" in message, after=place)
    assert (answer["id"], answer["error"]["code"]) == (None, -32700)
    assert agent.call("initialize", protocolVersion=1)["protocolVersion"] == 1


def test_a_second_prompt_during_a_turn_is_refused(session: PipedSession) -> None:
    turn = session.start(WAITING)
    question = session.question()
    prompt = [{"type": "text", "text": "continue"}]
    error = session.pipe.refusal("session/prompt", sessionId=session.id, prompt=prompt)
    assert error["code"] == -32600
    session.choose(question, "allow_once")
    assert session.end_of(turn) == "end_turn"


def test_close_ends_the_turn(session: PipedSession) -> None:
    turn = session.start(WAITING)
    session.question()
    session.pipe.call("session/close", sessionId=session.id)
    assert session.end_of(turn) == "cancelled"


def test_sessions_work_beside_each_other(agent: AgentPipe, tmp_path: Path) -> None:
    waiting, other = agent.session(tmp_path), agent.session(tmp_path)
    turn = waiting.start(WAITING)
    question = waiting.question()
    assert other.work("title: T\nsteps:\n  - {name: B, say: hello}\n") == "end_turn"
    assert "hello" in other.spoken() and "hello" not in waiting.spoken()
    waiting.choose(question, "allow_once")
    assert waiting.end_of(turn) == "end_turn"


def test_other_text_is_answered_by_how_to_write_one(session: PipedSession, tmp_path: Path) -> None:
    assert session.work("please fix the bug") == "end_turn"
    assert "steps:" in session.spoken() and "```sh run" in session.spoken()
    assert session.work("continue") == "end_turn"
    assert "There is nothing to continue." in session.spoken()


def test_a_runbook_that_cannot_be_read_is_explained_and_not_begun(
    session: PipedSession, tmp_path: Path
) -> None:
    (tmp_path / "bad.yml").write_text("title: T\nsteps:\n  - name: A\n    rum: touch x\n")
    assert session.work("run ./bad.yml please") == "end_turn"
    assert "bad.yml, line 4: step 1, rum: unknown key 'rum'" in session.spoken()
    assert session.work("missing.md") == "end_turn"
    assert f"there is no file {tmp_path / 'missing.md'}" in session.spoken()
    assert session.updates("plan") == []


def test_lone_surrogates_do_no_harm(session: PipedSession, tmp_path: Path) -> None:
    session.work("title: T\nsteps:\n  - {name: A, write: {path: f, content: 'x\ud800y'}}\n")
    assert (tmp_path / "f").read_text() == "x?y"


def test_an_attached_runbook_is_taken(agent: AgentPipe, tmp_path: Path) -> None:
    session = agent.session(tmp_path)
    (tmp_path / "my book.yaml").write_text("title: T\nsteps:\n  - {name: A, say: from a link}\n")
    link = {"type": "resource_link", "name": "b", "uri": f"file://{tmp_path}/my%20book.yaml"}
    inline = "title: T\nsteps:\n  - {name: A, say: from inside}\n"
    resource = {"type": "resource", "resource": {"uri": "file:///x", "text": inline}}
    for block in (link, resource):
        prompt = [{"type": "text", "text": "please work this"}, block]
        answer = agent.call("session/prompt", sessionId=session.id, prompt=prompt)
        assert answer["stopReason"] == "end_turn"
    assert "from a link" in session.spoken() and "from inside" in session.spoken()


def test_a_regular_file_as_stdout_is_refused_with_words(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "quarterdeck.agents.runbook", "--progress-dir", tmp_path]
    with (tmp_path / "out").open("wb") as out:
        ended = subprocess.run(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1)
    assert b"must be pipes" in ended.stderr
