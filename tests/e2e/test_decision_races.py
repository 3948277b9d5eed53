"""Races about one approval: whatever happens at once, at most one decision, on what was shown."""

import asyncio
import json
import os
import random
import sqlite3
from dataclasses import dataclass, field

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import ApprovalView, DecisionView
from tests.support.deckhouse import Deckhouse, approval_of, session_in
from tests.support.waiting import eventually_async

ROUNDS = int(os.environ.get("QUARTERDECK_RACE_ROUNDS", "200"))
SEED = int(os.environ.get("QUARTERDECK_RACE_SEED", "20"))
REFUSALS = {"stale", "not_pending"}
LIVE = ("idle", "closed", "failed_needs_human")


@dataclass
class Record:
    """What clients were told."""

    acknowledged: dict[str, list[tuple[DecisionView, ApprovalView]]] = field(default_factory=dict)
    refused: int = 0

    async def press(self, deck: Deck, shown: ApprovalView, action: str, sha256: str) -> None:
        """Decide as a client whose screen shows `shown`; a refusal is what it may be."""
        try:
            made = await deck.decide(
                shown.approval_id,
                run_id=shown.run_id,
                payload_sha256=sha256,
                action=action,
                token=f"{id(deck)}-{shown.approval_id}-{action}",
            )
        except QuarterdeckError as error:
            assert error.code in REFUSALS, error
            self.refused += 1
            return
        assert sha256 == shown.payload_sha256, "a decision on another payload was applied"
        self.acknowledged.setdefault(shown.approval_id, []).append((made, shown))


async def _round(
    chance: random.Random, decks: list[Deck], session_id: str, number: int, record: Record
) -> None:
    """Put one question and let a random handful of things happen to it at once."""
    await eventually_async(lambda: _sent(decks[0], session_id, number))
    shown = await approval_of(decks[0], session_id)
    moves = []
    for _ in range(chance.randint(2, 4)):
        action = chance.choice(["approve", "approve_session", "deny", "abort"])
        sha256 = shown.payload_sha256 if chance.random() < 0.8 else "0" * 64
        moves.append(record.press(chance.choice(decks), shown, action, sha256))
    disturbance = chance.random()
    if disturbance < 0.25:
        moves.append(chance.choice(decks).cancel(session_id))
    elif disturbance < 0.35:
        moves.append(chance.choice(decks).close_session(session_id))
    chance.shuffle(moves)
    await asyncio.gather(*moves)
    await _finish(chance, decks, session_id, record)


async def _sent(deck: Deck, session_id: str, number: int) -> bool:
    """Send the round's prompt; a run that is just being ended refuses it, as it says."""
    try:
        await deck.send(session_id, f"ask touch r{number}\nask touch s{number}")
    except QuarterdeckError as error:
        assert error.code == "command_channel_closed", error
        return False
    return True


async def _finish(
    chance: random.Random, decks: list[Deck], session_id: str, record: Record
) -> None:
    """Answer what is still asked until the turn is over."""
    while (view := await decks[0].session(session_id)).state not in LIVE:
        for shown in await decks[0].approvals(session_id):
            action = chance.choice(["approve", "deny"])
            presses = [record.press(d, shown, action, shown.payload_sha256) for d in decks]
            await asyncio.gather(*presses)
        await asyncio.sleep(0.002)
    assert view.state != "failed_needs_human", view.failure


async def test_of_many_races_no_decision_is_misapplied(deckhouse: Deckhouse) -> None:
    """DESIGN §4, D9: two clients, cancels, closes and restarts of the run, at random, seeded."""
    chance = random.Random(SEED)
    decks = [await deckhouse.deck(reader=name) for name in ("ann", "bob")]
    ids = await deckhouse.new(decks[0], "say ready", wait=True)
    session_id = ids["session_id"]
    await session_in(decks[0], session_id, "idle")
    record = Record()
    for number in range(ROUNDS):
        await _round(chance, decks, session_id, number, record)
    await decks[0].close_session(session_id)
    await session_in(decks[0], session_id, "closed")
    _check_store(deckhouse, record)
    await _check_agent(deckhouse)
    assert record.refused and record.acknowledged


def _check_store(deckhouse: Deckhouse, record: Record) -> None:
    """Every acknowledged decision is stored, is the only one, and on the payload shown."""
    with sqlite3.connect(f"file:{deckhouse.places.database}?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        stored = db.execute("SELECT * FROM decisions").fetchall()
        states = dict(db.execute("SELECT approval_id, state FROM approvals"))
    assert "pending" not in states.values()
    by_approval = {row["approval_id"]: row for row in stored}
    assert len(by_approval) == len(stored)
    by_person = {key for key, row in by_approval.items() if "(tests)" in row["decided_by"]}
    assert by_person == set(record.acknowledged)
    for approval_id, told in record.acknowledged.items():
        row = by_approval[approval_id]
        for made, shown in told:
            assert made.decision_id == row["decision_id"]
            assert (row["run_id"], row["payload_sha256"]) == (shown.run_id, shown.payload_sha256)
            assert states[approval_id] == made.state


async def _check_agent(deckhouse: Deckhouse) -> None:
    """The agent got no answer twice, and ran nothing that was not approved."""
    replies = [json.dumps(reply) for reply in deckhouse.replies()]
    assert len(replies) == len(set(replies))
    with sqlite3.connect(f"file:{deckhouse.places.database}?mode=ro", uri=True) as db:
        approved = {
            subject.removeprefix("touch ")
            for (subject,) in db.execute("SELECT subject FROM approvals WHERE state = 'approved'")
        }

    async def only_approved() -> bool:
        return {path.name for path in deckhouse.project.iterdir()} <= approved

    await eventually_async(only_approved)
