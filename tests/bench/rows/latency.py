"""How late a line an agent wrote is on the terminal: quiet, and while 100 sessions work."""

import asyncio
from collections.abc import Set as AbstractSet

from tests.bench.measured import Limit, Row, row
from tests.bench.process_cost import cpu_share
from tests.bench.pty_screen import PtyScreen
from tests.bench.stage import Setting, stage

TAG = rb"qz(\d+)zq"
AGENTS = 100
EVERY_MS = 100
"""Of each busy agent: ten events a second."""
LATEST_SECONDS = 10.0
"""How late the last lines may be and still count."""
TAG_MS = 210
"""No multiple of what the busy agents do."""


async def measure(setting: Setting) -> list[Row]:
    """Return latencies of tagged lines, and what the screen costs under load."""
    agents, lines = setting.scaled(AGENTS), max(setting.rounds * 5, 20)
    seconds = lines * TAG_MS / 1000
    async with stage() as on:
        deck = await on.house.deck()
        # The screen's cursor is on the first session it sees, and stays there.
        (watched,) = await on.start(deck, f"tags {lines} {TAG_MS}", title="tagged")
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, TAG)
            await asyncio.sleep(seconds)
            quiet = _late(screen)
            many = round((seconds + LATEST_SECONDS + 25) * 1000 / EVERY_MS)
            await on.start(deck, f"chat {many} {EVERY_MS}", agents, "busy")
            await deck.send(watched, f"tags {lines} {TAG_MS}")
            await asyncio.sleep(2)
            old = set(screen.found(TAG))
            shares = await asyncio.to_thread(cpu_share, [screen.pid, on.supervisor], seconds - 2)
            await asyncio.sleep(LATEST_SECONDS)
            loaded = _late(screen, without=old)
    limits = Limit(p50=25, p99=60), Limit(p99=150)
    busy = f"{agents} sessions at {agents * 1000 // EVERY_MS:,} events/s"
    return [
        row("agent's line to terminal, quiet", "ms", quiet, limit=limits[0]),
        row(f"agent's line to terminal, {busy}", "ms", loaded, limit=limits[1]),
        row(f"CPU of the screen, {busy}", "% of a core", shares[:1], limit=Limit(p50=25)),
        row(f"CPU of the supervisor, {busy}", "% of a core", shares[1:]),
    ]


def _late(screen: PtyScreen, without: AbstractSet[bytes] = frozenset()) -> list[float]:
    """Return how late each line was; those shown before the screen was up do not count."""
    late = []
    for tag, at in screen.found(TAG).items():
        if tag not in without and int(tag) > screen.began + 2_000_000_000:
            late.append((at - int(tag)) / 1e6)
    return late
