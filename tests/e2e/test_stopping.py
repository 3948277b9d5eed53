"""R8, A12: one call stops everything: turns, starts and what waits for them."""

import json
import sys

from tests.support.deckhouse import (
    AGENT,
    Deckhouse,
    approval_of,
    session_in,
    whole_trace,
)

SILENT = """
[agents.silent]
command = {command}
env = {{ SCRIPTED_DIR = {home}, SCRIPTED_FAIL_START = "silent" }}
start_timeout = 60
"""


async def test_r8_cancel_all_ends_turns_and_starts_and_sends_no_waiting_prompt(
    deckhouse: Deckhouse,
) -> None:
    """What waited is not sent once its turn was cancelled; every agent but the starting lives."""
    command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
    home = json.dumps(str(deckhouse.agent_home))
    deckhouse.configure(SILENT.format(command=command, home=home))
    deck = await deckhouse.deck()
    busy = (await deckhouse.new(deck, "wait never", wait=True))["session_id"]
    asking = (await deckhouse.new(deck, "ask touch never", wait=True))["session_id"]
    idle = (await deckhouse.new(deck, "say done", wait=True))["session_id"]
    starting = (await deckhouse.new(deck, "say hello", agent="silent"))["session_id"]
    await session_in(deck, busy, "running")
    await session_in(deck, idle, "idle")
    await approval_of(deck, asking)
    await session_in(deck, starting, "starting")
    queued = [await deck.send(busy, f"say {n}") for n in (1, 2)]
    untouched = await deck.session(idle)

    done = await deck.cancel_all()
    assert sorted(done["sessions"]) == sorted([busy, asking, starting])
    assert (done["taken_back"], done["failed"]) == (2, [])

    for session_id in (busy, asking):
        runs = {run.run_id for run in await deck.runs(session_id)}
        assert (await session_in(deck, session_id, "idle")).run_id in runs
    assert (await deck.session(starting)).state == "closed"
    assert await deck.session(idle) == untouched
    assert await deck.approvals() == []
    assert await deck.queue(busy) == []
    for prompt in queued:
        now = await deck.command(prompt.command_id)
        assert (now.state, now.reason) == ("cancelled", "everything was stopped")
    assert await deck.cancel_all() == {"sessions": [], "taken_back": 0, "failed": []}

    await deck.send(busy, "say alive")  # the same agent answers
    await session_in(deck, busy, "idle")
    events = await whole_trace(deck, busy)
    assert len(await deck.runs(busy)) == 1
    told = [e.payload["text"] for e in events if e.type == "user_message"]
    assert told == ["wait never", "say alive"]
    assert not {"say 1", "say 2", "say hello"} & set(deckhouse.prompts())


async def test_r8_the_cli_stops_everything_too(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "wait never", wait=True))["session_id"]
    await session_in(deck, session_id, "running")
    await deck.send(session_id, "say later")
    done = json.loads(deckhouse.qd("cancel", "--all", "--json"))
    assert done == {"sessions": [session_id], "taken_back": 1, "failed": []}
    await session_in(deck, session_id, "idle")
    assert deckhouse.qd("cancel", "--all").strip() == "0 cancelled, 0 waiting prompts taken back"
    assert deckhouse.qd("cancel", check=False) == ""
