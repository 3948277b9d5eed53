"""Permissions: what is asked, and what a decision answers (C5, agents.md 16-19)."""

from typing import Any

import pytest
from acp import schema

from quarterdeck.agents.acp.facts import PermissionAsked, PermissionWithdrawn, Send
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import Action
from tests.agents.acp.conversation import (
    ALWAYS,
    CWD,
    NEVER,
    NO,
    ONCE,
    SESSION,
    Conversation,
    events,
    kinds,
    of,
    opened,
    prompted,
    sent,
)

CANCELLED = {"outcome": {"outcome": "cancelled"}}


def _decide(action: Action, options: list[Any]) -> tuple[Conversation, list[Any]]:
    talk = prompted()
    talk.ask(0, options)
    return talk, talk.driver.answer_permission(0, action)


def _selected(facts: list[Any]) -> str | None:
    (answer,) = [message for message in sent(facts) if "result" in message]
    schema.RequestPermissionResponse.model_validate(answer["result"])
    return answer["result"]["outcome"].get("optionId")


def test_the_payload_holds_the_request_in_our_words() -> None:
    diff = {"type": "diff", "path": "/p/a", "oldText": "x", "newText": "y"}
    facts = prompted().ask(
        "uuid-1",
        title="Edit a",
        kind="edit",
        status="pending",
        rawInput={"filePath": "/p/a"},
        locations=[{"path": "/p/a", "line": 2}],
        content=[diff, {"type": "content", "content": {"type": "text", "text": "why"}}],
    )
    (asked,) = of(facts, PermissionAsked)
    assert (asked.request_id, asked.tool_call_id, asked.title) == ("uuid-1", "t1", "Edit a")
    assert asked.payload == {
        "kind": "tool_call",
        "tool_call": {
            "tool_call_id": "t1",
            "title": "Edit a",
            "kind": "edit",
            "raw_input": {"filePath": "/p/a"},
            "locations": [{"path": "/p/a", "line": 2}],
            "content": [
                {"type": "diff", "path": "/p/a", "old_text": "x", "new_text": "y"},
                {"type": "content", "content": {"type": "text", "text": "why"}},
            ],
        },
        "options": [
            {"option_id": "o", "name": "Once", "kind": "allow_once"},
            {"option_id": "a", "name": "Always", "kind": "allow_always"},
            {"option_id": "n", "name": "No", "kind": "reject_once"},
        ],
        "cwd": CWD,
    }


def test_a_request_with_only_an_id_is_filled_from_the_tool_call() -> None:
    """agents.md 16: vibe's request holds only toolCallId."""
    talk = prompted()
    diff = {"type": "diff", "path": "/p/a", "newText": "new"}
    raw = {"command": "make", "cwd": "/elsewhere"}
    talk.update("tool_call", toolCallId="t1", title="bash", kind="execute", rawInput=raw)
    talk.update("tool_call_update", toolCallId="t1", title="make", content=[diff])
    (asked,) = of(talk.ask(), PermissionAsked)
    assert asked.title == "make"
    assert asked.payload["cwd"] == "/elsewhere"
    call = asked.payload["tool_call"]
    assert (call["kind"], call["raw_input"]) == ("execute", raw)
    assert call["content"] == [
        {"type": "diff", "path": "/p/a", "old_text": None, "new_text": "new"}
    ]


def test_what_the_request_says_wins_over_what_was_known() -> None:
    talk = prompted()
    talk.update("tool_call", toolCallId="t1", title="old", rawInput={"command": "ls", "cwd": "/k"})
    (asked,) = of(talk.ask(title="new", rawInput={"command": "rm"}), PermissionAsked)
    assert asked.payload["tool_call"]["raw_input"] == {"command": "rm"}
    assert asked.payload["tool_call"]["title"] == "new"
    assert asked.payload["cwd"] == "/k"


def test_a_tool_call_of_the_history_can_be_asked_about() -> None:
    talk = Conversation("load", session=SESSION)
    talk.greet(loadSession=True)
    talk.update(
        "tool_call", toolCallId="t1", title="x", status="completed", rawInput={"command": "make"}
    )
    talk.result({})
    (asked,) = of(talk.ask(), PermissionAsked)
    assert asked.payload["tool_call"]["raw_input"] == {"command": "make"}


def test_a_diff_only_the_request_shows_becomes_an_event_once() -> None:
    talk = prompted()
    diff = {"type": "diff", "path": "/p/a", "oldText": "", "newText": "y"}
    assert kinds(talk.ask(content=[diff])) == [EventType.DIFF]
    facts = talk.update("tool_call_update", toolCallId="t1", content=[diff])
    assert kinds(facts) == [EventType.TOOL_CALL]


@pytest.mark.parametrize("action", [Action.APPROVE, Action.APPROVE_SESSION])
@pytest.mark.parametrize("options", [[ONCE, ALWAYS, NO], [ALWAYS, NO, ONCE]])
def test_approving_chooses_allow_once_also_for_the_session(action, options) -> None:
    """agents.md 18: allow_always can be wide, so the session's memory is ours."""
    _, facts = _decide(action, options)
    assert _selected(facts) == "o"
    assert kinds(facts) == []


def test_the_first_option_of_a_kind_is_chosen_whatever_its_id() -> None:
    misnamed = {"optionId": "reject", "name": "No!", "kind": "allow_once"}
    _, facts = _decide(Action.APPROVE, [ALWAYS, misnamed, ONCE])
    assert _selected(facts) == "reject"


def test_without_allow_once_the_wider_option_is_taken_and_said_so() -> None:
    _, facts = _decide(Action.APPROVE, [ALWAYS, NO])
    assert _selected(facts) == "a"
    (error,) = events(facts, EventType.ERROR)
    assert "Always" in error["message"]


def test_denying_chooses_reject_once_and_else_reject_always() -> None:
    assert _selected(_decide(Action.DENY, [ONCE, NEVER, NO])[1]) == "n"
    _, facts = _decide(Action.DENY, [ONCE, NEVER])
    assert _selected(facts) == "v"
    assert kinds(facts) == [EventType.ERROR]


@pytest.mark.parametrize(
    ("action", "options"),
    [(Action.APPROVE, [NO]), (Action.DENY, [ONCE]), (Action.APPROVE, [])],
)
def test_without_a_fitting_option_the_outcome_is_cancelled(action, options) -> None:
    _, facts = _decide(action, options)
    assert sent(facts)[0]["result"] == CANCELLED
    assert kinds(facts) == [EventType.ERROR]


def test_abort_answers_cancelled_and_cancels_the_turn() -> None:
    talk = prompted()
    talk.ask(0)
    talk.ask(1, toolCallId="t2")
    facts = talk.driver.answer_permission(0, Action.ABORT)
    answer, cancel, other = sent(facts)
    assert (answer["id"], answer["result"]) == (0, CANCELLED)
    assert cancel["method"] == "session/cancel"
    assert (other["id"], other["result"]) == (1, CANCELLED)
    assert of(facts, PermissionWithdrawn) == [PermissionWithdrawn(1)]
    assert talk.driver.cancel() == []


def test_abort_outside_of_a_turn_still_cancels() -> None:
    talk = opened()
    talk.ask(0)
    facts = talk.driver.answer_permission(0, Action.ABORT)
    assert [message.get("method") for message in sent(facts)] == [None, "session/cancel"]


def test_a_decision_answers_once() -> None:
    talk, facts = _decide(Action.APPROVE, [ONCE])
    assert len(of(facts, Send)) == 1
    assert talk.driver.answer_permission(0, Action.APPROVE) == []
    assert talk.driver.answer_permission("0", Action.DENY) == []


def test_ids_zero_and_text_are_told_apart() -> None:
    """agents.md 7"""
    talk = prompted()
    talk.ask(0)
    talk.ask("0", toolCallId="t2")
    (answer,) = sent(talk.driver.answer_permission("0", Action.DENY))
    assert answer["id"] == "0"
    (answer,) = sent(talk.driver.answer_permission(0, Action.DENY))
    assert answer["id"] == 0


def test_a_permission_without_a_prompt_is_asked_and_noted() -> None:
    facts = opened().ask()
    assert kinds(facts) == [EventType.ERROR]
    assert of(facts, PermissionAsked)


def test_a_permission_for_another_session_is_asked_and_noted() -> None:
    params = {"sessionId": "other", "toolCall": {"toolCallId": "t"}, "options": [ONCE]}
    facts = prompted().request(0, "session/request_permission", params)
    assert "another session" in events(facts, EventType.ERROR)[0]["message"]
    assert of(facts, PermissionAsked)


def test_options_of_unknown_kinds_are_shown_and_never_chosen() -> None:
    strange = {"optionId": "s", "name": "Strange", "kind": "allow_sometimes"}
    talk = prompted()
    facts = talk.ask(0, [strange, {"name": "broken"}, ONCE])
    assert kinds(facts) == [EventType.ERROR]
    (asked,) = of(facts, PermissionAsked)
    assert [option["option_id"] for option in asked.payload["options"]] == ["s", "o"]
    assert _selected(talk.driver.answer_permission(0, Action.APPROVE)) == "o"


@pytest.mark.parametrize(
    "params",
    [
        None,
        {"sessionId": SESSION},
        {"sessionId": SESSION, "toolCall": {}, "options": [ONCE]},
        {"sessionId": SESSION, "toolCall": {"toolCallId": "t"}, "options": "all"},
    ],
)
def test_a_request_that_cannot_be_asked_is_refused_and_kept(params) -> None:
    facts = prompted().request(0, "session/request_permission", params)
    assert kinds(facts) == [EventType.ERROR, EventType.OTHER]
    assert sent(facts)[0]["error"]["code"] == -32602


def test_a_request_the_agent_takes_back_is_withdrawn() -> None:
    talk = prompted()
    talk.ask("u")
    facts = talk.notify("$/cancel_request", {"requestId": "u"})
    assert of(facts, PermissionWithdrawn) == [PermissionWithdrawn("u")]
    assert sent(facts)[0]["result"] == CANCELLED
    assert talk.driver.answer_permission("u", Action.APPROVE) == []
    facts = talk.notify("$/cancel_request", {"requestId": "u"})
    assert kinds(facts) == [EventType.OTHER]
    assert sent(facts) == []


def test_text_no_store_can_hold_is_spelled_out_in_what_becomes_a_column() -> None:
    talk = prompted()
    raw = {"cwd": "/x\ud800", "command": "ls"}
    (asked,) = of(talk.ask(title="bad \ud800 title", rawInput=raw), PermissionAsked)
    asked.title.encode()
    asked.payload["cwd"].encode()
    assert asked.payload["tool_call"]["raw_input"] == raw
