"""How long a key takes to change the screen: the list's cursor, and a switch of panes."""

import asyncio
import random

from tests.bench.measured import Limit, Row, row
from tests.bench.pty_screen import PtyScreen
from tests.bench.rows.latency import AGENTS, EVERY_MS
from tests.bench.stage import Setting, stage

CURSOR = rb"s\d+ {2}"
"""Titles in the list: both rows are painted that the cursor leaves and comes to, and no others
unless a session's state has changed."""
PANES = {"5": rb"directory  ", "2": rb"\x1b\[[0-9;]*m *\d+ "}
"""A key, and what only the pane shows that it opens."""
TAKEN = 100
"""Keys of each kind: of fewer a 99th percentile would be the slowest one."""


async def measure(setting: Setting) -> list[Row]:
    """Return the time from a key to the bytes that show what it did."""
    agents = setting.scaled(AGENTS)
    rows: list[Row] = []
    async with stage() as on:
        deck = await on.house.deck()
        await on.start(deck, "chat 3 1", agents, "s")
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, rb"s1 ")
            await asyncio.to_thread(screen.quiet, 1.0)
            # All read: nothing moves in the list because its output was looked at.
            screen.press("M")
            await asyncio.to_thread(screen.quiet, 1.0)
            rows += await _rows(screen, setting, "quiet", Limit(p99=30))
            seconds = _taken(setting) * 2 * 0.5 + 30
            sessions, _ = await deck.sessions(limit=200)
            prompt = f"chat {round(seconds * 1000 / EVERY_MS)} {EVERY_MS}"
            for session in sessions:
                await deck.send(session.session_id, prompt)
            await asyncio.sleep(3)
            busy = f"{agents} sessions at {agents * 1000 // EVERY_MS:,} events/s"
            rows += await _rows(screen, setting, busy, Limit(p99=60))
    return rows


def _taken(setting: Setting) -> int:
    return max(setting.rounds * 2, setting.scaled(TAKEN))


async def _rows(screen: PtyScreen, setting: Setting, when: str, limit: Limit) -> list[Row]:
    count = _taken(setting)
    chance = random.Random(1)

    async def pause() -> None:
        # Not in step with anything that is done at fixed intervals.
        await asyncio.sleep(0.35 + chance.random() * 0.1)

    moved, turned = [], []
    for key in ("1", "\x1b", "g"):  # by themselves: escape and a letter together are another key
        screen.press(key)
        await asyncio.sleep(0.7)
    for number in range(count):
        at = screen.press("j" if number % 2 == 0 else "k")
        moved.append(await _until(screen, CURSOR, at))
        await pause()
    for number in range(count):
        key = "5" if number % 2 == 0 else "2"
        at = screen.press(key)
        turned.append(await _until(screen, PANES[key], at))
        await pause()
    return [
        row(f"key to repaint: list cursor, {when}", "ms", moved, limit=limit),
        row(f"key to repaint: pane switch, {when}", "ms", turned, limit=limit),
    ]


async def _until(screen: PtyScreen, pattern: bytes, pressed: int) -> float:
    return (await asyncio.to_thread(screen.wait, pattern, after=pressed) - pressed) / 1e6
