"""How late a line an agent wrote is on the terminal: quiet, and while 100 sessions work."""

import asyncio
import time

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
WITHOUT_END = 100_000
"""Lines: more than there is time for."""
TAG_MS = 210
"""No multiple of what the busy agents do."""


async def measure(setting: Setting) -> list[Row]:
    """Return latencies of tagged lines, and what the screen costs under load."""
    agents, lines = setting.scaled(AGENTS), max(setting.rounds * 5, 20)
    seconds = lines * TAG_MS / 1000
    async with stage() as on:
        deck = await on.house.deck()
        # The screen's cursor is on the first session it sees, and stays there; pinned and at work
        # the session stays on the first page of the list, however many others there are.
        (watched,) = await on.start(deck, f"tags {lines} {TAG_MS}", title="tagged")
        await deck.pin(watched)
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, TAG)
            await asyncio.sleep(seconds)
            quiet = late(screen, screen.began + 2_000_000_000, time.time_ns())
            await deck.send(watched, f"tags {WITHOUT_END} {TAG_MS}")
            await on.start(deck, f"chat {WITHOUT_END} {EVERY_MS}", agents, "busy")
            await asyncio.sleep(2)
            began = time.time_ns()
            shares = await asyncio.to_thread(cpu_share, [screen.pid, on.supervisor], seconds)
            ended = time.time_ns()
            await asyncio.sleep(LATEST_SECONDS)
            loaded = late(screen, began, ended)
            unseen = lines - len(loaded)
    limits = Limit(p50=25, p99=60), Limit(p99=150)
    busy = f"{agents} sessions at {agents * 1000 // EVERY_MS:,} events/s"
    return [
        row("agent's line to terminal, quiet", "ms", quiet, limit=limits[0]),
        row(
            f"agent's line to terminal, {busy}",
            "ms",
            loaded,
            limit=limits[1],
            note=f"{unseen} of {lines} lines were not shown within {LATEST_SECONDS:.0f} s."
            if unseen > lines // 20
            else "",
        ),
        row(f"CPU of the screen, {busy}", "% of a core", shares[:1], limit=Limit(p50=25)),
        row(f"CPU of the supervisor, {busy}", "% of a core", shares[1:]),
    ]


def late(screen: PtyScreen, began: int, ended: int) -> list[float]:
    """Return how late the lines were that were written between two moments, in milliseconds."""
    found = screen.found(TAG)
    return [(at - int(tag)) / 1e6 for tag, at in found.items() if began <= int(tag) < ended]
