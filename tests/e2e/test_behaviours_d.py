"""D1, D2, D4: one supervisor, and what its start-up resumes and sweeps."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
from tests.support.deckhouse import Deckhouse, said, session_in, whole_trace
from tests.support.waiting import eventually_async


async def test_d1_a_second_supervisor_is_refused_and_touches_nothing(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "hang", wait=True)
    pid = deckhouse.supervisor_pid()
    change = (await deck.status())["change"]
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "quarterdeck.supervisor"),
        env=deckhouse.environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, told = await asyncio.wait_for(second.communicate(), 60)
    finally:
        if second.returncode is None:
            second.kill()
            await second.wait()
    assert second.returncode == 4
    assert str(pid) in told.decode()
    assert deckhouse.supervisor_pid() == pid
    status = await deck.status()
    assert (status["pid"], status["change"]) == (pid, change)
    assert (await deck.session(ids["session_id"])).active


async def test_d2_a_session_whose_agent_died_meanwhile_works_again(deckhouse: Deckhouse) -> None:
    """Its old run has ended, a new one answers, and no approval is left behind."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say before", wait=True)
    session_id = ids["session_id"]
    await session_in(deck, session_id, "idle")
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    deckhouse.kill_supervisor()
    os.kill(info.keeper.pid, signal.SIGKILL)
    deck = await deckhouse.deck()
    assert await deck.approvals() == []
    assert [run.state for run in await deck.runs(session_id)] == ["failed", "running"]
    await deck.send(session_id, "say after")
    await eventually_async(lambda: _heard(deck, session_id, "beforeafter"))


async def _heard(deck: Deck, session_id: str, text: str) -> bool:
    return said(await whole_trace(deck, session_id)) == text


async def test_d4_an_agent_whose_run_has_ended_is_swept_at_start(deckhouse: Deckhouse) -> None:
    """Neither resumed nor asked about; what runs for a live session is left alone."""
    deck = await deckhouse.deck()
    stray = await deckhouse.new(deck, "hang", wait=True)
    live = await deckhouse.new(deck, "hang", wait=True)
    info = read_info(RunDirectory(deckhouse.places.runs / stray["run_id"]))
    assert info is not None
    deckhouse.kill_supervisor()
    with sqlite3.connect(deckhouse.places.database) as db:
        db.execute("UPDATE runs SET state = 'cancelled' WHERE run_id = ?", (stray["run_id"],))
        db.execute(
            "UPDATE sessions SET state = 'closed', active_run_id = NULL, active_command_id = NULL"
            " WHERE session_id = ?",
            (stray["session_id"],),
        )
    deck = await deckhouse.deck()
    assert await deck.approvals() == []
    report = (await deck.status())["recovery"]
    assert [line["run_id"] for line in report["swept"]] == [stray["run_id"]]

    async def gone() -> bool:
        return not Path(f"/proc/{info.keeper.pid}").exists()

    await eventually_async(gone)
    assert (await session_in(deck, stray["session_id"], "closed")).active is False
    view = await session_in(deck, live["session_id"], "running")
    assert (view.active, view.run_id) == (True, live["run_id"])
