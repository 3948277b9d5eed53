"""Opening a session over ACP (R3, R4, D2)."""

from typing import Any

import pytest
from acp import schema

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import Event, Ready, SessionInfo, StartFailed, Via
from quarterdeck.model.event_types import EventType
from tests.agents.acp.conversation import (
    CWD,
    SESSION,
    Conversation,
    events,
    kinds,
    of,
    opened,
    sent,
)

LOAD = {"loadSession": True}
RESUME = {"loadSession": True, "sessionCapabilities": {"resume": {}}}


def test_initialize_declares_files_and_terminals() -> None:
    _, facts = AcpDriver.start(cwd=CWD, via="new")
    (call,) = sent(facts)
    read = schema.InitializeRequest.model_validate(call["params"])
    assert call["method"] == "initialize"
    assert read.protocol_version == 1
    assert read.client_capabilities is not None
    assert read.client_capabilities.terminal is True
    assert read.client_capabilities.fs == schema.FileSystemCapabilities(
        read_text_file=True, write_text_file=True
    )
    assert read.client_info is not None
    assert read.client_info.name == "quarterdeck"


def test_a_new_session_is_opened_in_its_directory_and_reported_ready() -> None:
    """R3"""
    talk = Conversation()
    (call,) = sent(talk.greet())
    assert call["method"] == "session/new"
    assert call["params"] == {"cwd": CWD, "mcpServers": []}
    schema.NewSessionRequest.model_validate(call["params"])
    assert not talk.driver.ready
    (ready,) = of(talk.result({"sessionId": SESSION}), Ready)
    assert (ready.agent_session_id, ready.via) == (SESSION, "new")
    assert talk.driver.ready


def test_ready_tells_agent_capabilities_modes_and_options_in_our_words() -> None:
    talk = Conversation()
    talk.result(
        {
            "protocolVersion": 1,
            "agentInfo": {"name": "a", "version": "1"},
            "agentCapabilities": {"loadSession": True},
        }
    )
    modes = {"currentModeId": "ask", "availableModes": [{"id": "ask", "name": "Ask"}]}
    facts = talk.result({"sessionId": SESSION, "modes": modes, "models": {"currentModelId": "m"}})
    info = of(facts, Ready)[0].info
    assert info["agent_info"] == {"name": "a", "version": "1"}
    assert info["capabilities"] == {"load_session": True}
    assert info["modes"]["current_mode_id"] == "ask"
    assert info["models"] == {"current_model_id": "m"}
    assert info["replayed"] == 0
    assert "session_id" not in info
    assert SessionInfo(mode="ask") in facts


@pytest.mark.parametrize("version", [0, 2, 99, "1", True, None])
def test_another_protocol_version_fails_the_start_for_good(version: object) -> None:
    """agents.md 23"""
    facts = Conversation().greet(version)
    (failed,) = of(facts, StartFailed)
    assert not failed.recoverable
    assert "version" in failed.reason


@pytest.mark.parametrize(
    ("via", "abilities", "method"),
    [
        ("load", LOAD, "session/load"),
        ("load", RESUME, "session/load"),
        ("resume", RESUME, "session/resume"),
        ("resume", LOAD, "session/load"),
    ],
)
def test_load_and_resume_use_what_the_agent_can(via, abilities, method) -> None:
    (call,) = sent(Conversation(via, session="old").greet(**abilities))
    assert call["method"] == method
    assert call["params"] == {"cwd": CWD, "mcpServers": [], "sessionId": "old"}


@pytest.mark.parametrize("via", ["load", "resume"])
def test_an_agent_that_cannot_load_fails_the_start_for_good(via) -> None:
    facts = Conversation(via, session="old").greet(loadSession=False)
    assert of(facts, StartFailed) == [StartFailed("agent cannot load sessions", False)]


def test_a_failed_resume_is_tried_once_as_a_load() -> None:
    talk = Conversation("resume", session="old")
    talk.greet(**RESUME)
    facts = talk.error(-32603, "no")
    assert [call["method"] for call in sent(facts)] == ["session/load"]
    assert kinds(facts) == [EventType.ERROR]
    (failed,) = of(talk.error(-32603, "no again"), StartFailed)
    assert failed.recoverable


def test_the_load_after_a_failed_resume_is_reported_as_load() -> None:
    talk = Conversation("resume", session="old")
    talk.greet(**RESUME)
    talk.error(-32603, "no")
    (ready,) = of(talk.result(None), Ready)
    assert (ready.via, ready.agent_session_id) == ("load", "old")


@pytest.mark.parametrize(("code", "recoverable"), [(-32000, False), (-32603, True), (-32602, True)])
def test_an_error_to_session_new_fails_with_the_agents_words(code, recoverable) -> None:
    """R4; only a demand for a login cannot be helped by another try."""
    talk = Conversation()
    talk.greet()
    (failed,) = of(talk.error(code, "Internal error", {"message": "out of cheese"}), StartFailed)
    assert failed.recoverable is recoverable
    assert "Internal error" in failed.reason
    assert "out of cheese" in failed.reason


def test_an_error_to_initialize_fails_the_start() -> None:
    (failed,) = of(Conversation().error(-32603, "broken"), StartFailed)
    assert failed.recoverable
    assert failed.reason == "initialize: broken"


@pytest.mark.parametrize("code", [-32002, -32602, -32603, -32000])
def test_an_error_to_load_is_always_recoverable(code) -> None:
    """agents.md 14: the codes for an unknown session vary."""
    talk = Conversation("load", session="old")
    talk.greet(**LOAD)
    (failed,) = of(talk.error(code, "not found"), StartFailed)
    assert failed.recoverable


@pytest.mark.parametrize("result", [None, {}, {"sessionId": 7}, [], {"sessionId": "\ud800"}])
def test_session_new_without_a_usable_id_fails_the_start(result) -> None:
    talk = Conversation()
    talk.greet()
    assert of(talk.result(result), StartFailed)


def test_the_wanted_mode_is_set_after_new_load_and_resume() -> None:
    """agents.md 11"""
    cases: list[tuple[Via, dict[str, Any]]] = [("new", {}), ("load", LOAD), ("resume", RESUME)]
    for via, abilities in cases:
        talk = Conversation(via, session="old" if via != "new" else None, mode="plan")
        talk.greet(**abilities)
        facts = talk.result({"sessionId": SESSION} if via == "new" else {})
        (call,) = sent(facts)
        session = SESSION if via == "new" else "old"
        assert call["method"] == "session/set_mode"
        assert call["params"] == {"sessionId": session, "modeId": "plan"}
        assert isinstance(facts[-1], Ready), "a prompt sent at Ready must come after the mode"


def test_a_mode_that_was_set_becomes_an_event_once() -> None:
    talk = opened(mode="plan")
    facts = talk.result({})
    assert events(facts, EventType.MODE) == [{"mode_id": "plan"}]
    assert SessionInfo(mode="plan") in facts
    assert talk.update("current_mode_update", currentModeId="plan") == []


def test_a_refused_mode_is_an_error_event_and_the_session_goes_on() -> None:
    talk = opened(mode="nope")
    (error,) = events(talk.error(-32602, "mode not found"))
    assert error["where"] == "session/set_mode"
    assert error["code"] == -32602
    assert "nope" in error["message"]
    assert talk.prompt()


def test_noise_before_the_answer_is_recorded_and_harmless() -> None:
    """kimi and others print banners on stdout."""
    talk = Conversation()
    (error,) = events(talk.say(b"Welcome to the agent!"), EventType.ERROR)
    assert error["raw"] == "Welcome to the agent!"
    assert error["where"] == "stdout"
    assert sent(talk.greet())


def test_much_noise_is_told_fifty_times_and_then_counted() -> None:
    talk = Conversation()
    told = [fact for n in range(80) for fact in talk.say(f"noise {n}".encode())]
    assert len(told) == 50
    talk.greet()
    (error,) = events(talk.result({"sessionId": SESSION}), EventType.ERROR)
    assert error["count"] == 30
    assert kinds(talk.say(b"later noise")) == [EventType.ERROR]


def test_the_count_of_noise_is_told_when_the_start_fails_too() -> None:
    talk = Conversation()
    for n in range(51):
        talk.say(f"noise {n}".encode())
    assert [type(fact) for fact in talk.greet(99)] == [Event, StartFailed]


def test_load_without_a_session_id_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="session id"):
        Conversation("load")


def test_updates_before_session_new_is_answered_are_taken() -> None:
    """vibe tells usage before it has told the id of the session."""
    talk = Conversation()
    talk.greet()
    assert kinds(talk.update("usage_update", used=1, size=2)) == [EventType.USAGE]


def test_a_history_is_counted_until_the_first_prompt_and_makes_no_events() -> None:
    """agents.md 13: replays may go on after the answer to load."""
    talk = Conversation("load", session=SESSION)
    talk.greet(**LOAD)
    text = {"type": "text", "text": "old"}
    assert talk.update("user_message_chunk", content=text) == []
    assert talk.says("old answer") == []
    assert talk.update("agent_thought_chunk", content=text) == []
    assert talk.update("tool_call", toolCallId="t", title="x", status="completed") == []
    assert talk.update("plan", entries=[]) == []
    assert kinds(talk.update("usage_update", used=1, size=2)) == [EventType.USAGE]
    (ready,) = of(talk.result({}), Ready)
    assert ready.info["replayed"] == 5
    assert talk.says("still old") == []
    talk.prompt()
    assert kinds(talk.says("new")) == [EventType.ASSISTANT_MESSAGE]


def test_a_history_can_be_kept() -> None:
    talk = Conversation("load", session=SESSION, keep_replay=True)
    talk.greet(**LOAD)
    text = {"type": "text", "text": "old"}
    facts = talk.update("user_message_chunk", content=text)
    assert events(facts, EventType.USER_MESSAGE) == [{"text": "old", "from": "agent"}]
    assert kinds(talk.says("old answer")) == [EventType.ASSISTANT_MESSAGE]


def test_nothing_can_be_prompted_before_the_session_is_open() -> None:
    talk = Conversation()
    with pytest.raises(ValueError, match="not open"):
        talk.prompt()
    with pytest.raises(ValueError, match="not open"):
        talk.driver.set_mode("ask")
