"""Checkpoints, approval mode, the agent's mode and model, usage, by keys (C2, C4)."""

import pytest

from quarterdeck.tui.offered import Offer, offers
from quarterdeck.tui.screens.main import MainScreen
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, ago, session

INFO = {
    "modes": {
        "current_mode_id": "build",
        "available_modes": [
            {"id": "build", "name": "Build"},
            {"id": "plan", "name": "Plan\x1b[1m"},
        ],
    },
    "models": {"available_models": [{"model_id": "large", "name": "Large one"}]},
}


def one(**changes: object) -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    box.add(session(1, title="Alpha", **changes), [])
    return box


async def test_c2_checkpoints_are_listed_saved_loaded_and_forgotten():
    box = one()
    sid = box.sessions[0].session_id
    point = {
        "session_id": sid,
        "name": "before \x1b[31m",
        "run_id": "run_1",
        "seq": 9,
        "at": ago(60),
    }
    made = {"session_id": sid, "run_id": "run_2", "command_id": None}
    box.answers |= {
        "checkpoint.list": {"checkpoints": [point]},
        "checkpoint.save": point | {"name": "good"},
        "checkpoint.delete": {},
        "session.fork": made,
    }
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("C")
        await until_shown(pilot, "Checkpoints of Alpha")
        await until_shown(pilot, "before \\x1b[31m")
        await pilot.press("s", *"good", "enter")
        await until(pilot, lambda: box.called("checkpoint.save"))
        await pilot.press("x")
        await until_shown(pilot, "cannot be named again")
        await pilot.press("y")
        await until(pilot, lambda: box.called("checkpoint.delete"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert box.called("checkpoint.save") == [{"session_id": sid, "name": "good"}]
    assert box.called("checkpoint.delete")[0]["name"] == point["name"]
    assert box.called("session.fork")[0]["checkpoint"] == point["name"]


async def test_c2_escape_leaves_the_line_first_and_then_the_checkpoints():
    box = one()
    box.answers["checkpoint.list"] = {"checkpoints": []}
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("C")
        await until_shown(pilot, "No checkpoint yet")
        await pilot.press("s", *"nam", "escape")
        await until_hidden(pilot, "nam")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert not box.called("checkpoint.save")


async def test_c2_the_line_that_names_a_checkpoint_names_its_keys_and_no_others():
    box = one()
    box.answers["checkpoint.list"] = {"checkpoints": []}
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("C")
        await until_shown(pilot, "s save")
        await pilot.press("s")
        await until_shown(pilot, "enter save   esc give up")
        assert "s save" not in screen_text(pilot.app)
        await pilot.press("escape")
        await until_shown(pilot, "s save")
        assert "give up" not in screen_text(pilot.app)


async def test_c2_the_line_that_edits_a_queued_prompt_names_its_keys_and_no_others():
    box = one(queued=1)
    waiting = {"command_id": "cmd_1", "session_id": box.sessions[0].session_id, "run_id": None}
    waiting |= {"kind": "turn", "state": "pending", "created_at": ago(60), "text": "Then this"}
    box.answers |= {"session.queue": {"commands": [waiting]}, "command.edit": waiting}
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("Q")
        await until_shown(pilot, "Then this")
        assert "x take back" in screen_text(pilot.app)
        for leaving in ("escape", "enter"):
            await pilot.press("e")
            await until_shown(pilot, "enter save   esc give up")
            assert "take back" not in screen_text(pilot.app)
            await pilot.press(*"!", leaving)
            await until_shown(pilot, "x take back")
            assert "give up" not in screen_text(pilot.app)
        await until(pilot, lambda: box.called("command.edit"))
    assert box.called("command.edit")[0]["text"] == "Then this!"


async def test_c4_the_approval_mode_is_chosen_from_those_there_are():
    box = one(approval_mode="trusted")
    box.answers["session.set_approval_mode"] = {}
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("E")
        await until_shown(pilot, "read_only")
        await until_shown(pilot, "known to only read")
        await pilot.press("down", "enter")
        await until(pilot, lambda: box.called("session.set_approval_mode"))
    assert box.called("session.set_approval_mode")[0]["mode"] == "read_only"


@pytest.mark.parametrize(
    ("keys", "method", "asked"),
    [
        (["down"], "session.set_mode", {"mode": "plan"}),
        (["down", "down"], "session.set_model", {"model": "large"}),
    ],
)
async def test_a_mode_or_model_that_the_agent_offers_is_asked_for(
    keys: list[str], method: str, asked: dict[str, str]
):
    box = one(mode="build")
    sid = box.sessions[0].session_id
    run = {"run_id": "run_1", "session_id": sid, "number": 1, "state": "running"}
    box.answers["session.runs"] = {
        "runs": [run | {"last_event_seq": 1, "created_at": ago(9), "agent_info": INFO}]
    }
    box.answers[method] = {
        "command_id": "cmd_1",
        "session_id": sid,
        "run_id": None,
        "kind": "set_mode",
        "state": "pending",
        "created_at": ago(1),
    }
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("T")
        await until_shown(pilot, "Plan\\x1b[1m")
        await pilot.press(*keys, "enter")
        await until(pilot, lambda: box.called(method))
    assert box.called(method)[0].items() >= asked.items()


async def test_an_agent_without_modes_is_told_of():
    box = one()
    box.answers["session.runs"] = {"runs": []}
    async with app_of(box).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("T")
        await until_shown(pilot, "offered no modes")


async def test_usage_is_added_up_by_what_is_asked():
    box = one()
    sid = box.sessions[0].session_id
    line = {
        "turns": 3,
        "input_tokens": 1000,
        "output_tokens": 234,
        "cached_tokens": 0,
        "total_tokens": 1234,
        "cost": {"USD": 0.25},
        "at": ago(60),
        "session_id": sid,
        "session_title": "Alpha \x1b[31m",
    }
    box.answers["usage.report"] = {"usage": [line], "cursor": None}
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("dollar_sign")
        await until_shown(pilot, "1,234")
        await until_shown(pilot, "0.2500 USD")
        await until_shown(pilot, "Alpha \\x1b[31m")
        await pilot.press("d")
        await until_shown(pilot, "Usage by day")
        await pilot.press("t")
        await until_shown(pilot, "Usage by turn of “Alpha”")
        await until(pilot, lambda: len(box.called("usage.report")) == 3)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    asked = box.called("usage.report")
    assert [call["by"] for call in asked] == ["session", "day", "turn"]
    assert asked[2]["session_id"] == sid


def test_only_offers_are_taken_from_what_an_agent_said():
    told = {
        "modes": {"available_modes": [{"id": "a"}, {"name": "no id"}, 7, {"id": 8}]},
        "models": ["x"],
        "config_options": [
            {"category": "model", "options": [{"value": "m", "name": "M"}]},
            {"category": "other", "options": [{"value": "o"}]},
            None,
        ],
    }
    assert offers(told) == [Offer("mode", "a", "a"), Offer("model", "m", "M")]
    assert offers(None) == offers({}) == []
