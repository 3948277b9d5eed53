"""R1, R3, R5: a session's run coordination as a client sees it, through real processes."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from quarterdeck.agents import process
from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, decide, session_in, whole_trace
from tests.support.waiting import eventually_async


async def coordinated(deck: Deck, session_id: str) -> tuple[str, str | None]:
    view = await deck.session(session_id)
    return view.coordination, view.failure


async def test_r1_coordination_is_none_starting_running_or_failed(deckhouse: Deckhouse) -> None:
    """Failed carries the last error; the next start that works takes it away."""
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say x", wait=True))["session_id"]
    await session_in(deck, session_id, "idle")
    assert await coordinated(deck, session_id) == ("running", None)
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    assert await coordinated(deck, session_id) == ("none", None)
    shown = json.loads(deckhouse.qd("show", session_id, "--json"))
    assert shown["coordination"] == "none"
    deckhouse.configure(SCRIPTED_FAIL_START="exit")
    with pytest.raises(QuarterdeckError) as caught:
        await deckhouse.new(deck, "say x", wait=True)
    failed = caught.value.data["session_id"]
    told, why = await coordinated(deck, failed)
    assert (told, "cannot go on" in str(why)) == ("failed", True)
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    starting = (await deckhouse.new(deck, "say x"))["session_id"]
    assert await coordinated(deck, starting) == ("starting", None)
    deckhouse.configure()
    await deck.call("session.start", session_id=failed)
    assert await coordinated(deck, failed) == ("running", None)


async def test_r3_a_run_has_its_id_before_its_agent_answers(deckhouse: Deckhouse) -> None:
    """`starting` until the handshake, then `running`; by one and the same run id."""
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    deck = await deckhouse.deck()
    silent = await deckhouse.new(deck, "say x")
    view = await deck.session(silent["session_id"])
    assert (view.state, view.run_id, view.active) == ("starting", silent["run_id"], True)
    assert [run.state for run in await deck.runs(silent["session_id"])] == ["claimed"]
    deckhouse.configure()
    answering = await deckhouse.new(deck, "hang", wait=True)
    view = await deck.session(answering["session_id"])
    assert (view.state, view.run_id, view.active) == ("running", answering["run_id"], True)
    assert [run.state for run in await deck.runs(answering["session_id"])] == ["running"]


async def test_r5_a_cancelled_start_is_put_down_and_its_end_overwrites_nothing(
    deckhouse: Deckhouse,
) -> None:
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say x")
    directory = RunDirectory(deckhouse.places.runs / ids["run_id"])

    async def spawned() -> bool:
        return read_info(directory) is not None

    await eventually_async(spawned)
    info = read_info(directory)
    assert info is not None
    await deck.cancel(ids["session_id"])

    async def gone() -> bool:
        return not Path(f"/proc/{info.keeper.pid}").exists()

    await eventually_async(gone)
    await deckhouse.end_supervisor()
    deck = await deckhouse.deck()
    assert await coordinated(deck, ids["session_id"]) == ("none", None)
    assert (await deck.session(ids["session_id"])).state == "closed"
    assert [run.state for run in await deck.runs(ids["session_id"])] == ["cancelled"]


async def test_r5_the_late_end_of_a_replaced_starter_leaves_the_new_run_alone(
    deckhouse: Deckhouse,
) -> None:
    """The first agent ends only after another run has taken its place, in mid-turn.

    Red once `run_end.ended` does not ask whether the run is still the session's active one.
    """
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    deck = await deckhouse.deck()
    first = await deckhouse.new(deck, "say x")
    session_id = first["session_id"]
    directory = RunDirectory(deckhouse.places.runs / first["run_id"])

    async def spawned() -> bool:
        return read_info(directory) is not None

    await eventually_async(spawned)
    late = read_info(directory)
    assert late is not None
    os.kill(late.keeper.pid, signal.SIGSTOP)
    await deck.cancel(session_id)
    deckhouse.configure()
    await deck.send(session_id, "ask touch it")
    second = await session_in(deck, session_id, "waiting")
    assert second.run_id != first["run_id"]
    ended = asyncio.ensure_future(process.wait_gone(late.keeper))
    os.kill(late.keeper.pid, signal.SIGCONT)
    await asyncio.wait_for(ended, 60)
    await deck.send(session_id, "say after")  # answered after the end was looked into
    (question,) = await deck.approvals(session_id)
    await decide(deck, question, "approve")
    view = await session_in(deck, session_id, "idle")
    assert (view.run_id, view.queued) == (second.run_id, 0)
    runs = await deck.runs(session_id)
    assert [run.state for run in runs] == ["cancelled", "running"]
    assert deckhouse.prompts() == ["ask touch it", "say after"]
    assert "run.failed" not in {event.type for event in await whole_trace(deck, session_id)}
