"""How long a key takes to become a committed decision that the agent has read."""

import asyncio

from tests.bench.measured import Limit, Row, row
from tests.bench.pty_screen import PtyScreen
from tests.bench.stage import Setting, Stage, stage
from tests.support.waiting import eventually_async

DIALOG = rb"exact text"
ARMED_SECONDS = 0.5
"""A dialog that has just appeared takes no decision."""


async def measure(setting: Setting) -> list[Row]:
    """Return the time from the key to the agent's stdin; the decision is committed before."""
    count = max(setting.rounds, 5)
    async with stage() as on:
        deck = await on.house.deck()
        await on.start(deck, f"ask {count}", title="asking")
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, rb"asking0")
            taken = [await _one(on, screen, number) for number in range(count)]
    limit = Limit(p50=5, p99=25)
    return [row("key to decision committed and read by the agent", "ms", taken, limit=limit)]


async def _one(on: Stage, screen: PtyScreen, number: int) -> float:
    async def answered() -> bool:
        return len(_answers(on)) > number

    # The dock at the bottom shows it before the key can mean it.
    await asyncio.to_thread(screen.wait, b"touch never-%d" % number)
    await asyncio.to_thread(screen.quiet, 0.3)
    opened = screen.press("a")
    await asyncio.to_thread(screen.wait, DIALOG, after=opened)
    await asyncio.to_thread(screen.quiet, ARMED_SECONDS)
    pressed = screen.press("a")
    await eventually_async(answered, what="the agent's answer")
    return (_answers(on)[number] - pressed) / 1e6


def _answers(on: Stage) -> list[int]:
    if not on.answers.exists():
        return []
    return [int(line) for line in on.answers.read_text().splitlines()]
