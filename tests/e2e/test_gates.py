"""D9: gates are asked once per run, gate, stage and round, and decided like every approval."""

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import ApprovalView
from tests.support.deckhouse import Deckhouse, decide, session_in, trace
from tests.support.waiting import eventually_async

TEXT = "merge branch feature into main\n3 files changed"


async def idle_run(deckhouse: Deckhouse, prompt: str = "say done") -> tuple[Deck, str, str]:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, prompt)
    await session_in(deck, ids["session_id"], "idle")
    return deck, ids["session_id"], ids["run_id"]


async def refused(call) -> str:
    with pytest.raises(QuarterdeckError) as error:
        await call
    return error.value.code


async def until_settled(deck: Deck, run_id: str) -> ApprovalView:
    async def settled() -> bool:
        return (await deck.gate(run_id, "merge", stage="review"))[1]

    await eventually_async(settled)
    found = (await deck.gate(run_id, "merge", stage="review"))[0]
    assert found is not None
    return found


async def test_a_gate_is_put_once_by_its_key(deckhouse: Deckhouse) -> None:
    deck, session_id, run_id = await idle_run(deckhouse)
    asked = await asyncio.gather(
        *(deck.ask_gate(run_id, "merge", stage="review", text=TEXT, title="Merge") for _ in "12345")
    )
    assert len({view.approval_id for view in asked}) == 1
    assert (asked[0].kind, asked[0].subject, asked[0].state) == ("gate", TEXT, "pending")
    assert (await session_in(deck, session_id, "waiting")).open_approvals == 1
    other = await deck.ask_gate(run_id, "merge", stage="deploy", text=TEXT)
    assert other.approval_id != asked[0].approval_id
    assert await refused(deck.ask_gate(run_id, "merge", stage="review", text="other")) == "conflict"
    kinds = [e.payload["kind"] for e in await trace(deck, session_id) if e.type.endswith("quested")]
    assert kinds == ["gate", "gate"]


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_gate_outlives_the_turn_in_which_it_was_asked(
    deckhouse: Deckhouse, cancelled: bool
) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "wait go\nask npm test")
    await session_in(deck, ids["session_id"], "running")
    gate = await deck.ask_gate(ids["run_id"], "merge", stage="review", text=TEXT)
    (deckhouse.project / "go").touch()

    async def both_asked() -> bool:
        return len(await deck.approvals()) == 2

    await eventually_async(both_asked)
    asked = next(v for v in await deck.approvals() if v.kind == "tool_call")
    if cancelled:
        await deck.cancel(ids["session_id"])
    else:
        await decide(deck, asked, "approve")

    async def turn_over() -> bool:
        return any(e.type == "terminal_status" for e in await trace(deck, ids["session_id"]))

    await eventually_async(turn_over)
    assert [view.approval_id for view in await deck.approvals()] == [gate.approval_id]
    assert (await deck.session(ids["session_id"])).state == "waiting"
    await decide(deck, gate, "approve")
    await session_in(deck, ids["session_id"], "idle")


async def test_a_later_round_takes_the_place_of_an_open_one(deckhouse: Deckhouse) -> None:
    deck, _, run_id = await idle_run(deckhouse)
    first = await deck.ask_gate(run_id, "merge", stage="review", text="one")
    second = await deck.ask_gate(run_id, "merge", stage="review", text="two", round=2)
    assert (await deck.approval(first.approval_id)).state == "superseded"
    assert await refused(decide(deck, first, "approve")) == "not_pending"
    third = deck.ask_gate(run_id, "merge", stage="late", text="x", round=3)
    assert (await third).state == "pending"
    earlier = deck.ask_gate(run_id, "merge", stage="late", text="x", round=2)
    assert await refused(earlier) == "conflict"
    assert (await deck.approval(second.approval_id)).state == "pending"


async def test_approving_lets_the_run_go_on(deckhouse: Deckhouse) -> None:
    deck, session_id, run_id = await idle_run(deckhouse)
    view = await deck.ask_gate(run_id, "merge", stage="review", text=TEXT)
    for wrong in ("approve_session", "approve_always", "deny_session"):
        assert await refused(decide(deck, view, wrong)) == "invalid_option"
    await decide(deck, view, "approve", reason="looks good")
    assert (await until_settled(deck, run_id)).state == "approved"
    await session_in(deck, session_id, "idle")
    (line,), _ = await deck.audit()
    assert (line.action, line.reason, line.kind) == ("approve", "looks good", "gate")
    await deck.send(session_id, "say more")
    await session_in(deck, session_id, "idle")


@pytest.mark.parametrize(
    ("action", "state", "run_state", "session_state"),
    [
        ("deny", "rejected", "failed", "failed_needs_human"),
        ("abort", "aborted", "cancelled", "closed"),
    ],
)
async def test_rejecting_fails_the_run_and_aborting_cancels_it(
    deckhouse: Deckhouse, action: str, state: str, run_state: str, session_state: str
) -> None:
    deck, session_id, run_id = await idle_run(deckhouse)
    view = await deck.ask_gate(run_id, "merge", stage="review", text=TEXT)
    await decide(deck, view, action, reason="not like this")
    assert (await until_settled(deck, run_id)).state == state
    run = next(run for run in await deck.runs(session_id) if run.run_id == run_id)
    assert run.state == run_state
    assert "at the gate 'merge': not like this" in (run.reason or "")
    await session_in(deck, session_id, session_state)
    assert await refused(deck.ask_gate(run_id, "other", stage="review", text=TEXT)) == "run_ended"
    assert (await deck.ask_gate(run_id, "merge", stage="review", text=TEXT)).state == state


async def test_a_replayed_decision_makes_up_for_a_missing_effect(deckhouse: Deckhouse) -> None:
    """D9: the same action and token again changes nothing and repairs; another one is refused."""
    deck, _, run_id = await idle_run(deckhouse)
    view = await deck.ask_gate(run_id, "merge", stage="review", text=TEXT)
    first = await decide(deck, view, "deny", token="token-one")
    await until_settled(deck, run_id)
    with closing(sqlite3.connect(deckhouse.places.database)) as db, db:
        db.execute("UPDATE gates SET effect = 'due'")
    again = await decide(deck, view, "deny", token="token-one")
    assert again.decision_id == first.decision_id
    await until_settled(deck, run_id)
    assert await refused(decide(deck, view, "deny", token="token-two")) == "not_pending"
    assert await refused(decide(deck, view, "approve", token="token-one")) == "not_pending"
    lines, _ = await deck.audit()
    assert len([line for line in lines if line.approval_id == view.approval_id]) == 1


@pytest.mark.parametrize(("action", "run_state"), [("deny", "failed"), ("abort", "cancelled")])
async def test_an_effect_that_a_crash_cut_off_comes_with_the_next_start(
    deckhouse: Deckhouse, action: str, run_state: str
) -> None:
    rule = {"QUARTERDECK_FAILPOINT": "kill:gate.effect.before:1"}
    program = [sys.executable, "-P", "-m", "quarterdeck.supervisor"]
    supervisor = subprocess.Popen(program, env=deckhouse.environment | rule)

    async def is_up() -> bool:
        with contextlib.suppress(QuarterdeckError):
            await deckhouse.deck(start=False)
        return bool(deckhouse.decks)

    await eventually_async(is_up)
    deck, session_id, run_id = await idle_run(deckhouse)
    view = await deck.ask_gate(run_id, "merge", stage="review", text=TEXT)
    with contextlib.suppress(QuarterdeckError):  # the supervisor dies as it answers, or after
        await decide(deck, view, action)
    assert await asyncio.to_thread(supervisor.wait, 60) == -signal.SIGKILL
    deck = await deckhouse.deck()
    assert (await until_settled(deck, run_id)).action == action
    run = next(run for run in await deck.runs(session_id) if run.run_id == run_id)
    assert run.state == run_state
