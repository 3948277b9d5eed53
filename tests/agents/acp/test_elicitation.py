"""Forms an agent asks for: put as they are, refused if they cannot be, cancelled in time (C5)."""

from typing import Any

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.acp.facts import FormAsked, PermissionWithdrawn
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import Action
from tests.agents.acp.conversation import SESSION, events, of, prompted, sent

FORM: dict[str, Any] = {
    "mode": "form",
    "sessionId": SESSION,
    "message": "Which?",
    "requestedSchema": {
        "type": "object",
        "properties": {"b": {"type": "string"}, "a": {"type": "integer"}},
        "required": ["b"],
    },
}


def test_a_form_is_put_with_its_text_its_schema_and_the_order_of_its_fields() -> None:
    (asked,) = of(prompted().request(0, "elicitation/create", FORM), FormAsked)
    assert (asked.request_id, asked.title) == (0, "Which?")
    assert asked.payload["schema"] == FORM["requestedSchema"]
    assert asked.payload["order"] == ["b", "a"]
    assert asked.payload["text"] == ("Which?\n\nb: text, required\n\na: integer, may be left out")


def test_a_form_of_a_request_and_not_of_a_session_is_put_too() -> None:
    params = {k: v for k, v in FORM.items() if k != "sessionId"} | {"requestId": 7}
    assert of(prompted().request("x", "elicitation/create", params), FormAsked)


def test_what_cannot_be_put_is_refused_and_kept() -> None:
    for changed in (
        {"mode": "url", "url": "https://evil.example", "elicitationId": "1"},
        {"sessionId": "another"},
        {"message": 5},
        {"requestedSchema": {"properties": {"a": {"type": "object"}}}},
        {"requestedSchema": {"properties": {}, "required": ["a"]}},
    ):
        facts = prompted().request(0, "elicitation/create", {**FORM, **changed})
        assert of(facts, FormAsked) == []
        (answer,) = sent(facts)
        assert answer["error"]["code"] == -32602
        assert events(facts, EventType.OTHER)


def test_a_form_is_accepted_declined_or_cancelled_once_also_after_a_restart() -> None:
    for action, told in ((Action.DENY, "decline"), (Action.ABORT, "cancel")):
        talk = prompted()
        talk.request(0, "elicitation/create", FORM)
        answers = [a for a in sent(talk.driver.answer_permission(0, action)) if "result" in a]
        assert [a["result"] for a in answers] == [{"action": told}]
    talk = prompted()
    talk.request(0, "elicitation/create", FORM)
    again = AcpDriver.from_state(talk.driver.to_state())
    result = {"action": "accept", "content": {"b": "x"}}
    (answer,) = sent(again.answer(0, result))
    assert (answer["id"], answer["result"]) == (0, result)
    assert again.answer(0, result) == []


def test_a_form_is_cancelled_with_its_turn() -> None:
    talk = prompted()
    talk.request(0, "elicitation/create", FORM)
    facts = talk.driver.cancel()
    assert {"action": "cancel"} in [a.get("result") for a in sent(facts)]
    assert [w.request_id for w in of(facts, PermissionWithdrawn)] == [0]
    (late,) = sent(talk.request(1, "elicitation/create", FORM))
    assert late["result"] == {"action": "cancel"}
