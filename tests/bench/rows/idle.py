"""What an open screen costs while nothing happens."""

import asyncio

from tests.bench import process_cost
from tests.bench.measured import Limit, Row, row
from tests.bench.stage import Setting, stage

SECONDS = 30.0


async def measure(setting: Setting) -> list[Row]:
    """Return CPU, bytes and memory with live, silent agents."""
    agents, seconds = setting.scaled(100), 5.0 if setting.quick else SECONDS
    async with stage() as on:
        deck = await on.house.deck()
        await on.start(deck, "chat 3 1", agents, "s")
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, rb"s1 ")
            await asyncio.to_thread(screen.quiet, 3.0)
            # What is left to do after so many agents' turns, such as indexing their ends.
            await asyncio.sleep(min(seconds, 10))
            before = screen.written
            pids = [screen.pid, on.supervisor]
            shares = await asyncio.to_thread(process_cost.cpu_share, pids, seconds)
            written = screen.written - before
            sizes = [process_cost.memory(pid) / 2**20 for pid in pids]
    where = f"idle, {agents} sessions open"
    return [
        row(
            f"CPU of supervisor and screen, {where}",
            "% of a core",
            [sum(shares)],
            limit=Limit(p50=0.5),
        ),
        row(
            f"bytes to the terminal in {seconds:g} s, {where}",
            "bytes",
            [written],
            limit=Limit(p50=0),
        ),
        row(f"memory of the screen, {where}", "MiB", sizes[:1]),
        row(f"memory of the supervisor, {where}", "MiB", sizes[1:]),
    ]
