"""Driving the app in tests: what is on the screen, and waiting until something is."""

import time
from collections.abc import Callable

from textual.app import App
from textual.pilot import Pilot

WITHIN_S = 60.0


def screen_text(app: App[None]) -> str:
    """Return what the top screen shows, one line a row."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[None], condition: Callable[[], object], what: str = "") -> None:
    """Wait until `condition()` is truthy, and show the screen if it never is."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {what or condition}\n{screen_text(pilot.app)}")
        await pilot.pause(0.01)


async def until_shown(pilot: Pilot[None], text: str) -> None:
    """Wait until `text` is on the screen."""
    await until(pilot, lambda: text in screen_text(pilot.app), f"{text!r} on the screen")


async def until_hidden(pilot: Pilot[None], text: str) -> None:
    """Wait until `text` is no longer on the screen."""
    await until(pilot, lambda: text not in screen_text(pilot.app), f"{text!r} gone")
