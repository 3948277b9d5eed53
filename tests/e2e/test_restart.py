"""kill -9 of the supervisor and of agents: nothing lost, nothing doubled, nothing stuck."""

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import (
    Deckhouse,
    approval_of,
    decide,
    said,
    session_in,
    trace,
    whole_trace,
)
from tests.support.waiting import eventually, eventually_async


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"#(\d+) ", text)]


async def test_a_stream_survives_kill_9_of_the_supervisor(deckhouse: Deckhouse) -> None:
    """DESIGN §4: every chunk once and in order, seq without gaps, over three kills."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "count 400 0.005\nwait go\ncount 100", wait=True)
    session_id = ids["session_id"]
    for part in (40, 150, 300):
        await eventually_async(lambda: _streamed(deckhouse, session_id, part))  # noqa: B023
        deckhouse.kill_supervisor()
    (deckhouse.project / "go").touch()
    deck = await deckhouse.deck()
    await session_in(deck, session_id, "idle")
    events = await whole_trace(deck, session_id)
    assert numbers(said(events)) == list(range(1, 501))
    assert len(deckhouse.prompts()) == 1
    status = await deck.status()
    assert [line["session_id"] for line in status["recovery"]["re-attached"]] == [session_id]


async def _streamed(deckhouse: Deckhouse, session_id: str, wanted: int) -> bool:
    deck = await deckhouse.deck()
    try:
        return (await deck.session(session_id)).last_event_seq >= wanted
    finally:
        await deck.close()


async def test_an_open_approval_survives_and_is_still_answered_once(deckhouse: Deckhouse) -> None:
    """DESIGN §4: approvals are rows; after a restart the same one is answerable."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say before\nask touch it.txt\nsay after")
    before = await approval_of(deck, ids["session_id"])
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    after = await approval_of(deck, ids["session_id"])
    assert after == before
    await decide(deck, after, "approve")
    await session_in(deck, ids["session_id"], "idle")
    assert len(deckhouse.answers()) == 1
    assert (deckhouse.project / "it.txt").exists()
    assert said(await whole_trace(deck, ids["session_id"])) == "beforeallowedafter"


async def test_a_decision_whose_reply_was_lost_can_be_repeated(deckhouse: Deckhouse) -> None:
    """D9: the same token and action give the first decision again, and tell the agent once."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch asked\nwait go")
    approval = await approval_of(deck, ids["session_id"])
    first = await decide(deck, approval, "approve")
    eventually(deckhouse.answers)
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    again = await decide(deck, approval, "approve")
    assert again == first
    (deckhouse.project / "go").touch()
    await session_in(deck, ids["session_id"], "idle")
    assert len(deckhouse.answers()) == 1


async def test_what_was_committed_and_not_spooled_is_handed_over_once(
    deckhouse: Deckhouse,
) -> None:
    """Keeper rule 1: after a crash between COMMIT and append, the spool is caught up."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say first", wait=True)
    view = await session_in(deck, ids["session_id"], "idle")
    spool = RunDirectory(deckhouse.places.runs / str(view.run_id)).spool
    deckhouse.kill_supervisor()
    size = spool.stat().st_size
    deck = await deckhouse.deck()
    await deck.send(ids["session_id"], "say second")
    await eventually_async(lambda: _both(deckhouse))
    assert spool.stat().st_size > size
    await session_in(deck, ids["session_id"], "idle")
    assert said(await whole_trace(deck, ids["session_id"])) == "firstsecond"


async def _both(deckhouse: Deckhouse) -> bool:
    return deckhouse.prompts() == ["say first", "say second"]


async def test_a_killed_agent_is_resumed_with_its_conversation(deckhouse: Deckhouse) -> None:
    """D2: session/load in a new process; the cut turn is failed and said so, never sent again."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello\nhang")
    session_id = ids["session_id"]
    await eventually_async(lambda: _heard(deck, session_id, "hello"))
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    os.kill(info.agent.pid, signal.SIGKILL)
    await session_in(deck, session_id, "idle")
    await deck.send(session_id, "say again")
    await eventually_async(lambda: _heard(deck, session_id, "again"))
    events = await whole_trace(deck, session_id)
    kinds = [event.type for event in events]
    assert kinds.index("run.failed") < kinds.index("terminal_status")
    assert said(events) == "helloagain", "the replay of load is not taken for news"
    started = [e.payload for e in events if e.type == "session.started"]
    assert [p["via"] for p in started] == ["new", "load"]
    assert deckhouse.prompts() == ["say hello\nhang", "say again"]
    states = {c.text: c.state for c in await deck.commands(session_id)}
    assert states["say hello\nhang"] == "failed"


async def _heard(deck, session_id: str, text: str) -> bool:
    return text in said(await whole_trace(deck, session_id))


async def test_an_agent_that_died_with_the_supervisor_is_resumed_at_start(
    deckhouse: Deckhouse,
) -> None:
    """D2: what the dead agent had said is kept, the session comes back without an approval."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "count 5", wait=True)
    session_id = ids["session_id"]
    await session_in(deck, session_id, "idle")
    deckhouse.kill_supervisor()
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    os.kill(info.keeper.pid, signal.SIGKILL)
    deck = await deckhouse.deck()
    await deck.approvals()  # waits for the end of recovery
    report = (await deck.status())["recovery"]
    assert [line["session_id"] for line in report["resumed"]] == [session_id]
    assert await deck.approvals() == []
    assert (await deck.session(session_id)).state == "idle"
    assert numbers(said(await whole_trace(deck, session_id))) == [1, 2, 3, 4, 5]


async def test_what_cannot_be_resumed_needs_a_person(deckhouse: Deckhouse) -> None:
    """D3: three tries, then failed_needs_human, a recovery approval, and events in order."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    session_id = ids["session_id"]
    await session_in(deck, session_id, "idle")
    (deckhouse.agent_home / "fail-load").touch()
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    deckhouse.kill_supervisor()
    os.kill(info.keeper.pid, signal.SIGKILL)
    deck = await deckhouse.deck()
    view = await session_in(deck, session_id, "failed_needs_human")
    assert view.attention == "failed"
    assert view.recovery_attempts == 1
    assert "no such history" in (view.failure or "")
    loads = (deckhouse.agent_home / "loads").read_text().splitlines()
    assert len(loads) == 3
    events = await trace(deck, session_id)
    kinds = [event.type for event in events]
    assert kinds[-2:] == ["session.failed", "approval.requested"]
    approval = await approval_of(deck, session_id)
    assert approval.kind == "session_recovery_required"
    await decide(deck, approval, "approve", option="restart")
    await session_in(deck, session_id, "idle")
    await deck.send(session_id, "say anew")
    await eventually_async(lambda: _heard(deck, session_id, "anew"))


async def test_abandoning_a_failed_session_closes_it(deckhouse: Deckhouse) -> None:
    """D3: abandon; and a decision made twice is refused."""
    deckhouse.configure(SCRIPTED_NO_LOAD="1")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello\ndie 3")
    view = await session_in(deck, ids["session_id"], "failed_needs_human")
    assert "load" in (view.failure or "")
    approval = await approval_of(deck, ids["session_id"])
    await decide(deck, approval, "approve", option="abandon")
    view = await session_in(deck, ids["session_id"], "closed")
    assert view.open_approvals == 0


async def test_an_agent_that_keeps_dying_is_not_resumed_for_ever(deckhouse: Deckhouse) -> None:
    """D2: at most three resumes without a turn that ended."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello\ndie 3")
    session_id = ids["session_id"]
    await session_in(deck, session_id, "idle")
    for _ in range(3):
        await deck.send(session_id, "die 4")
        await asyncio.sleep(0)
        view = await session_in(deck, session_id, "idle", "failed_needs_human")
        while view.state == "idle" and any(
            command.state in ("pending", "acknowledged")
            for command in await deck.commands(session_id)
        ):
            view = await deck.session(session_id)
    view = await session_in(deck, session_id, "failed_needs_human", "idle")
    assert view.state == "failed_needs_human"


async def test_a_stop_cut_short_by_a_crash_is_finished(deckhouse: Deckhouse) -> None:
    """D4: no process of a closed session is left running."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "hang")
    await session_in(deck, ids["session_id"], "running")
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    os.kill(info.agent.pid, signal.SIGSTOP)
    await deck.close_session(ids["session_id"])
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    await session_in(deck, ids["session_id"], "closed")
    eventually(lambda: not Path(f"/proc/{info.keeper.pid}").exists())


async def test_down_and_up_leaves_agents_alive(deckhouse: Deckhouse) -> None:
    """D5, V6: `qd down` drains; agents go on, and what they said meanwhile is read."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "wait go\ncount 20\nask touch asked", wait=True)
    await deck.down()
    await deck.wait_closed()
    (deckhouse.project / "go").touch()
    await asyncio.to_thread(
        eventually,
        lambda: (
            (deckhouse.agent_home / "counter").exists()
            and (deckhouse.agent_home / "counter").read_text() == "20"
        ),
    )
    deck = await deckhouse.deck()
    approval = await approval_of(deck, ids["session_id"])
    await decide(deck, approval, "approve")
    await session_in(deck, ids["session_id"], "idle")
    assert numbers(said(await whole_trace(deck, ids["session_id"]))) == list(range(1, 21))


async def test_nothing_is_started_while_all_agents_are_being_ended(deckhouse: Deckhouse) -> None:
    """V6: `drained` is the truth; a session that came in meanwhile would have been left behind.

    Red once `lifecycle.begin` does not ask whether all runs are being ended.
    """
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say x", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    resting = await deckhouse.new(deck, "say y", wait=True)
    await session_in(deck, resting["session_id"], "idle")
    assert deckhouse.prompts() == ["say x", "say y"]
    await deck.close_session(resting["session_id"])
    await session_in(deck, resting["session_id"], "closed")
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    os.kill(info.keeper.pid, signal.SIGSTOP)
    going = asyncio.ensure_future((await deckhouse.deck()).down(agents=True))

    async def refused(call: Awaitable[Any]) -> str:
        with pytest.raises(QuarterdeckError) as caught:
            await call
        return caught.value.code

    def being_ended() -> bool:
        with contextlib.closing(sqlite3.connect(deckhouse.places.database)) as db:
            query = "SELECT stopping FROM runs WHERE run_id = ?"
            return db.execute(query, (ids["run_id"],)).fetchone() == ("shutdown",)

    await asyncio.to_thread(eventually, being_ended)
    assert await refused(deckhouse.new(deck, "say never")) == "shutting_down"
    assert await refused(deck.send(resting["session_id"], "say never")) == "shutting_down"
    assert not going.done()
    os.kill(info.keeper.pid, signal.SIGCONT)
    told = await asyncio.wait_for(going, 30)
    assert (told["drained"], told["left"]) == (True, [])
    assert deckhouse.prompts() == ["say x", "say y"]
