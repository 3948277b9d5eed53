"""What an agent says of itself and of why a command ended is stored without secrets too (A2)."""

import json
from collections.abc import Awaitable
from typing import Any

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.e2e.test_redaction import TOKEN, files_with
from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in
from tests.support.waiting import eventually_async

HIDDEN = "github"
"""What a marker in place of the token says."""


async def ended(deck: Deck, command_id: str) -> bool:
    return (await deck.command(command_id)).state in ("completed", "failed", "cancelled")


async def test_mode_model_and_usage_are_hidden(deckhouse: Deckhouse) -> None:
    """A2, A6: what the agent says its mode, its model and its costs are."""
    deckhouse.configure(SCRIPTED_MODELS="1")
    deck = await deckhouse.deck()
    mode = {"sessionUpdate": "current_mode_update", "currentModeId": f"m {TOKEN}"}
    cost = {"amount": 1, "currency": f"c {TOKEN}"}
    usage = {"used": 1, "size": 2, "cost": cost}
    told = f"update {json.dumps(mode)}\nusage {json.dumps(usage)}"
    session_id = (await deckhouse.new(deck, told))["session_id"]
    await session_in(deck, session_id, "idle")
    asked = await deck.set_model(session_id, f"large {TOKEN}")
    await eventually_async(lambda: ended(deck, asked.command_id))
    view = await deck.session(session_id)
    assert HIDDEN in str(view.mode)
    assert HIDDEN in str(view.model)
    assert HIDDEN in str(view.usage)
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []


async def test_what_an_agent_says_it_is_is_hidden(deckhouse: Deckhouse) -> None:
    """A2: its answers to the handshake stand with the run."""
    deckhouse.configure(SCRIPTED_TITLE=f"An agent {TOKEN}")
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say x"))["session_id"]
    await session_in(deck, session_id, "idle")
    [run] = await deck.runs(session_id)
    assert f"An agent {TOKEN[:4]}" in str(run.agent_info)
    assert TOKEN not in str(run.agent_info)
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []


async def test_why_a_turn_failed_is_hidden(deckhouse: Deckhouse) -> None:
    """A1, A2."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"fail no luck with {TOKEN}")
    await session_in(deck, ids["session_id"], "idle")
    turn = await deck.command(ids["command_id"])
    assert (turn.state, "no luck with" in str(turn.reason)) == ("failed", True)
    assert TOKEN not in str(turn.reason)
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []


async def test_why_a_mode_was_not_set_is_hidden(deckhouse: Deckhouse) -> None:
    """A1, A2."""
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say x"))["session_id"]
    await session_in(deck, session_id, "idle")
    asked = await deck.set_mode(session_id, f"no-such {TOKEN}")
    await eventually_async(lambda: ended(deck, asked.command_id))
    wrong = await deck.command(asked.command_id)
    assert (wrong.state, "unknown: no-such" in str(wrong.reason)) == ("failed", True)
    assert TOKEN not in str(wrong.reason)
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []


async def refusal(call: Awaitable[Any]) -> str:
    try:
        await call
    except QuarterdeckError as error:
        return error.code
    return "done"


async def test_a_prefix_with_a_secret_is_no_rule(deckhouse: Deckhouse) -> None:
    """A2, C5: it would stand in the rules, in the decision and with all that the rule decides."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"ask mkdir --token={TOKEN}\nask touch a")
    session_id = ids["session_id"]
    asked = await approval_of(deck, session_id)
    assert [o for o in asked.options if o["kind"] == "amend"] == []
    assert await refusal(decide(deck, asked, "approve_always")) == "invalid_option"
    await decide(deck, asked, "deny")

    async def next_one() -> bool:
        return [a.subject for a in await deck.approvals(session_id)] == ["touch a"]

    await eventually_async(next_one)
    asked = await approval_of(deck, session_id)
    longer = decide(deck, asked, "approve_always", prefix=f"touch a {TOKEN}")
    assert await refusal(longer) == "invalid_option"
    added = deck.policy_add(prefix=["touch", TOKEN])
    assert await refusal(added) == "rule_refused"
    await decide(deck, asked, "approve_always")
    await session_in(deck, session_id, "idle")
    assert "touch" in (deckhouse.places.config / "policy.toml").read_text()
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []
    assert files_with(deckhouse.places.config, TOKEN) == []


async def test_a_rule_that_has_a_secret_is_noted_without_it(deckhouse: Deckhouse) -> None:
    """A2: the file is its writer's own; what an approval says of the rule is stored."""
    (deckhouse.places.config / "policy.toml").write_text(
        f'version = 1\n[[rules]]\nid = "mine"\ndecision = "ask"\nreason = "because"\n'
        f'command = [["touch", "{TOKEN}"]]\n'
    )
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, f"ask touch {TOKEN}"))["session_id"]
    asked = await approval_of(deck, session_id)
    assert asked.matched_rule == "user:mine"
    await decide(deck, asked, "deny")
    await session_in(deck, session_id, "idle")
    [line], _ = await deck.audit()
    assert (HIDDEN in str(line.rule_text), TOKEN in str(line)) == (True, False)
    await deckhouse.end_supervisor()
    assert files_with(deckhouse.places.state, TOKEN) == []
