"""Agent text in every place of the screen: nothing of it is markup or an escape (DESIGN §5)."""

import dataclasses

import pytest
from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean
from quarterdeck.tui.line_filter import UnsafeTextFilter
from tests.support.piloting import screen_text, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, approval, event, session, shell

BAD = "[/b][@click=app.quit]X[/] \x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\u200b\ue000 end"


def hostile_box() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    box.profiles = [{"name": BAD, "command": [BAD], "found": True}]
    view = session(
        1,
        title="T " + BAD,
        agent=BAD,
        cwd="/" + BAD,
        state="failed_needs_human",
        attention="failed",
        failure=BAD,
        failure_kind=BAD,
        open_approvals=1,
    )
    box.add(
        view,
        [
            event(view, 1, "user_message", text=BAD),
            event(view, 2, "assistant_message", message_id="m", text=BAD),
            event(view, 3, "command_output", tool_call_id=BAD, text=BAD),
            event(view, 4, "diff", path=BAD, old_text=BAD, new_text=BAD + "\n" + BAD),
            event(view, 5, "error", message=BAD),
            event(view, 6, BAD, anything=BAD),
            event(view, 7, "tool_call", title=BAD, kind=BAD, status=BAD, tool_call_id=BAD),
        ],
    )
    shown = approval(1, view, shell(BAD, other=BAD), title=BAD, reason=BAD, matched_rule=BAD)
    box.ask(dataclasses.replace(shown, state="pending"))
    waiting = {"command_id": "cmd_1", "session_id": view.session_id, "run_id": None, "text": BAD}
    waiting |= {"kind": "turn", "state": "pending", "created_at": view.created_at}
    box.answers["session.queue"] = {"commands": [waiting]}
    return box


def assert_safe(pilot: Pilot[None]) -> None:
    for line in screen_text(pilot.app).split("\n"):
        assert clean(line) == line


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_no_place_lets_hostile_text_through(size: tuple[int, int]):
    app = app_of(hostile_box())
    app.get_line_filters = list  # without the last guard the first layer stands alone
    async with app.run_test(size=size) as pilot:
        await until_shown(pilot, "1 approval waits")
        await until_shown(pilot, "failed (")
        assert_safe(pilot)
        assert "[/b][@click=app.quit]X[/]" in screen_text(pilot.app)
        for keys in (("2", "tab"), ("enter",), ("escape", "escape"), ("X",), ("escape",), ("c",)):
            await pilot.press(*keys)
            await pilot.pause()
            assert_safe(pilot)
        await pilot.press("escape", "a")
        await until_shown(pilot, "exact text")
        assert_safe(pilot)
        assert "invisible or misleading" in screen_text(pilot.app)
        assert "\\u202e" in screen_text(pilot.app)
        for keys in (("escape", "I"), ("D",), ("escape",), ("escape", "R"), ("escape", "Q")):
            await pilot.press(*keys)
            await pilot.pause()
            assert_safe(pilot)
            assert "[@click=app.quit]" in screen_text(pilot.app)


def test_the_last_guard_comes_before_every_other_filter():
    first, *_ = app_of(hostile_box()).get_line_filters()
    assert isinstance(first, UnsafeTextFilter)


async def test_an_error_message_is_no_markup():
    box = hostile_box()
    box.refusals["cancel"] = [QuarterdeckError("internal", BAD)]
    box.refusals["send"] = [QuarterdeckError("internal", BAD)]
    async with app_of(box).run_test(size=(160, 40), notifications=True) as pilot:
        await until_shown(pilot, "1 approval waits")
        await pilot.press("x")
        await until_shown(pilot, "report it")
        assert_safe(pilot)
        await pilot.press("i", "y", "enter")
        await until_shown(pilot, "not sent: ")
        assert_safe(pilot)
