"""The recorded conversations of real agents, played against the driver."""

import pytest

from quarterdeck.agents.acp.facts import PermissionAsked, Ready, StartFailed, TurnEnded
from quarterdeck.model.approval_text import subject
from quarterdeck.model.event_types import EventType
from tests.agents.acp.replay import TRANSCRIPTS, Replay, every_permission, replays

EXPECTED = {
    "codex-zed.basic": {
        "assistant_message": 23,
        "backend_status": 1,
        "command_output": 2,
        "diff": 1,
        "terminal_status": 4,
        "thought": 6,
        "tool_call": 4,
        "usage": 1,
    },
    "opencode.basic": {
        "assistant_message": 23,
        "backend_status": 1,
        "command_output": 3,
        "diff": 1,
        "terminal_status": 4,
        "thought": 5,
        "tool_call": 10,
        "usage": 1,
    },
    "opencode.cancel": {
        "assistant_message": 28,
        "backend_status": 1,
        "command_output": 3,
        "terminal_status": 9,
        "tool_call": 9,
        "usage": 8,
    },
    "qwen.basic": {
        "assistant_message": 23,
        "backend_status": 1,
        "command_output": 2,
        "diff": 1,
        "mode": 1,
        "other": 10,
        "terminal_status": 4,
        "thought": 5,
        "tool_call": 6,
    },
    "sdk-ts.basic": {
        "assistant_message": 12,
        "command_output": 4,
        "terminal_status": 4,
        "tool_call": 15,
    },
    "vibe.basic": {
        "assistant_message": 13,
        "backend_status": 3,
        "command_output": 2,
        "diff": 1,
        "terminal_status": 4,
        "thought": 3,
        "tool_call": 6,
        "usage": 2,
    },
}

WIDE = {"always", "approved-execpolicy-amendment", "allow_always"}


def _only(name: str) -> Replay:
    (replay,) = replays(name)
    return replay


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_every_line_is_understood(name: str) -> None:
    for replay in replays(name):
        complaints = {
            event["where"] for event in replay.events(EventType.ERROR) if event["where"] != "answer"
        }
        assert complaints <= {"session/set_mode"}


@pytest.mark.parametrize("name", EXPECTED)
def test_events_are_counted(name: str) -> None:
    assert _only(name).counts() == EXPECTED[name]


@pytest.mark.parametrize("name", ["codex-zed.basic", "opencode.basic", "qwen.basic", "vibe.basic"])
def test_text_is_whole_and_in_order(name: str) -> None:
    text = _only(name).text()
    assert text.startswith("I will run a command now. done")
    assert text.endswith("I have thought.")


@pytest.mark.parametrize("name", ["codex-zed.basic", "opencode.basic", "qwen.basic", "vibe.basic"])
def test_the_written_file_is_told_as_one_diff(name: str) -> None:
    (diff,) = _only(name).events(EventType.DIFF)
    assert diff["path"].endswith("/proof_w.txt")
    assert diff["new_text"] == "stub was here\n"


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_decisions_choose_once_options(name: str) -> None:
    """agents.md 16, 18: where the recorded client said always, ours says once."""
    for replay in replays(name):
        for recorded, own in replay.chosen:
            assert own not in WIDE
            assert own == recorded or recorded in WIDE


@pytest.mark.parametrize("name", [name for name in TRANSCRIPTS if ".cancel" in name])
def test_cancelled_turns_end_cancelled_and_the_session_goes_on(name: str) -> None:
    reasons = [turn.stop_reason for turn in _only(name).of(TurnEnded)]
    assert reasons == ["cancelled", "end_turn"] * 4 + ["end_turn"]


@pytest.mark.parametrize("name", ["codex-zed.errors", "opencode.errors"])
def test_model_errors_end_turns_with_a_reason(name: str) -> None:
    turns = _only(name).of(TurnEnded)
    assert all((turn.error is None) == (turn.stop_reason == "end_turn") for turn in turns)
    assert any("401" in (turn.error or "") for turn in turns)


@pytest.mark.parametrize("agent", ["codex-zed", "opencode", "vibe"])
@pytest.mark.parametrize("scenario", ["kill", "killperm", "killcmd"])
def test_a_restart_loads_and_resumes_and_counts_the_replay(agent: str, scenario: str) -> None:
    first, loaded, resumed = replays(f"{agent}.{scenario}")
    assert first.ready.via == "new"
    assert loaded.ready.via == "load"
    assert loaded.ready.info["replayed"] >= 3
    assert resumed.ready.via == ("load" if agent == "vibe" else "resume")
    assert {r.ready.agent_session_id for r in (first, loaded, resumed)} == {
        first.ready.agent_session_id
    }
    assert loaded.text().startswith("loaded fine")
    assert loaded.events(EventType.USER_MESSAGE) == []


def test_an_agent_that_cannot_load_fails_the_start() -> None:
    for replay in replays("sdk-ts.kill")[1:]:
        assert replay.of(Ready) == []
        assert replay.of(StartFailed) == [StartFailed("agent cannot load sessions", False)]


def test_only_what_was_not_asked_is_marked_unasked() -> None:
    """C4: vibe starts in a mode that edits without asking."""
    unasked = {
        (name, event["title"])
        for name in ("opencode.basic", "codex-zed.basic", "qwen.basic", "vibe.basic")
        for event in _only(name).events(EventType.TOOL_CALL)
        if event.get("unasked")
    }
    assert unasked == {("vibe.basic", "Writing proof_w.txt")}


def test_every_permission_shows_the_exact_command_or_edit() -> None:
    asked = every_permission()
    assert len(asked) == 66
    for name, permission in asked:
        text, call = subject(permission.payload), permission.payload["tool_call"]
        raw = call["raw_input"]
        if call["kind"] == "execute":
            command = raw["command"] if isinstance(raw["command"], str) else raw["command"][-1]
            assert command.split()[0] in ("touch", "mkdir"), name
            assert command in text.splitlines()[0], name
        elif name.startswith("sdk-ts"):
            assert '{"database": {"host": "new-host"}}' in text
            assert "/home/user/project/config.json" in text
        else:
            assert "+stub was here" in text.splitlines(), name
            assert "/proof_w.txt" in text
        assert permission.payload["cwd"].startswith("/scratch/scratch/"), name
        kinds = [option["kind"] for option in permission.payload["options"]]
        assert {"allow_once", "reject_once"} <= set(kinds), name


def test_a_permission_is_asked_under_the_agents_own_id() -> None:
    """agents.md 7: ids start at 0, one agent uses UUIDs."""
    ids = {name: _only(name).of(PermissionAsked)[0].request_id for name in EXPECTED}
    assert ids["opencode.basic"] == 0
    assert isinstance(ids["codex-zed.basic"], str)
