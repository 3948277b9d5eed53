"""What an open screen does when the supervisor goes away."""

import asyncio
import sys

import pytest

from tests.support.deckhouse import Deckhouse, session_in
from tests.support.tmux import Terminal
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


async def test_the_screen_survives_a_kill_and_respects_down(deckhouse: Deckhouse) -> None:
    """A killed supervisor is started again by the screen; `qd down` is not undone by it."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello from the agent", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    qd = [sys.executable, "-m", "quarterdeck"]
    with Terminal(qd, width=110, height=30, env=deckhouse.environment) as terminal:
        await asyncio.to_thread(terminal.wait_for, "hello from the agent")
        first = deckhouse.supervisor_pid()
        deckhouse.kill_supervisor()
        await asyncio.to_thread(eventually, lambda: deckhouse.supervisor_pid() != first)
        # That it is connected to this one is told by what only this one can tell.
        deck = await deckhouse.deck()
        await deck.rename(ids["session_id"], "told by the second")
        await asyncio.to_thread(
            terminal.wait_for,
            lambda screen: "✓ supervisor" in screen and "told by the second" in screen,
        )
        await asyncio.to_thread(deckhouse.qd, "down")
        shown = await asyncio.to_thread(terminal.wait_for, "supervisor gone")
        assert "hello from the agent" in shown, "what was known stays on the screen"
        eventually(lambda: not deckhouse.places.socket.exists(), what="no socket is left")
        deck = await deckhouse.deck()
        await asyncio.to_thread(terminal.wait_for, "✓ supervisor")
        terminal.send_keys("q")
        assert await asyncio.to_thread(terminal.wait_exit) == 0
