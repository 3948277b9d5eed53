"""Prompts, their ends, and cancelling them (R8, A12)."""

import json

import pytest
from acp import schema

from quarterdeck.agents.acp.facts import (
    PermissionAsked,
    PermissionWithdrawn,
    Send,
    TurnEnded,
)
from quarterdeck.model.event_types import EventType
from tests.agents.acp.conversation import (
    SESSION,
    events,
    kinds,
    of,
    opened,
    prompted,
    sent,
)

CANCELLED = {"outcome": {"outcome": "cancelled"}}


def test_a_prompt_is_a_call_that_names_its_command() -> None:
    talk = opened()
    (send,) = of(talk.driver.prompt("cmd_7", "hello"), Send)
    message = json.loads(send.line)
    assert (send.role, send.method, send.command_id) == ("call", "session/prompt", "cmd_7")
    assert message["id"] == send.rpc_id
    assert message["params"]["sessionId"] == SESSION
    assert message["params"]["prompt"] == [{"type": "text", "text": "hello"}]
    schema.PromptRequest.model_validate(message["params"])
    assert talk.driver.prompting == "cmd_7"


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_prompt_is_never_sent(text: str) -> None:
    """agents.md 14: it wedges a session for good."""
    with pytest.raises(ValueError, match="empty"):
        opened().prompt(text)


def test_prompts_do_not_overlap() -> None:
    """agents.md 15"""
    talk = prompted()
    with pytest.raises(ValueError, match="cmd_1"):
        talk.prompt("another")
    talk.result({"stopReason": "end_turn"})
    assert talk.prompt("another")


def test_the_answer_ends_the_turn_with_reason_and_usage() -> None:
    talk = prompted()
    usage = {"totalTokens": 110, "inputTokens": 100, "outputTokens": 10}
    facts = talk.result({"stopReason": "end_turn", "usage": usage})
    told = {"total_tokens": 110, "input_tokens": 100, "output_tokens": 10}
    assert events(facts) == [{"stop_reason": "end_turn", "usage": told, "command_id": "cmd_1"}]
    assert kinds(facts) == [EventType.TERMINAL_STATUS]
    assert of(facts, TurnEnded) == [TurnEnded("cmd_1", "end_turn", told, None)]
    assert talk.driver.prompting is None


def test_an_error_ends_the_turn_with_the_agents_words() -> None:
    facts = prompted().error(-32603, "Internal error", {"message": "status 401"})
    (ended,) = of(facts, TurnEnded)
    assert (ended.stop_reason, ended.error) == (None, "Internal error: status 401")
    (status,) = events(facts, EventType.TERMINAL_STATUS)
    assert status == {
        "stop_reason": "error",
        "command_id": "cmd_1",
        "error": "Internal error: status 401",
        "code": -32603,
    }


@pytest.mark.parametrize("result", [None, {}, [], "done", {"stopReason": 3}])
def test_an_answer_that_makes_no_sense_still_ends_the_turn(result) -> None:
    (ended,) = of(prompted().result(result), TurnEnded)
    assert ended.stop_reason is None
    assert ended.error is not None


def test_an_unknown_stop_reason_is_kept_and_noted() -> None:
    facts = prompted().result({"stopReason": "bored"})
    assert of(facts, TurnEnded) == [TurnEnded("cmd_1", "bored", None, None)]
    assert kinds(facts) == [EventType.ERROR, EventType.TERMINAL_STATUS]


def test_a_second_answer_to_a_prompt_is_noted_and_changes_nothing() -> None:
    talk = prompted()
    talk.result({"stopReason": "end_turn"})
    facts = talk.result({"stopReason": "end_turn"})
    assert kinds(facts) == [EventType.ERROR]
    assert not of(facts, TurnEnded)


def test_cancel_notifies_and_answers_every_open_permission_cancelled() -> None:
    """agents.md 19"""
    talk = prompted()
    talk.ask(0)
    talk.ask("uuid", toolCallId="t2")
    facts = talk.driver.cancel()
    notification, *answers = sent(facts)
    assert notification["method"] == "session/cancel"
    assert notification["params"] == {"sessionId": SESSION}
    assert "id" not in notification
    assert [(a["id"], a["result"]) for a in answers] == [(0, CANCELLED), ("uuid", CANCELLED)]
    assert of(facts, PermissionWithdrawn) == [PermissionWithdrawn(0), PermissionWithdrawn("uuid")]


def test_cancel_is_idempotent() -> None:
    """R8"""
    talk = prompted()
    assert talk.driver.cancel()
    assert talk.driver.cancel() == []
    talk.result({"stopReason": "cancelled"})
    assert talk.driver.cancel() == []
    assert opened().driver.cancel() == []


def test_a_permission_that_crosses_the_cancel_is_answered_cancelled_at_once() -> None:
    talk = prompted()
    talk.driver.cancel()
    facts = talk.ask(5)
    assert [a["result"] for a in sent(facts)] == [CANCELLED]
    assert not of(facts, PermissionAsked)
    assert kinds(facts) == [EventType.OTHER]


def test_the_next_turn_asks_again_after_a_cancel() -> None:
    talk = prompted()
    talk.driver.cancel()
    talk.result({"stopReason": "cancelled"})
    talk.prompt("more", "cmd_2")
    assert of(talk.ask(6), PermissionAsked)


def test_a_permission_left_open_by_its_turn_is_withdrawn() -> None:
    talk = prompted()
    talk.ask(3)
    facts = talk.result({"stopReason": "end_turn"})
    assert [(a["id"], a["result"]) for a in sent(facts)] == [(3, CANCELLED)]
    assert of(facts, PermissionWithdrawn) == [PermissionWithdrawn(3)]
    assert isinstance(facts[-1], TurnEnded)


def test_the_echo_of_our_prompt_is_dropped_once() -> None:
    """vibe echoes prompts; the supervisor noted it already."""
    talk = prompted("do it")
    block = {"type": "text", "text": "do it"}
    assert talk.update("user_message_chunk", content=block) == []
    assert kinds(talk.update("user_message_chunk", content=block)) == [EventType.USER_MESSAGE]


def test_an_echo_in_pieces_is_dropped_and_other_words_are_not() -> None:
    talk = prompted("do it now")
    for piece in ("do ", "it ", "now"):
        assert talk.update("user_message_chunk", content={"type": "text", "text": piece}) == []
    other = {"type": "text", "text": "something injected"}
    facts = talk.update("user_message_chunk", content=other)
    assert events(facts) == [{"text": "something injected", "from": "agent"}]


def test_ids_of_calls_are_never_used_twice() -> None:
    """DESIGN §4"""
    talk = opened()
    seen = set()
    for n in range(5):
        (call,) = sent(talk.prompt(f"turn {n}"))
        assert call["id"] not in seen
        seen.add(call["id"])
        talk.result({"stopReason": "end_turn"})
