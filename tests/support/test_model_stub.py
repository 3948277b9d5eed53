"""The stub model answers as its markers say, and remembers what it was asked."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import model_stub
from tests.support.model_stub import TITLE, ModelStub
from tests.support.waiting import eventually

Json = dict[str, Any]


def tool(name: str, **properties: str) -> Json:
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
    }
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [
    tool("read", filePath="string"),
    tool("bash", command="string", description="string"),
    tool("write", filePath="string", content="string"),
]


@pytest.fixture
def stub() -> Iterator[ModelStub]:
    with ModelStub() as running:
        yield running


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def post(stub: ModelStub, *messages: Json, tools: list[Json] = TOOLS) -> http.client.HTTPResponse:
    body = {"model": "stub-model", "stream": True, "messages": list(messages), "tools": tools}
    connection = http.client.HTTPConnection("127.0.0.1", stub.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    return connection.getresponse()


def chunks(response: http.client.HTTPResponse) -> Iterator[Json]:
    for line in response:
        data = line.strip().removeprefix(b"data: ")
        if data and data != b"[DONE]":
            yield json.loads(data)["choices"][0]


def deltas(response: http.client.HTTPResponse) -> list[Json]:
    return [chunk["delta"] for chunk in chunks(response)]


def words(response: http.client.HTTPResponse) -> list[str]:
    return [delta["content"] for delta in deltas(response) if delta.get("content")]


def called(response: http.client.HTTPResponse) -> tuple[str, Json]:
    found = [delta["tool_calls"][0] for delta in deltas(response) if "tool_calls" in delta]
    assert len(found) == 1
    return found[0]["function"]["name"], json.loads(found[0]["function"]["arguments"])


def test_plain_text_comes_word_by_word(stub: ModelStub):
    assert words(post(stub, user("Say it. [[PLAIN all is well]]"))) == ["all ", "is ", "well"]


def test_shell_marker_calls_the_offered_shell_tool_with_every_required_argument(stub: ModelStub):
    response = post(stub, user("[[SHELL touch x; ls]]"))
    assert called(response) == ("bash", {"command": "touch x; ls", "description": "as asked"})


def test_write_marker_uses_the_argument_names_of_the_agent(stub: ModelStub):
    wanted = {"filePath": "/a/b.txt", "content": "two words"}
    assert called(post(stub, user("[[WRITE /a/b.txt two words]]"))) == ("write", wanted)
    renamed = [tool("write_file", file_path="string", content="string")]
    wanted = {"file_path": "c.txt", "content": ""}
    assert called(post(stub, user("[[WRITE c.txt]]"), tools=renamed)) == ("write_file", wanted)


def test_call_ends_for_the_tool_and_its_result_is_answered_with_done(stub: ModelStub):
    asked = user("[[SHELL true]]")
    assert list(chunks(post(stub, asked)))[-1]["finish_reason"] == "tool_calls"
    result = {"role": "tool", "tool_call_id": "call_1", "content": "(no output)"}
    answer = list(chunks(post(stub, asked, {"role": "assistant", "content": ""}, result)))
    assert answer[-2]["delta"] == {"content": "done"}
    assert answer[-1]["finish_reason"] == "stop"


def test_only_the_last_user_message_is_obeyed(stub: ModelStub):
    earlier = user("[[SHELL touch x]]")
    assert words(post(stub, earlier, user("[[PLAIN later]]"))) == ["later"]
    assert words(post(stub, earlier, user("no marker"))) == ["ok"]


def test_a_request_for_a_title_obeys_no_marker_and_is_no_turn(stub: ModelStub):
    assert words(post(stub, user("Title of: [[SHELL touch x]]"), tools=[])) == [TITLE]
    assert len(stub.requests) == 1
    assert stub.turns == []


def test_slow_answer_stops_at_the_gate_until_released(stub: ModelStub):
    stub.hold_after(2)
    stream = chunks(post(stub, user("[[SLOW 5]]")))
    first = [next(stream)["delta"]["content"] for _ in range(3)]
    assert first == ["", "chunk 1\n", "chunk 2\n"]
    assert stub.held.wait(30)
    stub.release()
    rest = [chunk["delta"].get("content", "") for chunk in stream]
    assert rest == ["chunk 3\n", "chunk 4\n", "chunk 5\n", ""]


def test_an_agent_killed_at_the_gate_leaves_the_stub_usable(
    stub: ModelStub, monkeypatch: pytest.MonkeyPatch
):
    ended: list[bool] = []
    real = model_stub._hung_up

    def noticed(client: socket.socket) -> bool:
        gone = real(client)
        if gone:
            ended.append(gone)
        return gone

    monkeypatch.setattr(model_stub, "_hung_up", noticed)
    stub.hold_after(1)
    response = post(stub, user("[[SLOW 9]]"))
    assert stub.held.wait(30)
    response.close()
    eventually(lambda: ended, what="the stub noticing that the agent is gone")
    assert words(post(stub, user("[[PLAIN again]]"))) == ["again"]


def test_requests_hold_the_earlier_messages(stub: ModelStub):
    parts = {"role": "user", "content": [{"type": "text", "text": "[[PLAIN zebra]]"}]}
    words(post(stub, user("Remember the word zebra."), parts))
    assert stub.last_texts("user") == ["Remember the word zebra.", "[[PLAIN zebra]]"]
    assert stub.last_texts("assistant") == []


def test_an_answer_that_is_not_streamed_holds_the_same(stub: ModelStub):
    body = {"messages": [user("[[SHELL true]]")], "tools": TOOLS}
    connection = http.client.HTTPConnection("127.0.0.1", stub.port, timeout=30)
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    choice = json.load(connection.getresponse())["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "I will run a command now. "
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "bash"


def test_it_runs_by_itself_and_tells_its_port(tmp_path: Path):
    port_file = tmp_path / "port"
    argv = [sys.executable, model_stub.__file__, "--port-file", str(port_file)]
    with subprocess.Popen(argv) as process:
        try:
            eventually(port_file.exists, what="the port file")
            connection = http.client.HTTPConnection(
                "127.0.0.1", int(port_file.read_text()), timeout=30
            )
            connection.request("POST", "/v1/elsewhere", "{}")
            assert connection.getresponse().status == 404
        finally:
            os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
