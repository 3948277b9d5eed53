"""DESIGN §7: an idle screen writes nothing to the terminal; what it wears fits the terminal."""

import asyncio
import json
import re
import stat
import sys

import pytest

from tests.support.deckhouse import Deckhouse, session_in
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

QUIET_S = 3.0
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


def screen(deckhouse: Deckhouse, **env: str) -> Terminal:
    command = [sys.executable, "-m", "quarterdeck"]
    return Terminal(command, env={**deckhouse.environment, **env}, size=(120, 30))


def quiet(terminal: Terminal) -> bool:
    """Tell whether nothing is written for a while, once what was asked for has been drawn."""
    terminal.settle()
    return any(not terminal.read(QUIET_S) for _ in range(5))


async def test_an_idle_screen_writes_no_byte(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say all is done")
    await session_in(deck, ids["session_id"], "idle")

    def look() -> None:
        terminal = screen(deckhouse)
        try:
            terminal.until("all is done", "supervisor")
            assert quiet(terminal)
            terminal.press("i")  # a cursor that blinks would write
            assert quiet(terminal)
            terminal.press("\x1b")
            terminal.until("enter open")
            terminal.press("bO")
            terminal.until("grouped by project", "by last activity")
            assert quiet(terminal)
            terminal.press("q")
            assert terminal.wait_exit() == 0
        finally:
            terminal.close()

    await asyncio.to_thread(look)
    kept = deckhouse.places.state / "screen.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["grouping"] == "project"


async def test_without_colour_and_unicode_no_byte_of_either_is_written(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say naïve 漢字 ✗")
    await session_in(deck, ids["session_id"], "idle")

    def look() -> None:
        terminal = screen(deckhouse, NO_COLOR="1", LC_ALL="C")
        try:
            terminal.until("na?ve ????", "supervisor")
            terminal.press("?")
            terminal.until("Sessions and panes")
            terminal.settle()
            assert COLOUR.findall(bytes(terminal.written)) == []
            assert bytes(terminal.written).isascii()
        finally:
            terminal.close()

    await asyncio.to_thread(look)
