"""A launcher that ends without a word after the agent it started has answered (R4, D3)."""

import asyncio
import os
import signal
from pathlib import Path

from quarterdeck.agents import process
from quarterdeck.agents.holding import RunDirectory, read_info
from tests.support.deckhouse import Deckhouse, session_in, whole_trace
from tests.support.waiting import eventually


async def test_an_agent_that_answered_before_its_launcher_failed_is_resumed(
    deckhouse: Deckhouse, tmp_path: Path
) -> None:
    """Its turn was interrupted; the session must not stay `running` with nothing that runs.

    Red once `lifecycle._fail_start_now` lets go of a run whose handshake is over.
    """
    held = tmp_path / "held"
    rule = f"stop:launcher.report.before:1@{held}"
    supervisor = deckhouse.start_supervisor(QUARTERDECK_KEEPER_FAILPOINT=rule)
    await asyncio.to_thread(eventually, deckhouse.places.socket.exists)
    deck = await deckhouse.deck(start=False)
    ids = await deckhouse.new(deck, "hang")
    session_id = ids["session_id"]
    await session_in(deck, session_id, "running")
    await asyncio.to_thread(eventually, held.exists)
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    os.kill(_parent(info.keeper.pid), signal.SIGKILL)
    again = await session_in(deck, session_id, "idle")
    assert again.run_id != ids["run_id"]
    assert again.terminal_status == "interrupted"
    assert not process.is_alive(info.keeper) and not process.is_alive(info.agent)
    assert deckhouse.prompts() == ["hang"]
    events = await whole_trace(deck, session_id)
    first = [event for event in events if event.run_id == ids["run_id"]]
    kinds = [event.type for event in first]
    assert kinds[-3:] == ["error", "run.failed", "terminal_status"], kinds
    assert "did not start" in first[-3].payload["message"]
    await deckhouse.end_supervisor()
    assert await asyncio.to_thread(supervisor.wait, 20) == 0


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
