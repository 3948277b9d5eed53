"""session/fork, and what can be set while a session is open (A1, C1)."""

import json
from typing import Any

import pytest

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import Ready, SessionInfo, SettingAnswered, StartFailed
from quarterdeck.model.event_types import EventType
from tests.agents.acp.conversation import CWD, SESSION, Conversation, events, of, sent

FORK = {"sessionCapabilities": {"fork": {}}}
OPTION = {
    "id": "the-model",
    "name": "Model",
    "category": "model",
    "type": "select",
    "currentValue": "small",
    "options": [{"value": "small", "name": "Small"}],
}


def ready(**opened: Any) -> Conversation:
    talk = Conversation()
    talk.greet()
    talk.result({"sessionId": SESSION, **opened})
    return talk


def test_c1_a_fork_asks_for_the_parents_session_and_gets_one_of_its_own() -> None:
    talk = Conversation("fork", session="parent")
    (call,) = sent(talk.greet(**FORK))
    assert call["method"] == "session/fork"
    assert call["params"] == {"cwd": CWD, "mcpServers": [], "sessionId": "parent"}
    assert talk.says("an old answer") == []
    (told,) = of(talk.result({"sessionId": SESSION}), Ready)
    assert (told.agent_session_id, told.via) == (SESSION, "fork")


def test_c1_an_agent_that_cannot_fork_gets_a_new_session() -> None:
    talk = Conversation("fork", session="parent")
    (call,) = sent(talk.greet())
    assert call["method"] == "session/new"
    (told,) = of(talk.result({"sessionId": SESSION}), Ready)
    assert told.via == "new"


def test_c1_a_fork_that_fails_is_followed_by_a_new_session() -> None:
    talk = Conversation("fork", session="parent")
    talk.greet(**FORK)
    facts = talk.error(-32603, "no such session")
    (call,) = sent(facts)
    assert (call["method"], "sessionId" in call["params"]) == ("session/new", False)
    assert "no such session" in events(facts, EventType.ERROR)[0]["message"]
    (told,) = of(talk.result({"sessionId": SESSION}), Ready)
    assert told.via == "new"
    assert talk.says("fresh")


def test_c1_a_fork_without_a_session_id_has_failed() -> None:
    talk = Conversation("fork", session="parent")
    talk.greet(**FORK)
    assert of(talk.result({}), StartFailed)
    with pytest.raises(ValueError, match="fork needs"):
        AcpDriver.start(cwd=CWD, via="fork")


def test_a1_a_mode_for_a_command_ends_it_also_after_a_restart() -> None:
    talk = ready()
    (call,) = sent(talk.driver.set_mode("plan", "cmd_7"))
    assert call["method"] == "session/set_mode"
    kept = json.loads(json.dumps(talk.driver.to_state()))
    talk.driver = AcpDriver.from_state(kept)
    facts = talk.result({}, call["id"])
    assert of(facts, SettingAnswered) == [SettingAnswered("cmd_7", None)]
    assert of(facts, SessionInfo) == [SessionInfo(mode="plan")]


def test_a1_a_refused_mode_fails_its_command_and_changes_nothing() -> None:
    talk = ready()
    (call,) = sent(talk.driver.set_mode("nope", "cmd_7"))
    talk.last_call = call["id"]
    facts = talk.error(-32602, "unknown mode")
    assert [answer.command_id for answer in of(facts, SettingAnswered)] == ["cmd_7"]
    assert "unknown mode" in str(of(facts, SettingAnswered)[0].error)
    assert of(facts, SessionInfo) == []


@pytest.mark.parametrize(
    ("opened", "method", "params"),
    [
        (
            {"configOptions": [OPTION]},
            "session/set_config_option",
            {"sessionId": SESSION, "configId": "the-model", "value": "large"},
        ),
        (
            {"models": {"availableModels": [], "currentModelId": "small"}},
            "session/set_model",
            {"sessionId": SESSION, "modelId": "large"},
        ),
    ],
    ids=["option", "models"],
)
def test_a1_a_model_is_set_the_way_the_agent_offers(
    opened: dict[str, Any], method: str, params: dict[str, Any]
) -> None:
    talk = ready(**opened)
    (call,) = sent(talk.driver.set_model("large", "cmd_8"))
    assert (call["method"], call["params"]) == (method, params)
    facts = talk.result({"configOptions": [OPTION]}, call["id"])
    assert of(facts, SettingAnswered) == [SettingAnswered("cmd_8", None)]
    assert of(facts, SessionInfo) == [SessionInfo(model="large")]
    assert events(facts, EventType.MODE) == [{"model_id": "large"}]


def test_a_model_cannot_be_set_where_none_is_offered() -> None:
    with pytest.raises(ValueError, match="model"):
        ready().driver.set_model("large")
