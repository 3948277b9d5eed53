"""How late a decent session's events are seen while other agents flood the supervisor.

    python -m tests.bench.flooding [--agents N] [--events N]

A decent agent writes the time into a line every 50 ms; the time until a client over the socket has
that event is its latency, in wall-clock milliseconds, everything between included: keeper, journal,
bell, ingestion, COMMIT, push, fetch. Beside it N agents write chunks as fast as they are let.
"""

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from quarterdeck.client.deck import Deck
from tests.support.arena import Arena, hostile
from tests.support.deckhouse import Deckhouse, session_in

BUDGET_MS = 250.0
AGENTS = 20
EVENTS = 200


@dataclass(frozen=True)
class Row:
    """One measurement; `budget` is None where there is none."""

    name: str
    value: float
    unit: str
    budget: float | None = None


async def _latencies(deck: Deck, woken: asyncio.Event, session_id: str, count: int) -> list[float]:
    """Follow the clock's session, and return how late each of its events was, in milliseconds."""
    found: list[float] = []
    after = 0
    while len(found) < count:
        await woken.wait()
        woken.clear()
        _, page, after = await deck.events(session_id, after_seq=after, limit=500)
        now = time.time_ns()
        stamps = [int(e.payload["text"]) for e in page if e.type == "assistant_message"]
        found += [(now - stamp) / 1e6 for stamp in stamps]
    return found


def _quantile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def _measure(house: Deckhouse, agents: int, events: int) -> list[Row]:
    tables = hostile("clock", "clock", str(events)) + hostile("hostile", "flood")
    arena = await Arena.begin(house, tables)
    rows: list[Row] = []
    for name, floods in (("quiet", 0), (f"beside {agents} flooding agents", agents)):
        for _ in range(floods):
            await session_in(arena.deck, await arena.unleash(), "running", within=120)
        woken = asyncio.Event()
        watcher = await house.deck(on_change=lambda change, woken=woken: woken.set())
        late = await _latencies(watcher, woken, await arena.unleash("clock"), events)
        rows += [
            Row(f"{name}: p50", _quantile(late, 0.5), "ms"),
            Row(f"{name}: p99", _quantile(late, 0.99), "ms", BUDGET_MS),
            Row(f"{name}: most", max(late), "ms"),
        ]
    sessions, _ = await arena.deck.sessions()
    stored = sum(session.last_event_seq for session in sessions)
    rows.append(Row("events recorded meanwhile", stored, "events"))
    rows.append(Row("most memory of the supervisor", arena.peak() / 2**20, "MiB"))
    return rows


async def measure(agents: int = AGENTS, events: int = EVENTS) -> list[Row]:
    """Return the rows of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        house = Deckhouse(Path(folder))
        try:
            return await _measure(house, agents, events)
        finally:
            await house.close()


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=AGENTS)
    parser.add_argument("--events", type=int, default=EVENTS)
    given = parser.parse_args()
    for row in asyncio.run(measure(given.agents, given.events)):
        budget = "" if row.budget is None else f"  (budget {row.budget:g})"
        print(f"{row.name:40} {row.value:12.1f} {row.unit}{budget}")


if __name__ == "__main__":
    main()
