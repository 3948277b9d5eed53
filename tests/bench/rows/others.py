"""The benchmarks of one part each, which also run by themselves, as rows of the whole."""

import asyncio

from tests.bench import flooding, policy_decision, store_pages
from tests.bench.measured import Limit, Row
from tests.bench.stage import Setting


async def policy(setting: Setting) -> list[Row]:
    """Return how long the policy takes."""
    found = await asyncio.to_thread(policy_decision.measure, 2 if setting.quick else 5)
    return [
        Row(
            f"policy decides: {one.name}",
            "ms",
            one.p50_ms,
            one.p99_ms,
            one.calls,
            Limit(p99=one.budget_ms) if one.name == "all" else Limit(),
        )
        for one in found
    ]


async def flood(setting: Setting) -> list[Row]:
    """Return how late a decent session's events are beside flooding agents."""
    found = await flooding.measure(setting.scaled(flooding.AGENTS), setting.rounds * 10)
    return [
        Row(
            f"event to client, {one.name}",
            one.unit,
            one.value,
            one.value,
            limit=Limit() if one.budget is None else Limit(p50=one.budget),
        )
        for one in found
    ]


async def pages(setting: Setting) -> list[Row]:
    """Return how long pages of a large store take."""
    sizes = {"count": setting.scaled(10_000), "events": setting.scaled(1_000_000)}
    found = await asyncio.to_thread(store_pages.rows, **sizes, rounds=setting.rounds)
    return [
        Row(one.name, "ms", one.p50, one.p99, one.rounds, Limit(p50=one.budget)) for one in found
    ]
