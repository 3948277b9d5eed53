"""Keys that arrive together do what they do one by one: no letter of a text is an action."""

import asyncio

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from quarterdeck.tui import turns
from quarterdeck.tui.screens.inbox import InboxScreen
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from tests.support.piloting import WITHIN_S, until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor

NAMES = {"/": "slash", "\n": "enter", " ": "space"}


def type_at_once(pilot: Pilot[None], *keys: str) -> None:
    """Put keys into the terminal as one piece, as a slow line brings them."""
    for key in keys:
        name = NAMES.get(key, key)
        pilot.app.post_message(events.Key(name, key if len(key) == 1 else None))


def six() -> ScriptedSupervisor:
    box = deck_of_six()
    box.answers["session.rename"] = box.sessions[0].to_wire()
    return box


def acted(box: ScriptedSupervisor) -> list[str]:
    """Return what was done to sessions: everything that only a key would do."""
    doing = {"cancel", "send", "close", "mark_read", "session.archive", "session.delete"}
    doing |= {"session.rename", "session.pin", "session.fork", "session.mark_unread"}
    return [method for method, _ in box.calls if method in doing]


@pytest.mark.parametrize("again", range(3))
async def test_a_filter_takes_every_letter_after_its_key(again: int):
    box = six()
    async with app_of(box).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        type_at_once(pilot, *"/xArP#", "u", "X")
        line = pilot.app.screen.query_one("#list-filter", Input)
        await until(pilot, lambda: line.value == "xArP#uX")
        assert isinstance(pilot.app.screen, MainScreen)
    assert acted(box) == []


async def test_a_prompt_takes_every_letter_after_its_key_and_is_sent():
    box = six()
    async with app_of(box).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        type_at_once(pilot, "i", *"xA q#", "\n")
        await until(pilot, lambda: box.called("send"))
        assert isinstance(pilot.app.focused, PromptEditor)
    assert [call["text"] for call in box.called("send")] == ["xA q#"]
    assert acted(box) == ["send"]


async def test_what_is_typed_while_a_prompt_is_on_its_way_is_the_next_prompt():
    box = six()
    async with app_of(box).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        type_at_once(pilot, "i", *"one", "\n", *"two", "\n", *"left")
        await until(pilot, lambda: len(box.called("send")) == 2)
        editor = pilot.app.screen.query_one(PromptEditor)
        await until(pilot, lambda: editor.text == "left")
    assert [call["text"] for call in box.called("send")] == ["one", "two"]


async def test_a_dialog_that_a_key_opens_takes_what_is_typed_after_it():
    box = six()
    async with app_of(box).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        type_at_once(pilot, "R", *"xq!", "\n")
        await until(pilot, lambda: box.called("session.rename"))
    (renamed,) = box.called("session.rename")
    assert renamed["title"].endswith("xq!")
    assert acted(box) == ["session.rename"]


async def test_a_machine_that_stands_still_lets_no_letter_past_the_dialog_it_is_for(
    monkeypatch: pytest.MonkeyPatch,
):
    loop = asyncio.get_running_loop()
    real, load = loop.time, App._load_screen_css

    def load_for_an_hour(app: App[None], screen: Screen[None]) -> None:
        load(app, screen)
        stood_still = 3600
        monkeypatch.setattr(loop, "time", lambda: real() + stood_still)

    box = six()
    async with app_of(box).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        monkeypatch.setattr(App, "_load_screen_css", load_for_an_hour)
        type_at_once(pilot, "R", *"xq!", "\n")
        await until(pilot, lambda: box.called("session.rename"))
    (renamed,) = box.called("session.rename")
    assert renamed["title"].endswith("xq!")
    assert acted(box) == ["session.rename"]


async def test_a_widget_that_never_gets_on_holds_the_keys_back_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(turns, "TURN_S", 0.001)
    for_ever = asyncio.Event()
    async with app_of(six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        pilot.app.screen.call_later(for_ever.wait)
        type_at_once(pilot, "ctrl+p", *"theme")
        release = asyncio.get_running_loop().call_later(WITHIN_S, for_ever.set)
        while not (isinstance(line := pilot.app.focused, Input) and line.value == "theme"):
            assert not for_ever.is_set()
            await asyncio.sleep(0)
        release.cancel()
        for_ever.set()


async def test_keys_come_to_the_screen_that_an_earlier_one_opened():
    async with app_of(six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        type_at_once(pilot, "I", "slash", *"kubectl")
        await until(pilot, lambda: isinstance(pilot.app.screen, InboxScreen))
        await until_shown(pilot, "exact text")
        line = pilot.app.screen.query_one("#inbox-line", Input)
        await until(pilot, lambda: line.value == "kubectl")


async def test_a_paste_comes_after_the_key_that_opened_its_field():
    async with app_of(six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        type_at_once(pilot, "/")
        pilot.app.post_message(events.Paste("staging"))
        line = pilot.app.screen.query_one("#list-filter", Input)
        await until(pilot, lambda: line.value == "staging")
