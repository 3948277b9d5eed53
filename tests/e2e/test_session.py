"""One agent end to end: real supervisor, keeper, agent process, store and socket."""

from tests.support.deckhouse import (
    Deckhouse,
    approval_of,
    decide,
    said,
    session_in,
    trace,
    whole_trace,
)


async def test_a_prompt_is_worked_and_its_events_are_numbered(deckhouse: Deckhouse) -> None:
    """A2, R3: started, prompted, answered; seq 1, 2, 3 … without gaps."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "count 50\nsay done", wait=True)
    view = await session_in(deck, ids["session_id"], "idle")
    assert view.attention == "unread"
    events = await whole_trace(deck, ids["session_id"])
    assert said(events) == "".join(f"#{n} " for n in range(1, 51)) + "done"
    assert [e.type for e in events][:2] == ["session.started", "user_message"]
    assert events[-1].type == "terminal_status"
    assert deckhouse.prompts() == ["count 50\nsay done"]


async def test_an_approved_command_runs_and_a_denied_one_does_not(deckhouse: Deckhouse) -> None:
    """C5: the question waits, its answer reaches the agent's stdin."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch yes.txt\nask touch no.txt")
    session_id = ids["session_id"]
    first = await approval_of(deck, session_id)
    assert first.subject == "touch yes.txt"
    view = await deck.session(session_id)
    assert (view.state, view.attention) == ("waiting", "waiting")
    await decide(deck, first, "approve")
    while (second := await approval_of(deck, session_id)).approval_id == first.approval_id:
        pass
    await decide(deck, second, "deny")
    await session_in(deck, session_id, "idle")
    assert (deckhouse.project / "yes.txt").exists()
    assert not (deckhouse.project / "no.txt").exists()
    assert said(await trace(deck, session_id)) == "allowedrefused"
