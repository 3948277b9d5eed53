"""Retention and `qd store`, through a real supervisor."""

import asyncio
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, session_in, trace, whole_trace
from tests.support.waiting import eventually_async

DAY_MS = 86_400_000


async def closed(house: Deckhouse, deck: Deck, prompt: str) -> str:
    ids = await house.new(deck, prompt)
    await session_in(deck, ids["session_id"], "idle")
    await deck.close_session(ids["session_id"])
    await session_in(deck, ids["session_id"], "closed")
    return ids["session_id"]


async def down(house: Deckhouse) -> None:
    """End the supervisor and wait for its end; agents live on."""
    for deck in house.decks:
        await deck.close()
    house.decks.clear()
    house.qd("down")


def change(house: Deckhouse, sql: str, *values: Any) -> None:
    """Change the store while no supervisor runs."""
    with sqlite3.connect(house.places.database) as db:
        db.execute(sql, values)
    db.close()


def age(house: Deckhouse, session_id: str, days: int) -> None:
    change(
        house,
        "UPDATE sessions SET last_activity = last_activity - ? WHERE session_id = ?",
        days * DAY_MS,
        session_id,
    )


async def trimmed(deck: Deck) -> dict[str, Any]:
    """Wait until the pass at start is over and return what it did."""

    async def over() -> bool:
        return (await deck.store_stats())["last_trim"] is not None

    await eventually_async(over)
    return (await deck.store_stats())["last_trim"]


async def test_events_of_old_closed_sessions_are_trimmed_and_no_others(
    deckhouse: Deckhouse,
) -> None:
    """A2: a run is trimmed whole, so no seq ever has a gap; live and pinned ones stay."""
    deck = await deckhouse.deck()
    old = await closed(deckhouse, deck, "say ancient words")
    pinned = await closed(deckhouse, deck, "say ancient words")
    young = await closed(deckhouse, deck, "say ancient words")
    live = (await deckhouse.new(deck, "say ancient words"))["session_id"]
    await session_in(deck, live, "idle")
    failing = await closed(deckhouse, deck, "say ancient words")
    await down(deckhouse)
    for session_id in (old, pinned, live, failing):
        age(deckhouse, session_id, 40)
    change(deckhouse, "UPDATE sessions SET pinned = 1 WHERE session_id = ?", pinned)
    change(
        deckhouse,
        "UPDATE sessions SET state = 'failed_needs_human' WHERE session_id = ?",
        failing,
    )
    deckhouse.configure("[retention]\nmax_age_days = 30")
    deck = await deckhouse.deck()
    told = await trimmed(deck)
    assert (told["sessions"], told["events"] > 3) == (1, True)
    assert await trace(deck, old) == []
    (run,) = await deck.runs(old)
    assert run.trimmed == told["events"]
    assert (run.trimmed_at or "") >= (run.ended_at or "~")
    gone = f"the {run.trimmed} events of run 1 were trimmed by retention"
    for command in ("trace", "output"):
        for which in ((), ("--all-runs",), ("--run", run.run_id[-8:])):
            done = await asyncio.to_thread(deckhouse.qd, command, old, *which, both=True)
            assert done.splitlines() == [gone]
    for session_id in (pinned, young, live, failing):
        assert len(await whole_trace(deck, session_id)) > 3
    hits, _ = await deck.search("ancient", types=["assistant_message"])
    assert {hit.session_id for hit in hits} == {pinned, young, live, failing}
    assert (await deck.session(old)).title == "say ancient words"
    assert await deck.store_check() == {"ok": True, "problems": []}
    stats = await deck.store_stats()
    assert (stats["trimmed_runs"], stats["trimmed_events"]) == (1, told["events"])
    await deck.send(old, "say and on it goes")
    await session_in(deck, old, "idle")
    assert len(await trace(deck, old)) > 3
    exported = [record async for record in deck.export(old)]
    assert [r["trimmed"] > 0 for r in exported if r["record"] == "run"] == [True, False]


async def test_a_store_too_large_loses_its_oldest_closed_session_first(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    big = "\n".join(f"say {'x y ' * 5000}{n}" for n in range(10))
    first = await closed(deckhouse, deck, big)
    second = await closed(deckhouse, deck, big)
    used = (await deck.store_stats())["used_bytes"]
    await down(deckhouse)
    deckhouse.configure(f"[retention]\nmax_bytes = {used - 50_000}")
    deck = await deckhouse.deck()
    assert (await trimmed(deck))["sessions"] == 1
    assert await trace(deck, first) == []
    assert len(await trace(deck, second)) > 10
    before = (await deck.store_stats())["bytes"]
    told = await deck.store_vacuum()
    assert told["bytes"] < before
    assert len(await trace(deck, second)) > 10
    assert (await deck.search("first OR", session_id=second))[0] == []


async def test_journals_of_ended_runs_are_removed_and_live_ones_kept(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    over = await closed(deckhouse, deck, "say over")
    live = await deckhouse.new(deck, "say live")
    await session_in(deck, live["session_id"], "idle")
    [run] = await deck.runs(over)
    assert (deckhouse.places.runs / run.run_id).is_dir()
    assert (await deck.store_stats())["journals"]["runs"] == 2
    await down(deckhouse)
    deckhouse.configure("[retention]\njournal_days = 0")
    deck = await deckhouse.deck()
    assert (await trimmed(deck))["journals"] == 1
    assert not (deckhouse.places.runs / run.run_id).exists()
    assert (deckhouse.places.runs / live["run_id"]).is_dir()
    await deck.send(live["session_id"], "say again")
    await session_in(deck, live["session_id"], "idle")
    assert len(await trace(deck, over)) > 2


async def test_a_backup_made_while_an_agent_writes_is_whole(
    deckhouse: Deckhouse, tmp_path: Path
) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "count 200 0.002\nwait go")
    await session_in(deck, ids["session_id"], "running")
    file = tmp_path / "copy.db"
    told = json.loads(deckhouse.qd("store", "backup", str(file), "--json"))
    assert told == {"path": str(file), "bytes": file.stat().st_size}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT session_id FROM sessions").fetchall() == [(ids["session_id"],)]
    db.close()
    with pytest.raises(QuarterdeckError) as caught:
        await deck.store_backup(str(file))
    assert caught.value.code == "backup_failed"
    with pytest.raises(QuarterdeckError) as caught:
        await deck.store_backup("relative.db")
    assert caught.value.code == "invalid_params"
    with pytest.raises(QuarterdeckError) as caught:
        await deck.store_backup(str(tmp_path / "missing" / "copy.db"))
    assert caught.value.code == "backup_failed"
    (deckhouse.project / "go").touch()
    await session_in(deck, ids["session_id"], "idle")


async def test_restore_needs_the_lock_and_keeps_the_replaced_store(
    deckhouse: Deckhouse, tmp_path: Path
) -> None:
    """D1: nobody has the store open while it is replaced."""
    deck = await deckhouse.deck()
    kept = await closed(deckhouse, deck, "say kept")
    file = tmp_path / "copy.db"
    await deck.store_backup(str(file))
    later = await closed(deckhouse, deck, "say later")
    with pytest.raises(AssertionError, match="4\n"):
        deckhouse.qd("store", "restore", str(file))
    assert (await deck.session(later)).state == "closed"
    await down(deckhouse)
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no store" * 1000)
    with pytest.raises(AssertionError, match="backup"):
        deckhouse.qd("store", "restore", str(rubbish))
    told = json.loads(deckhouse.qd("store", "restore", str(file), "--json"))
    deck = await deckhouse.deck()
    found, _ = await deck.sessions(state="all")
    assert [view.session_id for view in found] == [kept]
    assert await deck.store_check() == {"ok": True, "problems": []}
    aside = sqlite3.connect(told["aside"])
    assert aside.execute("SELECT count(*) FROM sessions").fetchone() == (2,)
    aside.close()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM events WHERE seq = 2", "seqs that are not"),
        ("UPDATE sessions SET open_approvals = 3", "open approvals"),
        ("UPDATE runs SET run_no = run_no + 100", "events of no run"),
        ("DELETE FROM search_blocks", "without its place"),
    ],
)
async def test_check_finds_what_is_broken(deckhouse: Deckhouse, damage: str, said: str) -> None:
    deck = await deckhouse.deck()
    await closed(deckhouse, deck, "count 3")
    assert json.loads(deckhouse.qd("store", "check", "--json"))["ok"] is True
    change(deckhouse, damage)
    told = await deck.store_check()
    assert told["ok"] is False
    assert any(said in problem for problem in told["problems"]), told
    with pytest.raises(AssertionError, match=r": 1\n"):
        deckhouse.qd("store", "check")


async def test_a_damaged_store_is_moved_aside_and_status_says_so(deckhouse: Deckhouse) -> None:
    """C9."""
    deck = await deckhouse.deck()
    await closed(deckhouse, deck, "say lost?")
    await down(deckhouse)
    for file in deckhouse.places.state.glob("quarterdeck.db-*"):
        file.unlink()
    size = deckhouse.places.database.stat().st_size
    deckhouse.places.database.write_bytes(b"\0rubbish" * (size // 8))
    deck = await deckhouse.deck()
    note = (await deck.status())["store"]["note"]
    assert "damaged" in note
    [aside] = deckhouse.places.state.glob("quarterdeck.db.damaged-*")
    assert str(aside) in note
    assert "damaged" in deckhouse.qd("status")
    assert (await deck.store_stats())["note"] == note
    await down(deckhouse)
    told = json.loads(deckhouse.qd("status", "--json"))
    [left] = told["damaged"]
    assert (told["running"], left["file"]) == (False, str(aside))
    assert left["reason"] in note
    assert f"({left['reason']}) was moved aside to {aside}" in deckhouse.qd("status")
    await deckhouse.deck()
    assert str(aside) in deckhouse.qd("status"), "also of a supervisor that did not see it"
    aside.unlink()
    assert str(aside) not in deckhouse.qd("status")


async def test_a_store_of_an_earlier_version_is_indexed_at_start(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await closed(deckhouse, deck, "say an earlier\nsay  version")
    await down(deckhouse)
    change(deckhouse, "DELETE FROM search_blocks")
    change(deckhouse, "INSERT INTO search_text (search_text) VALUES ('delete-all')")
    deck = await deckhouse.deck()

    async def found() -> bool:
        hits, _ = await deck.search('"earlier version"', types=["assistant_message"])
        return [hit.session_id for hit in hits] == [session_id]

    await eventually_async(found)


async def test_qd_store_stats(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    await closed(deckhouse, deck, "say a")
    told = json.loads(deckhouse.qd("store", "stats", "--json"))
    assert told["rows"]["sessions"] == 1
    assert told["retention"] == {"max_age_days": None, "max_bytes": None, "journal_days": 7.0}
    assert "rows: sessions 1" in deckhouse.qd("store", "stats")
    assert "bytes" in deckhouse.qd("store", "vacuum")
