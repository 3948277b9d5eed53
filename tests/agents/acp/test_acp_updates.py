"""session/update becomes events of the closed set (A2, A11, C4)."""

from typing import Any

import pytest

from quarterdeck.agents.acp.facts import Fact, SessionInfo
from quarterdeck.model.event_types import EventType
from tests.agents.acp.conversation import (
    SESSION,
    Conversation,
    events,
    kinds,
    of,
    prompted,
)


def _tool(talk: Conversation, status: str | None = None, **members: Any) -> list[Fact]:
    members = {"toolCallId": "t1", "title": "Tool", **members}
    return talk.update("tool_call", **members, **({"status": status} if status else {}))


def _progress(talk: Conversation, status: str | None = None, **members: Any) -> list[Fact]:
    members = {"toolCallId": "t1", **members}
    return talk.update("tool_call_update", **members, **({"status": status} if status else {}))


def _text(text: str) -> dict[str, Any]:
    return {"type": "content", "content": {"type": "text", "text": text}}


def _diff(new: str, old: str | None = None, path: str = "/p/a") -> dict[str, Any]:
    return {"type": "diff", "path": path, "oldText": old, "newText": new}


def test_text_chunks_are_messages_with_their_message_id() -> None:
    talk = prompted()
    assert events(talk.says("hi")) == [{"text": "hi"}]
    block = {"type": "text", "text": "hm"}
    facts = talk.update("agent_thought_chunk", content=block, messageId="m1")
    assert kinds(facts) == [EventType.THOUGHT]
    assert events(facts) == [{"text": "hm", "message_id": "m1"}]


def test_other_content_is_kept_beside_an_empty_text() -> None:
    block = {"type": "resource_link", "uri": "file:///x", "name": "x", "mimeType": "text/plain"}
    (said,) = events(prompted().update("agent_message_chunk", content=block))
    assert said["text"] == ""
    assert said["content"] == {
        "type": "resource_link",
        "uri": "file:///x",
        "name": "x",
        "mime_type": "text/plain",
    }


def test_an_empty_text_is_nothing_unless_it_carries_more() -> None:
    talk = prompted()
    assert talk.says("") == []
    block = {"type": "text", "text": ""}
    facts = talk.update("agent_message_chunk", content=block, _meta={"usage": {"inputTokens": 1}})
    assert kinds(facts) == [EventType.OTHER]


def test_a_tool_call_is_told_in_our_words_with_its_input_untouched() -> None:
    raw = {"filePath": "/p/a", "deepKey": {"innerKey": 1}}
    facts = _tool(
        prompted(), "pending", kind="read", rawInput=raw, locations=[{"path": "/p/a", "line": 3}]
    )
    assert events(facts) == [
        {
            "tool_call_id": "t1",
            "title": "Tool",
            "kind": "read",
            "status": "pending",
            "raw_input": raw,
            "locations": [{"path": "/p/a", "line": 3}],
            "update": False,
        }
    ]


def test_an_update_repeats_title_and_kind_so_that_it_can_be_read_alone() -> None:
    talk = prompted()
    _tool(talk, "pending", kind="read")
    (told,) = events(_progress(talk, "in_progress"))
    assert told == {
        "tool_call_id": "t1",
        "title": "Tool",
        "kind": "read",
        "status": "in_progress",
        "update": True,
    }


def test_output_is_told_once_at_the_end_of_the_call() -> None:
    talk = prompted()
    _tool(talk, "in_progress", kind="read", content=[_text("so far")])
    facts = _progress(talk, "completed", content=[_text("one"), _text("two")])
    assert events(facts, EventType.COMMAND_OUTPUT) == [{"tool_call_id": "t1", "text": "one\ntwo"}]
    again = _progress(talk, "completed", content=[_text("one"), _text("two")])
    assert events(again, EventType.COMMAND_OUTPUT) == []


def test_output_shown_while_running_is_told_at_the_end() -> None:
    talk = prompted()
    _tool(talk, "in_progress", kind="read")
    assert kinds(_progress(talk, content=[_text("the whole")])) == [EventType.TOOL_CALL]
    (told,) = events(_progress(talk, "failed"), EventType.COMMAND_OUTPUT)
    assert told["text"] == "the whole"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ({"output": "out", "metadata": {}}, "out"),
        ({"stdout": "a", "stderr": "b", "output": ""}, "a\nb"),
        ({"formatted_output": "f", "stdout": "raw"}, "f"),
        ({"error": {"message": "denied"}}, "denied"),
        ({"error": "aborted"}, "aborted"),
    ],
)
def test_output_falls_back_to_what_agents_put_into_raw_output(raw, text) -> None:
    talk = prompted()
    _tool(talk, kind="read")
    facts = _progress(talk, "failed", rawOutput=raw)
    assert events(facts, EventType.COMMAND_OUTPUT) == [{"tool_call_id": "t1", "text": text}]


def test_no_output_makes_no_event() -> None:
    talk = prompted()
    _tool(talk, kind="read")
    assert kinds(_progress(talk, "completed", rawOutput={"stdout": ""})) == [EventType.TOOL_CALL]


def test_a_diff_is_told_once_per_call_path_and_text() -> None:
    talk = prompted()
    facts = _tool(talk, "pending", kind="edit", content=[_diff("new", "old")])
    assert events(facts, EventType.DIFF) == [
        {"tool_call_id": "t1", "path": "/p/a", "old_text": "old", "new_text": "new"}
    ]
    assert events(facts, EventType.TOOL_CALL)[0]["content"] == [{"type": "diff", "path": "/p/a"}]
    assert events(_progress(talk, content=[_diff("new", "old")]), EventType.DIFF) == []
    other = _progress(talk, content=[_diff("newer", "old"), _diff("new", path="/p/b")])
    assert [d["path"] for d in events(other, EventType.DIFF)] == ["/p/a", "/p/b"]
    assert events(other, EventType.DIFF)[1]["old_text"] is None


def test_unknown_tool_content_is_kept() -> None:
    content = [{"type": "hologram", "someKey": 1}, {"type": "terminal", "terminalId": "x"}]
    (told,) = events(_tool(prompted(), content=content))
    assert told["content"] == [
        {"type": "hologram", "some_key": 1},
        {"type": "terminal", "terminal_id": "x"},
    ]


class TestUnasked:
    """C4: what the agent did without asking is marked in the trace."""

    @pytest.mark.parametrize("kind", ["execute", "edit", "delete", "move"])
    def test_a_call_that_completes_unasked_is_marked(self, kind: str) -> None:
        talk = prompted()
        assert "unasked" not in events(_tool(talk, "in_progress", kind=kind))[0]
        assert events(_progress(talk, "completed"))[0]["unasked"] is True
        assert "unasked" not in events(_progress(talk, "completed"))[0]

    @pytest.mark.parametrize("kind", ["read", "search", "think", "fetch", "other"])
    def test_calls_that_change_nothing_are_not_marked(self, kind: str) -> None:
        talk = prompted()
        assert "unasked" not in events(_tool(talk, "completed", kind=kind))[0]

    def test_in_progress_is_not_enough_because_agents_say_so_and_then_ask(self) -> None:
        talk = prompted()
        _tool(talk, "in_progress", kind="execute")
        talk.ask()
        assert "unasked" not in events(_progress(talk, "completed"))[0]

    def test_output_while_running_is_enough(self) -> None:
        talk = prompted()
        _tool(talk, "in_progress", kind="execute")
        (told,) = events(_progress(talk, "in_progress", rawOutput={"output": "x"}))
        assert told["unasked"] is True

    def test_a_call_that_failed_counts_if_it_had_begun_and_nobody_cancelled(self) -> None:
        talk = prompted()
        assert "unasked" not in events(_tool(talk, "failed", kind="execute"))[0]
        _tool(talk, "in_progress", kind="execute", toolCallId="t2")
        facts = _progress(talk, "failed", toolCallId="t2")
        assert events(facts)[0]["unasked"] is True
        _tool(talk, "in_progress", kind="execute", toolCallId="t3")
        talk.driver.cancel()
        facts = _progress(talk, "failed", toolCallId="t3")
        assert "unasked" not in events(facts)[0]

    def test_a_file_or_terminal_request_of_the_turn_counts_as_asking(self) -> None:
        talk = prompted()
        params = {"sessionId": SESSION, "path": "/p/a", "content": ""}
        talk.request(1, "fs/write_text_file", params)
        assert "unasked" not in events(_tool(talk, "completed", kind="edit"))[0]
        facts = _tool(talk, "completed", kind="execute", toolCallId="t2")
        assert events(facts)[0]["unasked"] is True
        talk.request(2, "terminal/create", {"sessionId": SESSION, "command": "ls"})
        facts = _tool(talk, "completed", kind="execute", toolCallId="t3")
        assert "unasked" not in events(facts)[0]

    def test_a_call_that_was_asked_for_may_end_after_its_turn(self) -> None:
        """agents.md 4: both codex agents let the command finish after a cancel."""
        talk = prompted()
        talk.ask(kind="execute")
        talk.driver.cancel()
        talk.result({"stopReason": "cancelled"})
        assert "unasked" not in events(_progress(talk, "completed", kind="execute"))[0]


def test_tool_calls_are_forgotten_when_their_turn_ends() -> None:
    talk = prompted()
    _tool(talk, "completed", kind="read")
    talk.result({"stopReason": "end_turn"})
    assert talk.driver.to_state()["conversation"]["tools"] == {}


def test_an_unfinished_call_is_known_for_one_more_turn() -> None:
    talk = prompted()
    _tool(talk, "in_progress", kind="read")
    talk.result({"stopReason": "cancelled"})
    assert events(_progress(talk, "in_progress"))[0]["title"] == "Tool"
    talk.prompt("more", "cmd_2")
    talk.result({"stopReason": "end_turn"})
    assert talk.driver.to_state()["conversation"]["tools"] == {}


def test_a_finished_call_leaves_nothing_big_in_the_state() -> None:
    talk = prompted()
    big = "x" * 100_000
    _tool(talk, kind="edit", rawInput={"content": big}, content=[_diff(big), _text(big)])
    _progress(talk, "completed", rawOutput=big)
    assert len(str(talk.driver.to_state())) < 5_000


def test_a_plan_is_told_whole() -> None:
    entry = {"content": "step", "priority": "high", "status": "pending", "_meta": {"x": 1}}
    facts = prompted().update("plan", entries=[entry])
    assert kinds(facts) == [EventType.PLAN]
    told = {"content": "step", "priority": "high", "status": "pending"}
    assert events(facts) == [{"entries": [told]}]


def test_usage_is_told_when_it_changes() -> None:
    talk = prompted()
    usage = {"used": 5, "size": 10, "cost": {"amount": 0.5, "currency": "EUR"}}
    facts = talk.update("usage_update", **usage)
    assert events(facts, EventType.USAGE) == [usage]
    assert SessionInfo(usage=usage) in facts
    assert talk.update("usage_update", **usage) == []
    assert kinds(talk.update("usage_update", used=6, size=10)) == [EventType.USAGE]


def test_a_title_commands_and_options_are_told_and_update_the_session() -> None:
    talk = prompted()
    facts = talk.update("session_info_update", title="Fix it")
    assert events(facts, EventType.BACKEND_STATUS) == [{"title": "Fix it"}]
    assert SessionInfo(title="Fix it") in facts
    command = {"name": "review", "description": "look", "input": {"hint": "x"}}
    facts = talk.update("available_commands_update", availableCommands=[command])
    told = [{"name": "review", "description": "look"}]
    assert events(facts) == [{"available_commands": told}]
    assert SessionInfo(commands=told) in facts
    option = {"id": "mode", "name": "Mode", "category": "mode", "type": "select"}
    option |= {"currentValue": "plan", "options": [{"value": "plan", "name": "Plan"}]}
    facts = talk.update("config_option_update", configOptions=[option])
    assert events(facts, EventType.MODE)[0]["config_options"][0]["current_value"] == "plan"
    assert of(facts, SessionInfo) == [SessionInfo(mode="plan")]


def test_an_unknown_kind_is_kept_whole() -> None:
    facts = prompted().update("dance_update", steps=[1, 2])
    (kept,) = events(facts, EventType.OTHER)
    assert kept["method"] == "session/update"
    assert kept["params"]["update"] == {"sessionUpdate": "dance_update", "steps": [1, 2]}


def test_a_malformed_update_is_an_error_and_kept_whole() -> None:
    facts = prompted().update("usage_update", used="many")
    assert kinds(facts) == [EventType.ERROR, EventType.OTHER]
    error, kept = events(facts)
    assert error["where"] == "session/update"
    assert "used" in error["message"]
    assert kept["params"]["update"]["used"] == "many"


def test_an_update_for_another_session_is_kept_with_a_note() -> None:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x"}}
    params = {"sessionId": "someone-else", "update": update}
    (kept,) = events(prompted().notify("session/update", params), EventType.OTHER)
    assert kept["params"] == params
    assert "another session" in kept["note"]


@pytest.mark.parametrize("params", [None, [], "x", {}, {"sessionId": 5}, {"sessionId": SESSION}])
def test_an_update_without_its_parts_is_an_error_and_kept(params: Any) -> None:
    facts = prompted().notify("session/update", params)
    assert kinds(facts) == [EventType.ERROR, EventType.OTHER]


def test_unknown_notifications_are_kept_whole() -> None:
    """agents.md 8"""
    facts = prompted().notify("qwen/notify/x", {"a": [1]})
    assert kinds(facts) == [EventType.OTHER]
    assert events(facts) == [{"method": "qwen/notify/x", "params": {"a": [1]}}]
