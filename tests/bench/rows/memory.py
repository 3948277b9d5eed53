"""What the screen holds in memory with a long trace open, beside a short one."""

import asyncio

from tests.bench import process_cost
from tests.bench.measured import Limit, Row, row
from tests.bench.pty_screen import PtyScreen
from tests.bench.stage import Setting, stage

LONG, SHORT = 1_000_000, 1_000
LOOKS = ["end", *["pageup"] * 30, "home", *["pagedown"] * 30, "end"]
KEYS = {"end": "G", "home": "g", "pageup": "\x1b[5~", "pagedown": "\x1b[6~"}


async def measure(setting: Setting) -> list[Row]:
    """Return the memory after the same walk through a trace of each length."""
    long = setting.scaled(LONG)
    sizes: dict[int, list[float]] = {long: [], SHORT: []}
    for events in (SHORT, long):
        path, _ = setting.store(1, events)
        async with stage(path) as on:
            await on.house.deck()
            for _ in range(3):
                with on.screen() as screen:
                    await asyncio.to_thread(screen.wait, rb"Session 0")
                    await asyncio.to_thread(_walk, screen)
                    sizes[events].append(process_cost.memory(screen.pid) / 2**20)
    return [
        row(
            f"memory of the screen, a trace of {long:,} events open",
            "MiB",
            sizes[long],
            limit=Limit(ratio=1.1),
            reference=row("short", "MiB", sizes[SHORT]).p50,
            against=f"{SHORT:,} events",
        )
    ]


def _walk(screen: PtyScreen) -> None:
    screen.press("v")
    screen.quiet(0.3)
    screen.press("2\t")
    screen.quiet(0.5)
    for look in LOOKS:
        screen.press(KEYS[look])
        screen.quiet(0.05)
