"""What agents ask the client for: files, terminals, and things it does not know (C4)."""

import pytest

from quarterdeck.agents.acp.facts import FileAsked, PermissionWithdrawn, TerminalAsked, TerminalOp
from quarterdeck.model.event_types import EventType
from tests.agents.acp.conversation import SESSION, events, kinds, of, opened, prompted, sent


def test_reading_and_writing_files_are_asked() -> None:
    talk = prompted()
    params = {"sessionId": SESSION, "path": "/p/a", "line": 3, "limit": 10}
    assert talk.request(0, "fs/read_text_file", params) == [
        FileAsked(0, "read", "/p/a", 3, 10, None)
    ]
    params = {"sessionId": SESSION, "path": "/p/a", "content": "text"}
    assert talk.request("x", "fs/write_text_file", params) == [
        FileAsked("x", "write", "/p/a", None, None, "text")
    ]


def test_terminal_operations_are_asked() -> None:
    talk = prompted()
    params = {
        "sessionId": SESSION,
        "command": "make",
        "args": ["-j", "2"],
        "env": [{"name": "A", "value": "1", "_meta": {}}],
        "cwd": "/p",
        "outputByteLimit": 100,
    }
    assert talk.request(0, "terminal/create", params) == [
        TerminalAsked(
            0,
            "create",
            {
                "command": "make",
                "args": ["-j", "2"],
                "env": [{"name": "A", "value": "1"}],
                "cwd": "/p",
                "output_byte_limit": 100,
            },
        )
    ]
    methods: dict[str, TerminalOp] = {
        "output": "output",
        "wait_for_exit": "wait",
        "kill": "kill",
        "release": "release",
    }
    for number, (method, op) in enumerate(methods.items(), 1):
        params = {"sessionId": SESSION, "terminalId": "term"}
        facts = talk.request(number, f"terminal/{method}", params)
        assert facts == [TerminalAsked(number, op, {"terminal_id": "term"})]


def test_a_terminal_without_details_has_none_left_open() -> None:
    params = {"sessionId": SESSION, "command": "ls"}
    (asked,) = of(prompted().request(0, "terminal/create", params), TerminalAsked)
    assert asked.params == {
        "command": "ls",
        "args": [],
        "env": [],
        "cwd": None,
        "output_byte_limit": None,
    }


@pytest.mark.parametrize(
    "wrong",
    [{"args": ["a", 1]}, {"args": "all"}, {"env": [{"name": "x"}]}, {"cwd": 5}],
)
def test_a_command_is_never_run_with_a_part_left_out(wrong: dict) -> None:
    """The schema forgives a bad argument by dropping it; running the rest would be worse."""
    params = {"sessionId": SESSION, "command": "rm", "args": ["a"], **wrong}
    facts = prompted().request(0, "terminal/create", params)
    assert kinds(facts) == [EventType.ERROR, EventType.OTHER]
    assert sent(facts)[0]["error"]["code"] == -32602


@pytest.mark.parametrize("params", [None, {}, {"sessionId": SESSION}, {"path": "/x"}])
def test_invalid_params_are_refused_and_kept(params) -> None:
    facts = prompted().request(0, "fs/write_text_file", params)
    assert kinds(facts) == [EventType.ERROR, EventType.OTHER]
    assert sent(facts)[0]["error"]["code"] == -32602


def test_a_request_for_another_session_is_refused_and_kept() -> None:
    params = {"sessionId": "other", "path": "/p/a"}
    facts = prompted().request(0, "fs/read_text_file", params)
    assert kinds(facts) == [EventType.OTHER]
    assert sent(facts)[0]["error"]["code"] == -32602


@pytest.mark.parametrize("method", ["craft/drainMidTurnQueue", "_ext/x", "mcp/connect"])
def test_unknown_requests_are_refused_properly_and_kept(method: str) -> None:
    """agents.md 8"""
    facts = opened().request(0, method, {"a": 1})
    (kept,) = events(facts, EventType.OTHER)
    assert (kept["method"], kept["params"]) == (method, {"a": 1})
    (answer,) = sent(facts)
    assert (answer["id"], answer["error"]["code"]) == (0, -32601)
    assert method in answer["error"]["message"]


def test_answers_go_out_once() -> None:
    talk = prompted()
    talk.request(0, "fs/read_text_file", {"sessionId": SESSION, "path": "/p/a"})
    (answer,) = sent(talk.driver.answer(0, {"content": ""}))
    assert (answer["id"], answer["result"]) == (0, {"content": ""})
    assert talk.driver.answer(0, {"content": ""}) == []
    assert talk.driver.refuse(0, -32603, "late") == []


def test_refusals_carry_code_and_reason() -> None:
    talk = prompted()
    talk.request("r", "fs/read_text_file", {"sessionId": SESSION, "path": "/etc/shadow"})
    (answer,) = sent(talk.driver.refuse("r", -32602, "outside"))
    assert answer["error"] == {"code": -32602, "message": "outside"}


def test_a_file_request_the_agent_takes_back_is_settled() -> None:
    talk = prompted()
    talk.request(7, "fs/read_text_file", {"sessionId": SESSION, "path": "/p/a"})
    facts = talk.notify("$/cancel_request", {"requestId": 7})
    assert of(facts, PermissionWithdrawn) == [PermissionWithdrawn(7)]
    assert sent(facts)[0]["error"]["code"] == -32800
    assert talk.driver.answer(7, {"content": ""}) == []


def test_a_request_id_used_again_before_its_answer_is_an_error() -> None:
    talk = prompted()
    params = {"sessionId": SESSION, "path": "/p/a"}
    talk.request(0, "fs/read_text_file", params)
    facts = talk.request(0, "fs/read_text_file", params)
    assert kinds(facts) == [EventType.ERROR]
    assert sent(facts) == []
