"""Whatever an agent writes, the driver goes on (agents.md 6-9, DESIGN §4)."""

import copy
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import Fact, PermissionAsked, StartFailed, TurnEnded
from quarterdeck.model.approval_text import subject
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import Action
from tests.agents.acp.conversation import (
    SESSION,
    Conversation,
    events,
    kinds,
    of,
    opened,
    prompted,
    sent,
)
from tests.agents.acp.replay import TRANSCRIPTS, processes

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from([SESSION, "t1", "pending", "completed", "diff", "text", "allow_once"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["sessionId", "update", "sessionUpdate", "toolCallId", "content", "type", "options"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
methods = st.sampled_from(
    [
        "session/update",
        "session/request_permission",
        "fs/read_text_file",
        "fs/write_text_file",
        "terminal/create",
        "terminal/output",
        "$/cancel_request",
        "_x",
    ]
)
messages = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0")},
    optional={
        "id": st.integers(0, 5) | st.text(max_size=3) | json_values,
        "method": methods | json_values,
        "params": json_values,
        "result": json_values,
        "error": json_values,
    },
)


def _is_sound(facts: list[Fact]) -> None:
    """Nothing fell through to the last resort, and all of it can be stored and sent."""
    for payload in events(facts):
        assert payload.get("where") != "driver", payload
        json.dumps(payload)
    for message in sent(facts):
        assert message["jsonrpc"] == "2.0"
    for asked in of(facts, PermissionAsked):
        subject(asked.payload).encode()
        asked.title.encode()


def _survives(talk: Conversation) -> None:
    driver = AcpDriver.from_state(json.loads(json.dumps(talk.driver.to_state())))
    assert driver.to_state() == talk.driver.to_state()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes(lines: list[bytes]) -> None:
    talk = prompted()
    for line in lines:
        _is_sound(talk.say(line))
    _survives(talk)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.lists(messages | json_values, max_size=5), st.integers(0, 3))
def test_any_json_in_any_phase(values: list[Any], phase: int) -> None:
    talk = Conversation()
    if phase > 0:
        talk.greet()
    if phase > 1:
        talk.result({"sessionId": SESSION})
    if phase > 2:
        talk.prompt()
    for value in values:
        _is_sound(talk.say(json.dumps(value).encode()))
    _survives(talk)


@cache
def _recorded() -> list[dict[str, Any]]:
    found = [
        line["msg"]
        for name in TRANSCRIPTS
        for run in processes(name)
        for line in run
        if line["dir"] == "a>c"
    ]
    return [message for message in found if len(json.dumps(message)) < 4_000]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    found = [(*path, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            found += _places(value[key], (*path, key))
    return found


@pytest.mark.slow
@settings(max_examples=800, deadline=None, derandomize=True)
@given(st.data())
def test_mutations_of_recorded_lines(data: st.DataObject) -> None:
    talk = prompted()
    for _ in range(data.draw(st.integers(1, 4))):
        message = copy.deepcopy(data.draw(st.sampled_from(_recorded())))
        if "params" in message and "sessionId" in message["params"]:
            message["params"]["sessionId"] = SESSION
        for path in data.draw(st.lists(st.sampled_from(_places(message)), max_size=2)):
            target: Any = message
            try:
                for key in path[:-1]:
                    target = target[key]
                target[path[-1]] = data.draw(json_values)
            except (KeyError, IndexError, TypeError):
                continue
        line = json.dumps(message).encode()
        cut = data.draw(st.none() | st.integers(0, len(line)))
        _is_sound(talk.driver.receive(line if cut is None else line[:cut], cut is not None))
    for request_id in list(talk.driver.to_state()["conversation"]["permissions"]):
        _is_sound(talk.driver.answer_permission(request_id["request_id"], Action.APPROVE))
    _survives(talk)
    _is_sound(talk.driver.cancel())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "invalid JSON"),
        (b"\xff\xfe", "invalid UTF-8"),
        (b"[]", "not a JSON object"),
        (b'{"jsonrpc":"2.0"}', "neither"),
        (b'{"jsonrpc":"2.0","id":null,"method":"x"}', "null"),
    ],
)
def test_a_line_that_is_no_message_is_an_error_event(line: bytes, reason: str) -> None:
    (error,) = events(opened().say(line), EventType.ERROR)
    assert reason in error["message"]
    assert error["where"] == "stdout"
    assert error["raw"] == line.decode("utf-8", "backslashreplace")


def test_the_raw_text_of_an_error_is_limited() -> None:
    (error,) = events(opened().say(b"x" * 100_000))
    assert error["raw"] == "x" * 2_000


def test_blank_lines_are_nothing() -> None:
    assert opened().say(b"") == []
    assert opened().say(b"  \r") == []


def test_a_stray_answer_is_an_error_event() -> None:
    facts = opened().say({"jsonrpc": "2.0", "id": 4711, "result": {}})
    assert events(facts, EventType.ERROR)[0]["where"] == "answer"


def test_a_line_over_the_limit_is_reported_and_its_request_answered() -> None:
    """An agent that waits for an answer would hang for ever."""
    talk = prompted()
    line = b'{"jsonrpc":"2.0","id":3,"method":"fs/write_text_file","params":{"content":"'
    facts = talk.driver.receive(line + b"x" * 9_000, cut=True)
    assert kinds(facts) == [EventType.ERROR]
    assert [(m["id"], m["error"]["code"]) for m in sent(facts)] == [(3, -32600)]
    line = b'{"jsonrpc": "2.0", "id": "u-1", "method": "session/request_permission", "params": {'
    (answer,) = sent(talk.driver.receive(line, cut=True))
    assert (answer["id"], answer["result"]) == ("u-1", {"outcome": {"outcome": "cancelled"}})
    assert kinds(talk.driver.receive(b'{"params":', cut=True)) == [EventType.ERROR]


def test_a_cut_line_with_the_id_of_an_open_request_leaves_that_one_open() -> None:
    talk = prompted()
    talk.ask(3)
    line = b'{"jsonrpc":"2.0","id":3,"method":"fs/write_text_file","params":{"content":"'
    assert sent(talk.driver.receive(line, cut=True)) == []
    assert sent(talk.driver.answer_permission(3, Action.DENY))


def _deep(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def test_deep_nesting_is_refused_because_no_store_could_write_it() -> None:
    talk = prompted()
    line = '{"jsonrpc":"2.0","id":9,"method":"_x","params":' + _deep(400) + "}"
    facts = talk.say(line.encode())
    assert kinds(facts) == [EventType.ERROR]
    assert sent(facts)[0]["error"]["code"] == -32600
    line = '{"jsonrpc":"2.0","method":"_x","params":' + _deep(400) + "}"
    assert kinds(talk.say(line.encode())) == [EventType.ERROR]
    line = f'{{"jsonrpc":"2.0","id":{talk.last_call},"result":' + _deep(400) + "}"
    (ended,) = of(talk.say(line.encode()), TurnEnded)
    assert ended.error == "a message nested too deep"


def test_many_brackets_that_are_not_deep_are_fine() -> None:
    talk = prompted()
    commands = [{"name": f"c{n}", "description": "{[" * 50} for n in range(2_000)]
    facts = talk.update("available_commands_update", availableCommands=commands)
    assert len(events(facts, EventType.BACKEND_STATUS)[0]["available_commands"]) == 2_000
    assert kinds(talk.says("[{" * 500)) == [EventType.ASSISTANT_MESSAGE]


def test_a_start_that_failed_is_followed_by_nothing_worse() -> None:
    talk = Conversation()
    assert of(talk.greet(99), StartFailed)
    assert kinds(talk.says("hello?")) == [EventType.ASSISTANT_MESSAGE]
    assert kinds(talk.say(b"noise")) == [EventType.ERROR]
    assert talk.driver.cancel() == []
