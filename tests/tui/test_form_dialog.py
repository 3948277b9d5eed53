"""Filling in a form an agent asks for, by keys, against a scripted supervisor (C5, DESIGN §5)."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from textual.pilot import Pilot

from quarterdeck.model.forms import described, fields_of
from quarterdeck.tui.dialogs.form import FormDialog
from quarterdeck.tui.screens.inbox import InboxScreen
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import SteppedClock, app_of
from tests.support.scripted_deck import ScriptedSupervisor, approval, session

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "branch": {"type": "string", "title": "Branch", "enum": ["main", "next"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 5},
        "[@click=app.quit]note": {"type": "string", "title": "A note \x1b]2;x\x07[b]bold"},
        "push": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}},
    },
    "required": ["branch", "count"],
}


def a_form() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    waiting = box.add(session(1, title="Release", attention="waiting", state="waiting"))
    text = described("Which release shall I make?", fields_of(SCHEMA))
    payload: dict[str, object] = {"kind": "elicitation", "text": text, "schema": SCHEMA}
    payload["order"] = list(SCHEMA["properties"])
    box.ask(approval(1, waiting, payload, kind="elicitation", title="Which release?"))
    return box


@contextlib.asynccontextmanager
async def form_on(
    box: ScriptedSupervisor, size: tuple[int, int] = (80, 30)
) -> AsyncIterator[tuple[Pilot[None], SteppedClock]]:
    clock = SteppedClock()
    async with app_of(box, clock).run_test(size=size) as pilot:
        await until_shown(pilot, "a answer")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormDialog))
        await until_shown(pilot, "Branch *")
        await pilot.press("end")
        await pilot.pause()
        clock.now += 1
        yield pilot, clock


async def test_a_form_is_filled_in_and_sent_by_keys_alone():
    box = a_form()
    async with form_on(box) as (pilot, _):
        await pilot.press("enter", "right", "right")
        await until_shown(pilot, "‹ next ›")
        await pilot.press("tab", "3", "enter", *"hello", "tab", "space", "tab", *"a, c", "escape")
        await pilot.press("a")
        await until(pilot, lambda: box.called("decide"))
    (call,) = box.called("decide")
    assert call["action"] == "approve"
    assert call["content"] == {
        "branch": "next",
        "count": 3,
        "[@click=app.quit]note": "hello",
        "push": True,
        "tags": ["a", "c"],
    }


async def test_what_does_not_fit_is_not_sent_and_said():
    box = a_form()
    async with form_on(box) as (pilot, _):
        await pilot.press("a")
        await until_shown(pilot, "Branch: is required")
        await pilot.press("enter", "right", "tab", "9", "ctrl+g")
        await until_shown(pilot, "at most 5")
        await pilot.press("backspace", "x", "ctrl+g")
        await until_shown(pilot, "is no integer")
    assert box.called("decide") == []


async def test_nothing_is_chosen_for_the_person_and_labels_are_only_text():
    box = a_form()
    async with form_on(box) as (pilot, _):
        shown = screen_text(pilot.app)
        assert shown.count("‹ – ›") == 2
        assert "[b]bold" in shown
        assert "\x1b" not in shown


async def test_a_form_is_declined_or_left():
    for key, action in (("d", "deny"), ("x", "abort")):
        box = a_form()
        async with form_on(box) as (pilot, _):
            await pilot.press(key)
            await until(pilot, lambda box=box: box.called("decide"))
        assert box.called("decide")[0]["action"] == action
    box = a_form()
    async with form_on(box) as (pilot, _):
        await pilot.press("enter", "escape", "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, FormDialog))
    assert box.called("decide") == []


async def test_the_inbox_sends_a_person_to_the_form():
    box = a_form()
    clock = SteppedClock()
    async with app_of(box, clock).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "a answer")
        await pilot.press("I")
        await until(pilot, lambda: isinstance(pilot.app.screen, InboxScreen))
        await until_shown(pilot, "form to fill in")
        await pilot.pause()
        clock.now += 1
        await pilot.press("a")
        await until_shown(pilot, "a form has its own answers")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormDialog))
    assert box.called("decide") == []
