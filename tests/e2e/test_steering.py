"""A1, A4, A8, A12: the queue of prompts, interrupting, modes, and cancelling a run."""

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import (
    Deckhouse,
    approval_of,
    session_in,
    trace,
    whole_trace,
)
from tests.support.waiting import eventually_async


async def refused(call) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        await call
    return caught.value


async def busy_session(house: Deckhouse, deck: Deck) -> dict[str, str]:
    """A session whose turn waits for the file `go`."""
    ids = await house.new(deck, "wait go", wait=True)
    await session_in(deck, ids["session_id"], "running")
    return ids


async def test_a1_queued_prompts_are_edited_moved_and_taken_back(deckhouse: Deckhouse) -> None:
    """They go out when the turn ends, in the order a person gave them."""
    deck = await deckhouse.deck()
    session_id = (await busy_session(deckhouse, deck))["session_id"]
    one, two, three, four = [await deck.send(session_id, f"say {n}") for n in range(1, 5)]
    assert [c.command_id for c in await deck.queue(session_id)] == [
        c.command_id for c in (one, two, three, four)
    ]
    assert (await deck.session(session_id)).queued == 4
    await deck.move_command(four.command_id, before=two.command_id)
    await deck.move_command(one.command_id)
    edited = await deck.edit_command(two.command_id, "say TWO")
    assert edited.text == "say TWO"
    back = await deck.cancel_command(three.command_id)
    assert (back.state, back.reason) == ("cancelled", "taken back")
    assert await deck.edit_command(three.command_id, "say nothing") == back
    assert await deck.move_command(three.command_id) == back
    assert await deck.cancel_command(three.command_id) == back
    five = await deck.send(session_id, "say 5")
    assert [c.text for c in await deck.queue(session_id)] == ["say 4", "say TWO", "say 1", "say 5"]
    (deckhouse.project / "go").touch()
    await eventually_async(lambda: _ended(deck, five.command_id))
    assert deckhouse.prompts() == ["wait go", "say 4", "say TWO", "say 1", "say 5"]
    assert (await deck.command(three.command_id)).text == "say 3"


async def _ended(deck: Deck, command_id: str) -> bool:
    return (await deck.command(command_id)).state == "completed"


async def test_a1_what_was_handed_over_cannot_be_edited(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    ids = await busy_session(deckhouse, deck)
    other = await deck.send(ids["session_id"], "say later")
    for call in (
        deck.edit_command(ids["command_id"], "say x"),
        deck.move_command(ids["command_id"]),
        deck.move_command(other.command_id, before=ids["command_id"]),
    ):
        assert (await refused(call)).code == "not_queued"
    assert (await refused(deck.edit_command(other.command_id, "  "))).code == "empty_prompt"
    assert (await refused(deck.edit_command("cmd_nowhere", "x"))).code == "unknown_command"
    assert [c.text for c in await deck.queue(ids["session_id"])] == ["say later"]


async def test_a12_cancelling_one_command_leaves_the_run_and_its_agent(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    ids = await busy_session(deckhouse, deck)
    await deck.cancel_command(ids["command_id"])
    view = await session_in(deck, ids["session_id"], "idle")
    assert view.active
    assert (await deck.command(ids["command_id"])).state == "cancelled"
    run = (await deck.runs(ids["session_id"]))[0]
    assert (run.run_id, run.state) == (ids["run_id"], "running")


async def test_a1_the_end_of_a_session_changes_no_command_that_had_ended(
    deckhouse: Deckhouse,
) -> None:
    """Closed, and failed when its agent could not be started again."""
    deck = await deckhouse.deck()
    ids = await busy_session(deckhouse, deck)
    session_id = ids["session_id"]
    await deck.cancel_command((await deck.send(session_id, "say never")).command_id)
    await deck.cancel_command(ids["command_id"])
    await session_in(deck, session_id, "idle")
    before = await deck.commands(session_id)
    assert "completed" in {command.state for command in before}
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    assert (await deck.commands(session_id))[: len(before)] == before
    deckhouse.configure(SCRIPTED_FAIL_START="error")
    await deck.send(session_id, "say x")
    await session_in(deck, session_id, "failed_needs_human")
    assert (await deck.commands(session_id))[: len(before)] == before


async def test_a8_a_prompt_that_interrupts_goes_out_next(deckhouse: Deckhouse) -> None:
    """The running turn is cancelled, the queue keeps waiting behind, the version moves."""
    deck = await deckhouse.deck()
    ids = await busy_session(deckhouse, deck)
    session_id = ids["session_id"]
    await deck.send(session_id, "say queued")
    before = (await deck.session(session_id)).version
    steer = await deck.send(session_id, "say now", interrupt=True)
    assert steer.kind == "steer"
    await eventually_async(lambda: _prompts(deckhouse, 3))
    assert deckhouse.prompts() == ["wait go", "say now", "say queued"]
    await session_in(deck, session_id, "idle")
    assert (await deck.session(session_id)).version > before
    assert (await deck.command(ids["command_id"])).state == "cancelled"
    assert (await deck.command(steer.command_id)).state == "completed"
    assert len(await deck.runs(session_id)) == 1


async def _prompts(house: Deckhouse, count: int) -> bool:
    return len(house.prompts()) == count


async def test_a1_mode_and_model_are_commands_that_the_agent_answers(deckhouse: Deckhouse) -> None:
    deckhouse.configure(SCRIPTED_MODELS="1")
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say x", wait=True))["session_id"]
    await session_in(deck, session_id, "idle")
    mode = await deck.set_mode(session_id, "plan")
    assert mode.kind == "set_mode"
    await eventually_async(lambda: _ended(deck, mode.command_id))
    model = await deck.set_model(session_id, "large")
    await eventually_async(lambda: _ended(deck, model.command_id))
    view = await deck.session(session_id)
    assert (view.mode, view.model) == ("plan", "large")
    wrong = await deck.set_mode(session_id, "no-such")

    async def failed() -> bool:
        return (await deck.command(wrong.command_id)).state == "failed"

    await eventually_async(failed)
    assert "unknown" in str((await deck.command(wrong.command_id)).reason)
    assert (await deck.session(session_id)).mode == "plan"
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    assert (await refused(deck.set_mode(session_id, "x"))).code == "session_not_running"


async def test_a_model_that_cannot_be_chosen_is_said_so(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say x", wait=True))["session_id"]
    await session_in(deck, session_id, "idle")
    assert (await refused(deck.set_model(session_id, "large"))).code == "not_supported"
    assert all(c.kind != "set_model" for c in await deck.commands(session_id))


async def test_a12_a_cancelled_run_leaves_commands_reason_and_end_in_order(
    deckhouse: Deckhouse,
) -> None:
    """Its open commands, the reason, the end; the agent is put down and nothing comes after."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch never", wait=True)
    session_id = ids["session_id"]
    await approval_of(deck, session_id)
    queued = await deck.send(session_id, "say queued")
    run = await deck.cancel_run(session_id, reason="wrong branch")
    assert (run.state, run.reason) == ("cancelled", "wrong branch")
    assert await deck.cancel_run(session_id, run_id=run.run_id, reason="again") == run
    await eventually_async(lambda: _put_down(deck))
    events = await whole_trace(deck, session_id)
    tail = [e for e in events if e.type != "tool_call"][-5:]
    assert [e.type for e in tail] == [
        "approval.decided",
        "terminal_status",
        "terminal_status",
        "backend_status",
        "session.closed",
    ]
    assert [e.payload["command_id"] for e in tail[1:3]] == [ids["command_id"], queued.command_id]
    assert "wrong branch" in tail[3].payload["message"]
    assert events[-1] == tail[-1]
    for command_id in (ids["command_id"], queued.command_id):
        assert (await deck.command(command_id)).state == "cancelled"
    assert (await deck.session(session_id)).state == "closed"
    assert await deck.approvals() == []
    await deck.send(session_id, "say anew")
    await session_in(deck, session_id, "idle")
    assert [r.state for r in await deck.runs(session_id)] == ["cancelled", "running"]


async def _put_down(deck: Deck) -> bool:
    return (await deck.status())["live"] == []


async def test_a4_a_prompt_repeated_after_its_run_died_is_not_given_to_the_next(
    deckhouse: Deckhouse,
) -> None:
    """A sender that names no run cannot know that another one began; one that names it can."""
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say x", wait=True))["session_id"]
    await session_in(deck, session_id, "idle")
    first = await deck.send(session_id, "say keyed\ndie 3", key="k1")
    await eventually_async(lambda: _in_run(deck, session_id, 2))
    again = await deck.send(session_id, "say keyed\ndie 3", key="k1")
    assert again.command_id == first.command_id
    assert deckhouse.prompts() == ["say x", "say keyed\ndie 3"]
    run_id = (await deck.session(session_id)).run_id
    named = await deck.send(session_id, "say once more", key="k1", run_id=run_id)
    assert named.command_id != first.command_id


async def _in_run(deck: Deck, session_id: str, number: int) -> bool:
    runs = await deck.runs(session_id)
    view = await deck.session(session_id)
    return len(runs) == number and view.state == "idle" and view.active


async def test_a4_a_keyed_prompt_that_starts_a_run_is_delivered_once(
    deckhouse: Deckhouse,
) -> None:
    """Also where the first one found no live run, and was given one."""
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say x", wait=True))["session_id"]
    await session_in(deck, session_id, "idle")
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    first = await deck.send(session_id, "say keyed", key="k1")
    again = await deck.send(session_id, "say keyed", key="k1")
    assert again.command_id == first.command_id
    assert (await refused(deck.send(session_id, "say other", key="k1"))).code == "conflict"
    await session_in(deck, session_id, "idle")
    later = await deck.send(session_id, "say keyed", key="k1")
    assert later.command_id == first.command_id
    assert deckhouse.prompts() == ["say x", "say keyed"]
    assert [e.type for e in await trace(deck, session_id)].count("user_message") == 1
