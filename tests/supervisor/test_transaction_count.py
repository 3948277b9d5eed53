"""How many transactions a burst of events costs, as a count: group commit (DESIGN §4, §9)."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from quarterdeck.agents.holding import RunDirectory
from quarterdeck.supervisor.ingestion import EVENTS_PER_COMMIT_LEAST
from tests.support.deckhouse import session_in
from tests.support.waiting import eventually_async

AGENT = Path(__file__).parents[1] / "bench" / "tagging_agent.py"
EVENTS = 1000
OTHERS = 12
"""The end of the turn, and what indexes the growing message meanwhile."""


async def test_a_thousand_events_that_wait_cost_few_transactions(deckhouse):
    """However slow the machine: each holds fifty events at least while there are so many."""
    command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
    deckhouse.configure(
        f'[agents.bench]\ncommand = {command}\nenv = {{ BENCH_DIR = "{deckhouse.agent_home}" }}'
    )
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"held {EVENTS}", agent="bench")
    await session_in(deck, ids["session_id"], "running")
    run = RunDirectory(deckhouse.places.runs / ids["run_id"])
    supervisor = deckhouse.supervisor_pid()

    async def asked() -> bool:
        return (deckhouse.agent_home / "held").exists()

    async def written() -> bool:
        return f"burst {EVENTS - 1} ".encode() in run.journal.read_bytes()

    await eventually_async(asked, what="the agent has its prompt")
    before = (await deckhouse.deck()).hello["change"]
    os.kill(supervisor, signal.SIGSTOP)
    try:
        (deckhouse.agent_home / "go").touch()
        await eventually_async(written, what="the whole burst in the journal")
    finally:
        os.kill(supervisor, signal.SIGCONT)
    await session_in(deck, ids["session_id"], "idle")
    await asyncio.sleep(0)
    after = (await deckhouse.deck()).hello["change"]
    assert after - before <= EVENTS // EVENTS_PER_COMMIT_LEAST + OTHERS
