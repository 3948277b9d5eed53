"""`qd audit`: every decision, who made it, from where, how long it waited."""

import asyncio
import csv
import io
import json
import socket

from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in


async def test_decisions_of_persons_and_rules_are_told(deckhouse: Deckhouse) -> None:
    """Who, from where, how late, by which rule; JSON Lines and CSV."""
    deck = await deckhouse.deck(reader="ann")
    ids = await deckhouse.new(deck, "ask pwd\nask touch =a")
    asked = await approval_of(deck, ids["session_id"])
    made = await decide(deck, asked, "deny", reason="no")
    assert (made.client, made.host) == ("tests", socket.gethostname())
    assert made.waited_ms is not None and made.waited_ms >= 0
    await session_in(deck, ids["session_id"], "idle")
    told = await asyncio.to_thread(deckhouse.qd, "audit", "--since", "1h", "--json")
    first, second = [json.loads(line) for line in told.splitlines()]
    assert (first["decided_by"], first["action"]) == ("rule default:say-where", "approve")
    assert first["rule_text"].startswith("[[rules]]")
    assert (second["decided_by"], second["reason"]) == ("ann (tests)", "no")
    assert second["payload_sha256"] == asked.payload_sha256
    told = await asyncio.to_thread(deckhouse.qd, "audit", "--csv")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [row["action"] for row in rows] == ["approve", "deny"]
    assert not (await deck.audit("2999-01-01T00:00:00Z"))[0]


async def test_pages_follow_each_other(deckhouse: Deckhouse) -> None:
    """A10: no page skips or repeats a row, also within one moment."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "\n".join(["ask pwd"] * 7))
    await session_in(deck, ids["session_id"], "idle")
    found, cursor = await deck.audit(limit=3)
    while cursor is not None:
        page, cursor = await deck.audit(cursor=cursor, limit=3)
        found += page
    assert len({line.decision_id for line in found}) == len(found) == 7
