"""EIO on the database, the journal and the spool: typed errors, nothing torn, and it heals."""

import asyncio
import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
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
from tests.support.failing_disk import failing
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.slow
CHUNKS = 600


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"#(\d+) ", text)]


def injected(noted: Path) -> int:
    return noted.read_text().count("(INJECTED)") if noted.exists() else 0


def sound(database: Path) -> bool:
    with contextlib.closing(sqlite3.connect(database)) as db:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("calls", [("pwrite64",), ("fsync", "fdatasync")], ids=["write", "sync"])
async def test_a_database_that_cannot_be_written_refuses_and_heals(
    deckhouse: Deckhouse, calls: tuple[str, ...]
) -> None:
    """A14, A16: `store_unusable` for what needs the disk's word; afterwards all of it succeeds."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"count {CHUNKS} 0.004\nask touch asked", wait=True)
    session_id = ids["session_id"]
    sent = await deck.send(session_id, "say before", key="before")
    wal = deckhouse.places.database.with_name("quarterdeck.db-wal")
    with failing(deckhouse.supervisor_pid(), wal, *calls) as noted:
        with pytest.raises(QuarterdeckError) as caught:
            await deck.send(session_id, "say during", key="during")
        assert caught.value.code == "store_unusable"
        assert injected(noted)
        assert (await deck.session(session_id)).session_id == session_id
        if "pwrite64" in calls:  # what the agent says needs no sync, and is written meanwhile
            assert (await deck.status())["store"]["reachable"] is False
    again = await _sent_in_the_end(deck, session_id, "say during", "during")
    approval = await approval_of(deck, session_id, within=60)
    deckhouse.kill_supervisor()
    assert sound(deckhouse.places.database)
    deck = await deckhouse.deck()
    assert (await decide(deck, approval, "approve")).action == "approve"
    await eventually_async(lambda: _over(deck, sent.command_id, again), within=60)
    await session_in(deck, session_id, "idle")
    text = said(await whole_trace(deck, session_id))
    assert numbers(text) == list(range(1, CHUNKS + 1))
    assert text.endswith("allowedbeforeduring")
    assert len(deckhouse.answers()) == 1
    assert (await deck.status())["store"]["reachable"] is True


async def _sent_in_the_end(deck: Deck, session_id: str, text: str, key: str) -> str:
    for _ in range(100):
        try:
            return (await deck.send(session_id, text, key=key)).command_id
        except QuarterdeckError as error:
            assert error.code == "store_unusable"
            await asyncio.sleep(0.1)
    raise AssertionError("the store did not heal")


async def _over(deck: Deck, *command_ids: str) -> bool:
    return all([(await deck.command(one)).state == "completed" for one in command_ids])


async def test_a_journal_that_cannot_be_written_holds_the_agent_back(deckhouse: Deckhouse) -> None:
    """Keeper rule 6: what was read from the agent is kept, nothing more is, nothing is torn."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "wait go\ncount 3000", wait=True)
    directory = RunDirectory(deckhouse.places.runs / ids["run_id"])
    info = read_info(directory)
    assert info is not None
    with failing(info.keeper.pid, directory.journal, "write") as noted:
        (deckhouse.project / "go").touch()
        await eventually_async(lambda: _injected(noted, 3), what="writes that fail")
        assert numbers(said(await trace(deck, ids["session_id"]))) == []
        assert (await deck.session(ids["session_id"])).state == "running"
    await session_in(deck, ids["session_id"], "idle", within=60)
    text = said(await whole_trace(deck, ids["session_id"]))
    assert numbers(text) == list(range(1, 3001))


async def _injected(noted: Path, wanted: int) -> bool:
    return injected(noted) >= wanted


async def test_a_spool_that_cannot_be_written_delays_what_was_committed(
    deckhouse: Deckhouse,
) -> None:
    """Keeper rule 1: an acknowledged prompt reaches the agent once the disk takes it, and once."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say first", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    spool = RunDirectory(deckhouse.places.runs / ids["run_id"]).spool
    with failing(deckhouse.supervisor_pid(), spool, "pwrite64") as noted:
        await deck.send(ids["session_id"], "say second")
        await deck.send(ids["session_id"], "say third")
        await eventually_async(lambda: _injected(noted, 2), what="writes that fail")
        assert deckhouse.prompts() == ["say first"]
        assert (await deck.status())["store"]["reachable"] is True
    await eventually_async(lambda: _prompted(deckhouse, 3), what="the prompts arrive")
    await session_in(deck, ids["session_id"], "idle")
    assert deckhouse.prompts() == ["say first", "say second", "say third"]
    assert said(await whole_trace(deck, ids["session_id"])) == "firstsecondthird"


async def _prompted(house: Deckhouse, wanted: int) -> bool:
    return len(house.prompts()) >= wanted


async def test_a_supervisor_killed_between_failed_writes_hands_over_once(
    deckhouse: Deckhouse,
) -> None:
    """Keeper rule 1 at a restart: what was committed and could not be spooled is spooled then."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch asked", wait=True)
    approval = await approval_of(deck, ids["session_id"])
    spool = RunDirectory(deckhouse.places.runs / ids["run_id"]).spool
    with failing(deckhouse.supervisor_pid(), spool, "pwrite64") as noted:
        await decide(deck, approval, "approve")
        await eventually_async(lambda: _injected(noted, 1), what="a write that fails")
        deckhouse.kill_supervisor()
    assert deckhouse.answers() == []
    deck = await deckhouse.deck()
    assert (await decide(deck, approval, "approve")).action == "approve", "the same token again"
    await session_in(deck, ids["session_id"], "idle")
    assert len(deckhouse.answers()) == 1
    assert (deckhouse.project / "asked").exists()
