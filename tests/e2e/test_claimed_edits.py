"""What an agent claims a file says decides what a diff shows; the write has to match it (§5)."""

from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in, whole_trace


async def test_an_edit_that_hid_what_it_takes_away_is_asked_again_with_the_real_difference(
    deckhouse: Deckhouse,
) -> None:
    """Red once `file_asking._covering` does not compare the old text with the file's."""
    file = deckhouse.project / "notes.txt"
    file.write_text("keep me\n")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "edit notes.txt changed", wait=True)
    claimed = await approval_of(deck, ids["session_id"])
    assert "keep me" not in claimed.subject
    await decide(deck, claimed, "approve")
    await session_in(deck, ids["session_id"], "waiting", "idle")
    real = await approval_of(deck, ids["session_id"])
    assert real.kind == "file" and "-keep me" in real.subject
    assert file.read_text() == "keep me\n"
    await decide(deck, real, "deny")
    await session_in(deck, ids["session_id"], "idle")
    assert file.read_text() == "keep me\n"


async def test_an_edit_whose_diff_was_the_real_one_is_not_asked_twice(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "edit fresh.txt made", wait=True)
    await decide(deck, await approval_of(deck, ids["session_id"]), "approve")
    await session_in(deck, ids["session_id"], "idle")
    assert (deckhouse.project / "fresh.txt").read_text() == "made"


async def test_an_approved_edit_that_the_agent_has_made_itself_by_then_is_not_asked_twice(
    deckhouse: Deckhouse,
) -> None:
    """Opencode writes the file once it may, and asks its client to write it as well (C4).

    Red once `file_asking._covering` compares with the old text only: the session waits again.
    """
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "myself fresh.txt made", wait=True)
    await decide(deck, await approval_of(deck, ids["session_id"]), "approve")
    await session_in(deck, ids["session_id"], "idle")
    assert (deckhouse.project / "fresh.txt").read_text() == "made"
    kinds = [event.type for event in await whole_trace(deck, ids["session_id"])]
    assert kinds.count("approval.requested") == 1
