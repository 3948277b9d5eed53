"""A driver built from its stored state goes on as if nothing had happened (DESIGN §4)."""

import json

import pytest

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.model.states import Action
from tests.agents.acp.conversation import SESSION, Conversation, opened, prompted, sent
from tests.agents.acp.replay import TRANSCRIPTS, Kept, Rebuilt, replays


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_rebuilding_after_every_line_finds_the_same_facts(name: str) -> None:
    """Only the states it calls dirty are stored, as the supervisor does."""
    kept, rebuilt = replays(name, Kept), replays(name, Rebuilt)
    assert [replay.steps for replay in kept] == [replay.steps for replay in rebuilt]


def test_text_chunks_leave_the_state_as_stored() -> None:
    talk = prompted()
    before = json.dumps(talk.driver.to_state())
    assert not talk.driver.dirty
    assert talk.says("hello")
    assert not talk.driver.dirty
    assert json.dumps(talk.driver.to_state()) == before


def test_all_else_is_to_be_stored() -> None:
    talk = prompted()
    talk.driver.to_state()
    talk.ask()
    assert talk.driver.dirty
    talk.driver.to_state()
    talk.driver.answer_permission(0, Action.DENY)
    assert talk.driver.dirty
    talk.driver.to_state()
    talk.result({"stopReason": "end_turn"})
    assert talk.driver.dirty
    talk.driver.to_state()
    talk.prompt("more")
    assert talk.driver.dirty


def test_an_open_permission_is_answered_after_a_restart() -> None:
    talk = prompted()
    talk.ask(0)
    talk.ask("0", toolCallId="t2")
    driver = AcpDriver.from_state(json.loads(json.dumps(talk.driver.to_state())))
    (answer,) = sent(driver.answer_permission(0, Action.APPROVE))
    assert answer["id"] == 0
    assert answer["result"] == {"outcome": {"outcome": "selected", "optionId": "o"}}
    (answer,) = sent(driver.answer_permission("0", Action.DENY))
    assert answer["id"] == "0"


def test_a_stored_state_is_not_changed_by_what_comes_later() -> None:
    talk = prompted()
    talk.update("tool_call", toolCallId="t1", title="x", content=[])
    state = talk.driver.to_state()
    before = json.dumps(state)
    diff = {"type": "diff", "path": "/a", "newText": "b"}
    talk.update("tool_call_update", toolCallId="t1", title="y", content=[diff])
    talk.ask()
    talk.update("usage_update", used=1, size=2)
    assert json.dumps(state) == before


def test_many_tool_calls_of_one_turn_stay_bounded() -> None:
    talk = opened()
    talk.prompt()
    for n in range(1_000):
        talk.update("tool_call", toolCallId=f"t{n}", title="x", rawInput={"a": 1})
    assert len(talk.driver.to_state()["conversation"]["tools"]) <= 256
    assert SESSION in json.dumps(talk.driver.to_state())


def test_of_a_history_only_the_last_tool_calls_are_remembered() -> None:
    talk = Conversation("load", session=SESSION)
    talk.greet(loadSession=True)
    for n in range(100):
        talk.update("tool_call", toolCallId=f"t{n}", title="x", rawInput={"a": 1})
    tools = talk.driver.to_state()["conversation"]["tools"]
    assert 0 < len(tools) <= 8
    assert "t99" in tools
