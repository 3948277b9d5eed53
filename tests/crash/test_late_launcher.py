"""A launcher that ends without a word, when what it was to start matters no more or is at work."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from quarterdeck.agents import process
from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
from tests.support.deckhouse import Deckhouse, session_in, whole_trace
from tests.support.waiting import eventually


class Held:
    """A supervisor whose first launcher stops at one place."""

    def __init__(self, house: Deckhouse, folder: Path) -> None:
        self.house, self._told = house, folder / "held"

    async def begin(self, place: str) -> Deck:
        """Start the supervisor and connect."""
        rule = f"stop:{place}:1@{self._told}"
        self.supervisor = self.house.start_supervisor(QUARTERDECK_KEEPER_FAILPOINT=rule)
        await asyncio.to_thread(eventually, self.house.places.socket.exists)
        return await self.house.deck(start=False)

    async def reached(self) -> None:
        """Wait until a launcher stands still there."""
        await asyncio.to_thread(eventually, self._told.exists)

    async def end(self) -> None:
        """End the supervisor."""
        await self.house.end_supervisor()
        assert await asyncio.to_thread(self.supervisor.wait, 60) == 0


@pytest.fixture
def held(deckhouse: Deckhouse, tmp_path: Path) -> Held:
    return Held(deckhouse, tmp_path)


async def test_an_agent_that_answered_before_its_launcher_failed_is_resumed(held: Held) -> None:
    """R4, D3: its turn was interrupted; it does not stay `running` with nothing that runs.

    Red once `lifecycle._fail_start_now` lets go of a run whose handshake is over.
    """
    house = held.house
    deck = await held.begin("launcher.report.before")
    ids = await house.new(deck, "hang")
    session_id = ids["session_id"]
    await session_in(deck, session_id, "running")
    await held.reached()
    await asyncio.to_thread(eventually, lambda: house.prompts() == ["hang"])
    info = read_info(RunDirectory(house.places.runs / ids["run_id"]))
    assert info is not None
    os.kill(_parent(info.keeper.pid), signal.SIGKILL)
    again = await session_in(deck, session_id, "idle")
    assert again.run_id != ids["run_id"]
    assert again.terminal_status == "interrupted"
    assert not process.is_alive(info.keeper) and not process.is_alive(info.agent)
    assert house.prompts() == ["hang"]
    events = await whole_trace(deck, session_id)
    first = [event for event in events if event.run_id == ids["run_id"]]
    kinds = [event.type for event in first]
    assert kinds[-3:] == ["error", "run.failed", "terminal_status"], kinds
    assert "did not start" in first[-3].payload["message"]
    await held.end()


async def test_a_cancelled_start_whose_launcher_fails_late_leaves_the_next_run_alone(
    held: Held,
) -> None:
    """R5: a late failure overwrites nothing.

    Red once `lifecycle.fail_start` does not ask whether the session is still being started by it.
    """
    house = held.house
    deck = await held.begin("launcher.fork.before")
    ids = await house.new(deck, "say never")
    session_id = ids["session_id"]
    await held.reached()
    await deck.cancel(session_id)
    await deck.send(session_id, "say again")
    await session_in(deck, session_id, "idle")
    (launcher,) = process.survivors(ids["run_id"])
    os.kill(launcher, signal.SIGKILL)
    await held.end()  # which waits until both runs are let go
    deck = await house.deck()
    view = await deck.session(session_id)
    assert (view.state, view.failure) == ("closed", None)
    assert [run.state for run in await deck.runs(session_id)] == ["cancelled", "completed"]
    kinds = [event.type for event in await whole_trace(deck, session_id)]
    assert kinds.count("session.closed") == 2 and "session.failed" not in kinds
    assert house.prompts() == ["say again"]


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
