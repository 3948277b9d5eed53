"""How long a new supervisor takes to have all agents of a killed one again."""

import asyncio
import time

from tests.bench.measured import Limit, Row, row
from tests.bench.stage import Setting, stage
from tests.support.deckhouse import session_in


async def measure(setting: Setting) -> list[Row]:
    """Kill the supervisor beside live agents, start another one, and time it."""
    agents = setting.scaled(100)
    taken = []
    async with stage() as on:
        deck = await on.house.deck()
        for session_id in await on.start(deck, "chat 3 1", agents):
            await session_in(deck, session_id, "idle", within=60)
        for _ in range(min(setting.rounds, 5)):
            await asyncio.to_thread(on.house.kill_supervisor)
            began = time.monotonic()
            deck = await on.house.deck()
            sessions, _ = await deck.sessions(limit=200)
            taken.append((time.monotonic() - began) * 1000)
            attached = [session for session in sessions if session.state == "idle"]
            assert len(attached) == agents, f"{agents - len(attached)} agents are not attached"
            await asyncio.sleep(0.5)
    what = f"supervisor killed and started, {agents} live agents re-attached"
    return [row(what, "ms", taken, limit=Limit(p99=2000))]
