"""What twice as many sessions and events change: the latencies of what a screen asks for."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from quarterdeck.client.deck import Deck
from tests.bench.filling import COMMON, RARE
from tests.bench.measured import Limit, Row, row
from tests.bench.rows.start import FRAME
from tests.bench.stage import Setting, Stage, stage

SIZES = ((5_000, 500_000), (10_000, 1_000_000))
Call = Callable[[Deck], Awaitable[object]]


async def measure(setting: Setting) -> list[Row]:
    """Measure both sizes in turn, so that both have the same of what else the machine does.

    Every other time the larger comes first: nor has one of them the better place in the round. All
    calls are made in each round, for a page of 2 ms taken so often in one go is taken within a
    second, and may have a bad one.
    """
    small, large = ((setting.scaled(s), setting.scaled(e)) for s, e in SIZES)
    stores = [setting.store(*size) for size in (small, large)]
    rounds = setting.rounds * 20
    async with stage(stores[0][0]) as one, stage(stores[1][0]) as other:
        decks = [await on.house.deck() for on in (one, other)]
        calls = [
            _calls(filled.longest, events)
            for (_, filled), (_, events) in zip(stores, (small, large), strict=True)
        ]
        taken: dict[str, tuple[list[float], list[float]]] = {n: ([], []) for n in calls[0]}
        for number in range(rounds + 1):
            order = (0, 1) if number % 2 else (1, 0)
            for name, values in taken.items():
                for which in order:
                    took = await _timed(calls[which][name], decks[which])
                    if number:
                        values[which].append(took)
        starts: tuple[list[float], list[float]] = ([], [])
        for number in range(min(setting.rounds, 8) + 1):
            for which in (0, 1) if number % 2 else (1, 0):
                took = await asyncio.to_thread(_start, (one, other)[which])
                if number:
                    starts[which].append(took)
        taken["start to first frame"] = starts
    to = f"{large[0]:,} sessions, {large[1]:,} events"
    return [
        row(
            f"doubled to {to}: {name}",
            "ms",
            doubled,
            limit=Limit(ratio=1.1),
            reference=row(name, "ms", half).p50,
            against="half of it",
        )
        for name, (half, doubled) in taken.items()
    ]


def _calls(longest: str, events: int) -> dict[str, Call]:
    last = events // 10
    return {
        "page of the list": lambda deck: deck.sessions(state="all"),
        "page of the trace, middle": lambda deck: deck.events(longest, after_seq=last // 2),
        "page of the trace, end": lambda deck: deck.events(longest, after_seq=last - 128),
        "page of the output": lambda deck: deck.events(longest, after_seq=last // 2, output=True),
        "search, rare word": lambda deck: deck.search(RARE),
        "search, common word": lambda deck: deck.search(COMMON),
    }


async def _timed(call: Call, deck: Deck) -> float:
    began = time.perf_counter()
    await call(deck)
    return (time.perf_counter() - began) * 1000


def _start(on: Stage) -> float:
    with on.screen() as screen:
        return (screen.wait(FRAME) - screen.began) / 1e6
