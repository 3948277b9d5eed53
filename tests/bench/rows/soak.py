"""Many agents for many minutes: memory, losses, and latencies from first to last."""

import asyncio
import sqlite3
from contextlib import closing

from tests.bench import process_cost
from tests.bench.measured import Limit, Row, quantile, row
from tests.bench.rows.latency import AGENTS, EVERY_MS, TAG, TAG_MS
from tests.bench.stage import Setting, Stage, stage
from tests.support.deckhouse import session_in

MINUTE = 60


async def measure(setting: Setting) -> list[Row]:
    """Run for `--soak` seconds; nothing without them."""
    if not setting.soak:
        return []
    agents = setting.scaled(AGENTS)
    events = setting.soak * 1000 // EVERY_MS
    sizes: dict[str, list[float]] = {"screen": [], "supervisor": []}
    late: list[list[float]] = []
    async with stage() as on:
        deck = await on.house.deck()
        (watched,) = await on.start(deck, "tags 1 1", title="tagged")
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, TAG)
            ids = await on.start(deck, f"chat {events} {EVERY_MS}", agents, "busy")
            seen: set[bytes] = set()
            while len(late) * MINUTE < setting.soak:
                part = min(MINUTE, setting.soak - len(late) * MINUTE)
                await deck.send(watched, f"tags {part * 1000 // TAG_MS - 5} {TAG_MS}")
                await asyncio.sleep(part)
                found = screen.found(TAG)
                late.append([(at - int(tag)) / 1e6 for tag, at in found.items() if tag not in seen])
                seen |= set(found)
                sizes["screen"].append(process_cost.memory(screen.pid) / 2**20)
                sizes["supervisor"].append(process_cost.memory(on.supervisor) / 2**20)
            lost = await _lost(on, ids, events)
    where = f"{agents} agents at {1000 // EVERY_MS} events/s for {setting.soak} s"
    return [
        row(f"events lost, {where}", "events", [lost], limit=Limit(p50=0)),
        row(
            f"agent's line to terminal, first minute, {where}", "ms", late[0], limit=Limit(p99=150)
        ),
        row(
            f"agent's line to terminal, last minute, {where}", "ms", late[-1], limit=Limit(p99=150)
        ),
        row("worst minute's p99", "ms", [max(quantile(part, 0.99) for part in late)]),
        *(
            row(
                f"memory of the {name} at the end, {where}",
                "MiB",
                [values[-1]],
                limit=Limit(ratio=1.05),
                reference=values[0],
                against="after the first minute",
            )
            for name, values in sizes.items()
        ),
    ]


async def _lost(on: Stage, ids: list[str], events: int) -> int:
    """Wait until the agents are done, and count what is not in the store."""
    deck = await on.house.deck()
    for session_id in ids:
        await session_in(deck, session_id, "idle", within=120)
    with closing(sqlite3.connect(on.house.places.database)) as db:
        (stored,) = db.execute(
            "SELECT count(*) FROM events e JOIN runs r USING (run_no) JOIN sessions s"
            " USING (session_id) WHERE s.title LIKE 'busy%' AND e.type = 'assistant_message'"
        ).fetchone()
    return len(ids) * events - stored
