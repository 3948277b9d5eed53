"""Races about approvals between two client processes, a supervisor and an agent (DESIGN §4, D9).

The two clients and the agent spin until the same moment of the machine's clock and then act. More
races, in orders that the seed decides, are in supervisor/test_decision_orders.py.

What turns this red, each tried by hand:
- supervisor/deciding.py, `_check_same`: the hash not compared;
- supervisor/deciding.py, `decide`: `if row["state"] != ApprovalState.PENDING:` taken out;
- supervisor/asking.py, `withdrawn`: `await settle(rec, row, …)` taken out.
"""

import asyncio
import contextlib
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import ApprovalView
from tests.support.client_process import ClientProcess
from tests.support.deckhouse import Deckhouse, session_in
from tests.support.racing import Asked, RacingSession
from tests.support.waiting import eventually_async

ROUNDS = max(int(os.environ.get("QUARTERDECK_RACE_ROUNDS", "10000")) * 5 // 100, 1)
"""Of all races; the others are in supervisor/test_decision_orders.py."""
SEED = int(os.environ.get("QUARTERDECK_RACE_SEED", "20"))
ACTIONS = ("approve", "approve", "approve_session", "deny", "abort")
LEAD_S = 0.004
"""How long before the moment of a race its orders are given."""
EVENTS = {"replaced": 6, "withdrawn": 2, "ended": 2, "cancelled": 2, "died": 0.4, "nothing": 8}


@pytest.fixture
async def clients(deckhouse: Deckhouse) -> AsyncIterator[list[ClientProcess]]:
    """Give two client processes of the deckhouse's supervisor."""
    await deckhouse.deck()
    started = [await ClientProcess.start(deckhouse, name) for name in ("ann", "bob")]
    yield started
    for client in started:
        await client.close()


def _decision(chance: random.Random, shown: ApprovalView, number: int) -> dict[str, Any]:
    """Return what a screen sends that shows `shown`, or one that shows something else."""
    return {
        "approval_id": shown.approval_id,
        "run_id": shown.run_id,
        "payload_sha256": shown.payload_sha256 if chance.random() < 0.85 else "0" * 64,
        "action": chance.choice(ACTIONS),
        "token": f"token-{number}-{chance.random()}",
    }


async def _happen(deck: Deck, session: RacingSession, asked: Asked, kind: str, at: float) -> None:
    """Let something happen at the same moment."""
    while time.monotonic() < at:
        pass
    if kind in ("replaced", "withdrawn"):
        session.order(withdraw=asked.request_id)
    if kind == "replaced":
        session.ask(asked.request_id)
    elif kind == "ended":
        session.order(end="end_turn")
    elif kind == "died":
        session.die()
    elif kind == "cancelled":
        await deck.cancel(session.session_id)


async def _in_turn(deck: Deck, session: RacingSession) -> None:
    """Wait until the agent is in a turn with nothing open, answering what it still asks."""
    while (view := await deck.session(session.session_id)).state != "running":
        assert view.state != "failed_needs_human", view
        for shown in await deck.approvals(session.session_id):
            with contextlib.suppress(QuarterdeckError):
                await deck.decide(
                    shown.approval_id,
                    run_id=shown.run_id,
                    payload_sha256=shown.payload_sha256,
                    action="deny",
                    token=f"rest-{shown.approval_id}",
                )
        if view.state == "idle":
            with contextlib.suppress(QuarterdeckError):
                await deck.send(session.session_id, "go on")
        await asyncio.sleep(0.002)


def _rows(house: Deckhouse, sql: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(f"file:{house.places.database}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(sql).fetchall()


@pytest.mark.slow
async def test_two_client_processes_never_misapply_a_decision(
    deckhouse: Deckhouse, clients: list[ClientProcess]
) -> None:
    """DESIGN §4, D9: 0 on another payload, at most one each, acknowledged means stored."""
    print(f"QUARTERDECK_RACE_SEED={SEED} rounds: {ROUNDS}")
    chance, counts = random.Random(SEED), Counter[str]()
    deck, session = deckhouse.decks[0], RacingSession(deckhouse)
    await session.start(deck)
    acknowledged: list[tuple[Asked, dict[str, Any], dict[str, Any]]] = []
    number = 0
    while number < ROUNDS:
        await _in_turn(deck, session)
        asked = session.ask()
        shown = await session.approval(deck, asked)
        if shown is None:  # asked at the very end of a turn: no race
            continue
        number += 1
        kind = chance.choices(list(EVENTS), list(EVENTS.values()))[0]
        wanted = [_decision(chance, shown, number) for _ in clients]
        at = time.monotonic() + LEAD_S
        racing = [c.decide(at, w) for c, w in zip(clients, wanted, strict=True)]
        happening = asyncio.ensure_future(_happen(deck, session, asked, kind, at))
        told = await asyncio.gather(*racing)
        await happening
        counts[kind] += 1
        for decision, answer in zip(wanted, told, strict=True):
            counts[answer.get("error", "acknowledged")] += 1
            if "error" not in answer:
                acknowledged.append((asked, decision, answer))
        if kind == "died":
            await _after_a_death(deck, session)
    await _in_turn(deck, session)
    session.order(end="end_turn")
    await session_in(deck, session.session_id, "idle")
    print(dict(counts))
    await _check(deckhouse, session, acknowledged)
    assert set(counts) <= {*EVENTS, "acknowledged", "stale", "not_pending"}
    assert min(counts["acknowledged"], counts["stale"], counts["not_pending"]) > ROUNDS // 20


async def _after_a_death(deck: Deck, session: RacingSession) -> None:
    """Wait for the next run, and end its first turn: then it counts as come up well."""

    async def started_again() -> bool:
        runs = await deck.runs(session.session_id)
        return len(runs) > session.generation

    await eventually_async(started_again)
    await session_in(deck, session.session_id, "idle")
    await deck.send(session.session_id, "go on")
    await session.prompted()
    session.order(end="end_turn")
    await session_in(deck, session.session_id, "idle")


async def _check(
    house: Deckhouse,
    session: RacingSession,
    acknowledged: list[tuple[Asked, dict[str, Any], dict[str, Any]]],
) -> None:
    """Compare what clients were told, what is stored, and what reached the agent."""
    decisions = {row["decision_id"]: row for row in _rows(house, "SELECT * FROM decisions")}
    approvals = {row["subject"]: row for row in _rows(house, "SELECT * FROM approvals")}
    one_each = Counter(row["approval_id"] for row in decisions.values())
    assert set(one_each.values()) == {1}, "two decisions about one approval"
    for asked, wanted, answer in acknowledged:
        stored = decisions[answer["decision_id"]]
        approval = approvals[asked.text]
        assert stored["approval_id"] == approval["approval_id"] == wanted["approval_id"]
        assert stored["payload_sha256"] == approval["payload_sha256"] == wanted["payload_sha256"]
        assert (stored["run_id"], stored["action"]) == (wanted["run_id"], wanted["action"])
    firsts = Counter(answer["approval_id"] for _, _, answer in acknowledged)
    assert not firsts or max(firsts.values()) == 1, "two clients were told they had decided"

    async def all_answered() -> bool:
        session.hear()
        alive = [a for a in session.asked if a.agent == session.generation]
        return all(asked.answers for asked in alive)

    await eventually_async(all_answered)
    for asked in session.asked:
        approval = approvals.get(asked.text)
        asked.check()
        assert len(asked.answers) <= 1, asked
        if approval is not None:
            assert approval["state"] != "pending"
            decided = approval["state"] == "approved"
            reached = bool(asked.answers) or asked.agent == session.generation
            assert asked.approved == decided or not reached, (asked, dict(approval))
