"""A8, A9, A10: attention per reader, read marks, lists and the change feed."""

import json

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, approval_of, session_in


async def idle_session(house: Deckhouse, deck: Deck) -> str:
    ids = await house.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    return ids["session_id"]


async def unread(deck: Deck) -> set[str]:
    found, _ = await deck.sessions(state="unread")
    return {view.session_id for view in found}


async def test_a9_readers_have_marks_of_their_own_and_share_them_by_name(
    deckhouse: Deckhouse,
) -> None:
    """Two clients with different readers see different unread sets, with the same the same."""
    mine, mine_too = await deckhouse.deck(reader="me"), await deckhouse.deck(reader="me")
    theirs = await deckhouse.deck(reader="them")
    one, two = await idle_session(deckhouse, mine), await idle_session(deckhouse, mine)
    for deck in (mine, mine_too, theirs):
        assert await unread(deck) == {one, two}
    await mine.mark_read(one, (await mine.session(one)).version)
    assert await unread(mine) == await unread(mine_too) == {two}
    assert await unread(theirs) == {one, two}
    await mine_too.mark_unread(one)
    assert await unread(mine) == {one, two}
    assert await theirs.mark_all_read() == 2
    assert await unread(theirs) == set()
    assert await theirs.mark_all_read() == 0
    assert await unread(mine) == {one, two}
    await mine.send(one, "say more")
    await session_in(mine, one, "running", "idle")
    await session_in(mine, one, "idle")
    assert await unread(theirs) == {one}


async def test_a9_marking_all_leaves_what_the_client_has_not_seen(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    one = await idle_session(deckhouse, deck)
    seen = (await deck.session(one)).version
    two = await idle_session(deckhouse, deck)
    assert await deck.mark_all_read(up_to_version=seen) == 1
    assert await unread(deck) == {two}
    assert await deck.mark_all_read(project="/elsewhere") == 0


async def test_a9_a10_attention_orders_the_list(deckhouse: Deckhouse) -> None:
    """Waiting first, then active, unread, read; the filters show their own."""
    deck = await deckhouse.deck()
    read = await idle_session(deckhouse, deck)
    await deck.mark_read(read, (await deck.session(read)).version)
    waiting = (await deckhouse.new(deck, "ask touch x", wait=True))["session_id"]
    await approval_of(deck, waiting)
    active = (await deckhouse.new(deck, "hang", wait=True))["session_id"]
    await session_in(deck, active, "running")
    fresh = await idle_session(deckhouse, deck)
    whole, cursor = await deck.sessions(state="all")
    assert [v.session_id for v in whole] == [waiting, active, fresh, read]
    assert [v.attention for v in whole] == ["waiting", "active", "unread", "read"]
    assert cursor is None
    expected = {
        "default": [waiting, active, fresh],
        "waiting": [waiting],
        "running": [active],
        "unread": [fresh],
        "failed": [],
        "idle": [fresh, read],
    }
    for state, wanted in expected.items():
        found, _ = await deck.sessions(state=state)
        assert [v.session_id for v in found] == wanted, state
    counts = (await deck.status())["counts"]
    assert counts == {"waiting": 1, "failed": 0, "active": 1, "unknown": 0, "unread": 1, "read": 1}
    paged: list[str] = []
    cursor = None
    for _ in range(4):
        page, cursor = await deck.sessions(state="all", limit=1, cursor=cursor)
        paged += [v.session_id for v in page]
    assert paged == [waiting, active, fresh, read]
    assert cursor is None


async def test_a8_a10_the_change_feed_goes_by_version(deckhouse: Deckhouse) -> None:
    """Its cursor is the greatest version returned; archived and deleted ones are told of."""
    deck = await deckhouse.deck()
    one, two = await idle_session(deckhouse, deck), await idle_session(deckhouse, deck)
    first, cursor = await deck.changes(limit=1)
    assert [v.session_id for v in first] == [one]
    assert cursor == first[0].version
    rest, cursor = await deck.changes(cursor)
    assert [v.session_id for v in rest] == [two]
    assert await deck.changes(cursor) == ([], cursor)
    await deck.archive(one)
    await deck.close_session(two)
    await session_in(deck, two, "closed")
    await deck.delete(two)
    changed, newest = await deck.changes(cursor)
    assert [v.session_id for v in changed] == [one, two]
    assert changed[0].archived_at is not None
    assert changed[1].deleted_at is not None
    assert newest == changed[-1].version
    told = json.loads(deckhouse.qd("changes", "--after", str(cursor), "--json"))
    assert [row["session_id"] for row in told["sessions"]] == [one, two]
    assert told["cursor"] == newest
    with pytest.raises(QuarterdeckError, match="not of this store") as caught:
        await deck.changes(10**9)
    assert caught.value.code == "invalid_params"


async def test_a10_cursors_and_filters_from_elsewhere_are_refused(deckhouse: Deckhouse) -> None:
    deck, other = await deckhouse.deck(), await deckhouse.deck(reader="other")
    for _ in range(2):
        await idle_session(deckhouse, deck)
    _, cursor = await deck.sessions(state="all", limit=1)
    assert cursor is not None
    for call in (
        deck.sessions(state="unread", cursor=cursor),
        deck.sessions(state="all", agent="scripted", cursor=cursor),
        other.sessions(state="all", cursor=cursor),
        deck.sessions(state="all", cursor="bm8="),
        deck.sessions(state="all", cursor="€"),
        deck.sessions(state="nonsense"),
    ):
        with pytest.raises(QuarterdeckError) as caught:
            await call
        assert caught.value.code == "invalid_params"
