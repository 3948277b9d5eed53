"""C9: damaged details of stored records, through a real supervisor that starts on them."""

import sqlite3

from tests.support.deckhouse import Deckhouse, said, session_in, trace
from tests.support.waiting import eventually_async


async def test_c9_damaged_detail_is_survived_and_nothing_else_is_lost(deckhouse: Deckhouse) -> None:
    """Bad JSON in a session, a run and an event: each loads, with that detail alone missing."""
    deck = await deckhouse.deck()
    ids = []
    for text in ("say kept", "say damaged"):
        told = 'usage {"used": 10, "size": 100}'
        new = await deckhouse.new(
            deck, f"{told}\n{text}", wait=True, bundle={"credential": "deploy-key"}
        )
        await session_in(deck, new["session_id"], "idle")
        await deck.close_session(new["session_id"])
        await session_in(deck, new["session_id"], "closed")
        ids.append(new["session_id"])
    kept, damaged = ids
    before = [await deck.session(session_id) for session_id in ids]
    assert before[1].usage is not None
    events = await trace(deck, damaged)
    spoken = next(event for event in events if event.type == "assistant_message")
    await deck.down()
    await deck.wait_closed()
    with sqlite3.connect(deckhouse.places.database) as db:
        db.execute("UPDATE sessions SET usage = '{\"used' WHERE session_id = ?", (damaged,))
        db.execute(
            "UPDATE runs SET agent_info = 'rubbish', bundle = '[1' WHERE session_id = ?", (damaged,)
        )
        db.execute(
            "UPDATE events SET payload = '{not json' WHERE seq = ? AND run_no ="
            " (SELECT run_no FROM runs WHERE session_id = ?)",
            (spoken.seq, damaged),
        )
    deck = await deckhouse.deck()
    found, _ = await deck.sessions(state="all")
    assert {view.session_id for view in found} == {kept, damaged}
    assert await deck.session(kept) == before[0]
    view = await deck.session(damaged)
    assert view.usage is None
    assert (view.title, view.state, view.version) == (before[1].title, "closed", before[1].version)
    run = (await deck.runs(damaged))[0]
    assert (run.state, run.agent_info, run.bundle) == ("completed", None, None)
    after = await trace(deck, damaged)
    assert [event.seq for event in after] == [event.seq for event in events]
    assert after[spoken.seq - 1].payload == {"damaged": "{not json"}
    assert [e for e in after if e.seq != spoken.seq] == [e for e in events if e.seq != spoken.seq]
    assert "a damaged detail is passed over" in deckhouse.places.log.read_text()
    await deck.send(damaged, "say again")
    await session_in(deck, damaged, "idle")
    assert said(await trace(deck, damaged)) == "again"


async def test_c9_an_unknown_state_and_a_damaged_driver_hide_nothing(
    deckhouse: Deckhouse,
) -> None:
    """C9: the session is listed as unknown; a run whose driver is damaged is resumed."""
    deck = await deckhouse.deck()
    odd = await deckhouse.new(deck, "say odd", wait=True)
    torn = await deckhouse.new(deck, "say torn", wait=True)
    for ids in (odd, torn):
        await session_in(deck, ids["session_id"], "idle")
    await deck.close_session(odd["session_id"])
    await session_in(deck, odd["session_id"], "closed")
    deckhouse.kill_supervisor()
    with sqlite3.connect(deckhouse.places.database) as db:
        db.execute(
            "UPDATE sessions SET state = 'nonsense' WHERE session_id = ?", (odd["session_id"],)
        )
        db.execute("UPDATE runs SET driver = '{bad' WHERE run_id = ?", (torn["run_id"],))
    deck = await deckhouse.deck()
    listed, _ = await deck.sessions(state="all")
    assert {view.session_id for view in listed} == {odd["session_id"], torn["session_id"]}
    assert (await deck.session(odd["session_id"])).state == "unknown"
    await deck.send(torn["session_id"], "say again")
    await eventually_async(lambda: _prompted(deckhouse, "say again"))


async def _prompted(deckhouse: Deckhouse, text: str) -> bool:
    return text in deckhouse.prompts()
