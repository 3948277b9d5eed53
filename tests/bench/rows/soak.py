"""Many agents for many minutes: memory, losses, and latencies from first to last."""

import asyncio
import sqlite3
import time
from contextlib import closing

from tests.bench import process_cost
from tests.bench.measured import Limit, Row, quantile, row
from tests.bench.rows.latency import AGENTS, EVERY_MS, TAG, TAG_MS, WITHOUT_END, late
from tests.bench.stage import Setting, Stage, stage
from tests.support.deckhouse import session_in

MINUTE = 60
SHOWN_WITHIN_NS = 5_000_000_000


async def measure(setting: Setting) -> list[Row]:
    """Run for `--soak` seconds; nothing without them."""
    if not setting.soak:
        return []
    agents = setting.scaled(AGENTS)
    events = setting.soak * 1000 // EVERY_MS
    sizes: dict[str, list[float]] = {"screen": [], "supervisor": []}
    minutes: list[list[float]] = []
    async with stage() as on:
        deck = await on.house.deck()
        # As in the rows of latency: it stays under the cursor, on the first page of the list.
        (watched,) = await on.start(deck, f"tags {WITHOUT_END} {TAG_MS}", title="tagged")
        await deck.pin(watched)
        with on.screen() as screen:
            await asyncio.to_thread(screen.wait, TAG)
            ids = await on.start(deck, f"chat {events} {EVERY_MS}", agents, "busy")
            while len(minutes) * MINUTE < setting.soak:
                began = time.time_ns()
                await asyncio.sleep(min(MINUTE, setting.soak - len(minutes) * MINUTE))
                # What was written last may still be on its way.
                minutes.append(late(screen, began, time.time_ns() - SHOWN_WITHIN_NS))
                sizes["screen"].append(process_cost.memory(screen.pid) / 2**20)
                sizes["supervisor"].append(process_cost.memory(on.supervisor) / 2**20)
            lost = await _lost(on, ids, events)
    limit = Limit(p99=150)
    where = f"{agents} agents at {1000 // EVERY_MS} events/s for {setting.soak} s"
    return [
        row(f"events lost, {where}", "events", [lost], limit=Limit(p50=0)),
        *(
            row(f"agent's line to terminal, {which} minute, {where}", "ms", part, limit=limit)
            for which, part in (("first", minutes[0]), ("last", minutes[-1]))
        ),
        row("worst minute's p99", "ms", [max(quantile(part, 0.99) for part in minutes)]),
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
