"""How long the screen takes to its first painted frame, beside a bare Textual app."""

import asyncio
import os
import sys
from pathlib import Path

from tests.bench.measured import Limit, Row, row
from tests.bench.pty_screen import PtyScreen
from tests.bench.stage import Setting, Stage, stage

FRAME = rb"\x1b\[1;1H"
"""How Textual begins to paint: at the first cell."""
BARE = Path(__file__).with_name("bare_app.py")
LISTED = rb"Session \d+"


async def measure(setting: Setting) -> list[Row]:
    """Return start to the first frame and to the list of sessions, bare app taken in turn."""
    sessions, events = setting.scaled(10_000), setting.scaled(1_000_000)
    path, _ = setting.store(sessions, events)
    ours, listed, bare = [], [], []
    async with stage(path) as on:
        await on.house.deck()
        for number in range(setting.rounds + 1):
            first, then = await asyncio.to_thread(_ours, on)
            reference = await asyncio.to_thread(_bare)
            if number:  # The first one of each warms up.
                ours.append(first)
                listed.append(then)
                bare.append(reference)
    against = {"reference": row("bare", "ms", bare).p50, "against": "bare Textual app"}
    stored = f"{sessions:,} sessions, {events:,} events stored"
    return [
        row(f"start to first frame, {stored}", "ms", ours, limit=Limit(ratio=1.5), **against),
        row(f"start to sessions listed, {stored}", "ms", listed, **against),
    ]


def _ours(on: Stage) -> tuple[float, float]:
    with on.screen() as screen:
        first = screen.wait(FRAME)
        then = screen.wait(LISTED)
        return (first - screen.began) / 1e6, (then - screen.began) / 1e6


def _bare() -> float:
    with PtyScreen([sys.executable, "-P", str(BARE)], env=os.environ) as screen:
        return (screen.wait(FRAME) - screen.began) / 1e6
