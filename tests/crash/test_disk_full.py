"""The disk fills while agents stream and a person decides; then there is room again."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import CommandView
from tests.support.deckhouse import (
    Deckhouse,
    approval_of,
    decide,
    said,
    session_in,
    whole_trace,
)
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.slow
CHUNKS = 1500


@pytest.fixture
async def house_on_disk(tmp_path: Path) -> AsyncIterator[tuple[Deckhouse, SmallDisk]]:
    """A deckhouse whose state directory, and nothing else, lies on a disk of 24 MB."""
    house = Deckhouse(tmp_path)
    asker = tmp_path / "asker"
    asker.mkdir()
    text = house.places.config_file.read_text()
    more = text.replace("[agents.scripted]", "[agents.asker]")
    house.places.config_file.write_text(text + more.replace(str(house.agent_home), str(asker)))
    with small_disk(house.places.state, megabytes=24) as disk:
        yield house, disk
        if (disk.path / "filler").exists():
            disk.free()
        await house.close()


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"#(\d+) ", text)]


async def _fill_until_refused(
    deck: Deck, disk: SmallDisk, session_id: str
) -> tuple[list[CommandView], QuarterdeckError]:
    """Send prompts on a disk that is filled again and again; return what was acknowledged."""
    acknowledged: list[CommandView] = []
    for number in range(200):
        disk.fill()
        text = f"say queued-{number}" + "." * 20_000
        try:
            acknowledged.append(await deck.send(session_id, text, key=f"queued-{number}"))
        except QuarterdeckError as error:
            return acknowledged, error
    raise AssertionError("the disk never was full")


async def test_nothing_acknowledged_is_lost_on_a_full_disk_and_all_goes_on_with_room(
    house_on_disk: tuple[Deckhouse, SmallDisk],
) -> None:
    """Keeper rule 6, A14, A16: the agent blocks, writes get a typed error, and it heals itself."""
    house, disk = house_on_disk
    deck = await house.deck()
    streaming = await house.new(deck, f"count {CHUNKS} 0.004", wait=True)
    asking = await house.new(deck, "ask touch asked\nsay after", agent="asker", wait=True)
    approval = await approval_of(deck, asking["session_id"])
    info = read_info(RunDirectory(house.places.runs / streaming["run_id"]))
    assert info is not None
    queued, error = await _fill_until_refused(deck, disk, asking["session_id"])
    assert error.code == "store_unusable" and "full" in f"{error.message} {error.hint}"

    with pytest.raises(QuarterdeckError) as refused:
        await decide(deck, approval, "approve")
    assert refused.value.code == "store_unusable"
    assert await deck.approvals() == [approval], "reads go on, and nothing is decided"
    status = await deck.status()
    assert status["store"]["reachable"] is False and status["store"]["why"]
    journal = RunDirectory(house.places.runs / streaming["run_id"]).journal
    await eventually_async(lambda: _stands_still(journal), what="the stream waits for room")
    assert not (house.project / "asked").exists()

    disk.free()
    await eventually_async(lambda: _decides(deck, approval), what="the same decision succeeds")
    await session_in(deck, asking["session_id"], "idle", within=60)
    await session_in(deck, streaming["session_id"], "idle", within=60)
    assert numbers(said(await whole_trace(deck, streaming["session_id"]))) == list(
        range(1, CHUNKS + 1)
    )
    assert (house.project / "asked").exists()
    answers = (house.agent_home.parent / "asker" / "answers").read_text().splitlines()
    assert len(answers) == 1
    told = {c.command_id: c.state for c in await deck.commands(asking["session_id"])}
    assert [told[command.command_id] for command in queued] == ["completed"] * len(queued)
    assert os.path.exists(f"/proc/{info.agent.pid}"), "no agent was ended for it"  # noqa: PTH110
    assert (await deck.status())["store"]["reachable"] is True


async def _stands_still(journal: Path) -> bool:
    before = journal.stat().st_size
    await asyncio.sleep(0.5)
    return journal.stat().st_size == before


async def _decides(deck: Deck, approval) -> bool:
    try:
        await decide(deck, approval, "approve")
    except QuarterdeckError as error:
        assert error.code == "store_unusable"
        return False
    return True


async def test_a_supervisor_killed_on_a_full_disk_comes_back_with_room(
    house_on_disk: tuple[Deckhouse, SmallDisk],
) -> None:
    """D2: until then a start says why it failed, and leaves store and agents as they are."""
    house, disk = house_on_disk
    deck = await house.deck()
    streaming = await house.new(deck, f"count {CHUNKS} 0.002", wait=True)
    queued, _ = await _fill_until_refused(deck, disk, streaming["session_id"])
    house.kill_supervisor()
    disk.fill()
    try:
        deck = await house.deck()
        await deck.sessions()
    except QuarterdeckError as error:
        assert error.code in ("cannot_start", "store_unusable"), error
        assert "full" in error.message or "No space" in error.message, error.message
    disk.free()
    deck = await house.deck()
    await session_in(deck, streaming["session_id"], "idle", within=60)
    await eventually_async(lambda: _all_over(deck, streaming["session_id"]), within=60)
    text = said(await whole_trace(deck, streaming["session_id"]))
    assert numbers(text) == list(range(1, CHUNKS + 1))
    assert re.findall(r"queued-\d+", text) == [f"queued-{n}" for n in range(len(queued))]
    assert len(await deck.runs(streaming["session_id"])) == 1, "its agent lived through it"


async def _all_over(deck: Deck, session_id: str) -> bool:
    return all(c.state == "completed" for c in await deck.commands(session_id))
