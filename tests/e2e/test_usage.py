"""Tokens, cost and spending caps, through a real supervisor and scripted reports of usage."""

import json
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in, whole_trace
from tests.support.waiting import eventually_async


def costs(amount: float, currency: str = "USD") -> str:
    told = {"used": 10 + amount, "size": 1000, "cost": {"amount": amount, "currency": currency}}
    return "usage " + json.dumps(told | {"used": int(10 + amount * 100)})


def tokens(given: int, made: int) -> str:
    told = {"inputTokens": given, "outputTokens": made, "totalTokens": given + made}
    return "usage " + json.dumps(told)


async def worked(house: Deckhouse, deck: Deck, prompt: str, **more: str) -> str:
    ids = await house.new(deck, prompt, **more)
    await session_in(deck, ids["session_id"], "idle")
    return ids["session_id"]


async def some_usage(deck: Deck) -> bool:
    return bool((await deck.usage("turn"))[0])


async def again(deck: Deck, session_id: str, prompt: str) -> None:
    await deck.send(session_id, prompt)
    await session_in(deck, session_id, "idle")


async def test_cost_is_cumulative_and_stored_as_what_each_turn_added(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await worked(
        deckhouse, deck, f"{costs(0.1)}\n{costs(0.25)}\n{tokens(100, 20)}", title="first"
    )
    await again(deck, session_id, f"{costs(0.25)}\n{costs(0.75)}\n{tokens(300, 30)}")
    turns, _ = await deck.usage("turn", session_id=session_id)
    assert [(t.cost, t.input_tokens, t.output_tokens, t.total_tokens) for t in turns] == [
        ({"USD": 0.5}, 300, 30, 330),
        ({"USD": 0.25}, 100, 20, 120),
    ]
    asked = [c.command_id for c in await deck.commands(session_id) if c.kind == "turn"]
    assert [t.command_id for t in turns] == asked[::-1]
    [line], _ = await deck.usage("session", session_id=session_id)
    assert (line.cost, line.total_tokens, line.turns) == ({"USD": 0.75}, 450, 2)
    assert line.session_title == "first"


async def test_an_agent_that_counts_anew_is_not_subtracted(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, costs(0.5))
    await again(deck, session_id, costs(0.2))
    [line], _ = await deck.usage("session", session_id=session_id)
    assert line.cost == {"USD": 0.7}


async def test_sums_by_project_and_day_keep_currencies_apart(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    other = deckhouse.project / "other"
    other.mkdir()
    await worked(deckhouse, deck, f"{costs(0.5)}\n{tokens(10, 1)}")
    await worked(deckhouse, deck, f"{costs(0.25)}\n{tokens(20, 2)}", cwd=str(other))
    await worked(deckhouse, deck, costs(2, "EUR"), cwd=str(other))
    by_project, _ = await deck.usage("project")
    assert {(p.project, tuple(sorted(p.cost.items())), p.total_tokens) for p in by_project} == {
        (str(deckhouse.project), (("USD", 0.5),), 11),
        (str(other), (("EUR", 2.0), ("USD", 0.25)), 22),
    }
    days, _ = await deck.usage("day")
    assert sum(day.total_tokens for day in days) == 33
    assert sum(day.cost.get("USD", 0) for day in days) == 0.75
    assert (await deck.usage("day", since="2999-01-01"))[0] == []
    first, cursor = await deck.usage("session", limit=2)
    rest, end = await deck.usage("session", limit=2, cursor=cursor)
    assert len({line.session_id for line in first + rest}) == 3
    assert end is None


async def test_hostile_numbers_are_left_out(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    bad = [
        '{"used": 1, "size": 2, "cost": {"amount": -5, "currency": "USD"}}',
        '{"used": 2, "size": 2, "cost": {"amount": 1e300, "currency": "USD"}}',
        '{"used": 3, "size": 2, "cost": {"amount": NaN, "currency": "USD"}}',
        '{"totalTokens": 99999999999999999999999, "inputTokens": 1, "outputTokens": 1}',
    ]
    session_id = await worked(deckhouse, deck, "\n".join(f"usage {line}" for line in bad))
    lines, _ = await deck.usage("session", session_id=session_id)
    assert [line.cost for line in lines] in ([], [{}])
    await again(deck, session_id, costs(0.5))
    [line], _ = await deck.usage("session", session_id=session_id)
    assert line.cost == {"USD": 0.5}


async def test_usage_is_counted_once_over_a_killed_supervisor(deckhouse: Deckhouse) -> None:
    """DESIGN §4: a crash anywhere repeats nothing and skips nothing."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"{costs(0.5)}\nwait go\n{costs(0.75)}\n{tokens(5, 5)}")
    await eventually_async(lambda: some_usage(deck))
    deckhouse.kill_supervisor()
    (deckhouse.project / "go").touch()
    deck = await deckhouse.deck()
    await session_in(deck, ids["session_id"], "idle")
    [line], _ = await deck.usage("turn")
    assert (line.cost, line.total_tokens, line.command_id) == (
        {"USD": 0.75},
        10,
        ids["command_id"],
    )


async def test_a_reached_cap_makes_the_next_prompt_wait_for_a_person(deckhouse: Deckhouse) -> None:
    deckhouse.configure("[limits]\ncost_per_session = 1.0")
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, costs(0.75))
    await again(deck, session_id, costs(1.5))
    await deck.send(session_id, f"say third\n{costs(1.75)}")
    asked = await approval_of(deck, session_id)
    assert asked.kind == "spending_cap"
    assert "1.50" in asked.subject and "1.00" in asked.subject
    view = await deck.session(session_id)
    assert (view.state, view.attention, view.queued) == ("waiting", "waiting", 1)
    assert len(deckhouse.prompts()) == 2
    await decide(deck, asked, "approve")
    await session_in(deck, session_id, "idle")
    assert len(deckhouse.prompts()) == 3
    await again(deck, session_id, costs(2.5))
    assert await deck.approvals(session_id) == []
    await deck.send(session_id, "say fifth")
    second = await approval_of(deck, session_id)
    assert "2.50" in second.subject and "2.00" in second.subject
    await decide(deck, second, "deny")
    view = await session_in(deck, session_id, "idle")
    assert view.queued == 0
    last = (await deck.commands(session_id))[-1]
    assert (last.state, last.reason) == ("cancelled", "the spending cap was not raised")
    assert len(deckhouse.prompts()) == 4
    await whole_trace(deck, session_id)


async def test_one_answer_goes_on_however_far_the_cap_was_passed(deckhouse: Deckhouse) -> None:
    """What is approved is that the waiting prompt goes on, so it does."""
    deckhouse.configure("[limits]\ncost_per_session = 1.0")
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, costs(4.25))
    await deck.send(session_id, "say more")
    asked = await approval_of(deck, session_id)
    assert "raises it by a cost of 4.00 and goes on" in asked.subject
    printed = deckhouse.qd("approve", asked.approval_id)
    assert "Spending cap of the session reached" in printed
    assert "the agent calls it" not in printed, "no agent asked this"
    await session_in(deck, session_id, "idle")
    assert (deckhouse.prompts()[-1], await deck.approvals()) == ("say more", [])
    await again(deck, session_id, costs(4.75))
    assert await deck.approvals() == []
    await again(deck, session_id, costs(5.0))
    await deck.send(session_id, "say no more")
    assert "5.00 of a cost of 5.00" in (await approval_of(deck, session_id)).subject


async def test_a_cap_of_the_day_is_raised_once_for_all_that_wait(deckhouse: Deckhouse) -> None:
    deckhouse.configure("[limits]\ntokens_per_day = 100")
    deck = await deckhouse.deck()
    one = await worked(deckhouse, deck, tokens(50, 0))
    two = await worked(deckhouse, deck, tokens(60, 0))
    await deck.send(one, "say more")
    await deck.send(two, "say more")
    await approval_of(deck, one)
    asked = await approval_of(deck, two)
    await decide(deck, asked, "approve")
    await session_in(deck, one, "idle")
    await session_in(deck, two, "idle")
    assert deckhouse.prompts().count("say more") == 2
    assert await deck.approvals() == []


async def test_a_question_about_a_cap_outlives_the_supervisor(deckhouse: Deckhouse) -> None:
    deckhouse.configure("[limits]\ncost_per_project = 0.5")
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, costs(0.5))
    await deck.send(session_id, "say more")
    asked = await approval_of(deck, session_id)
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    assert [a.approval_id for a in await deck.approvals()] == [asked.approval_id]
    await decide(deck, asked, "approve")
    await session_in(deck, session_id, "idle")
    assert deckhouse.prompts()[-1] == "say more"


async def test_a_slip_in_the_config_does_not_lift_a_cap(deckhouse: Deckhouse) -> None:
    deckhouse.configure("[limits]\ncost_per_session = 0.5")
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, costs(0.5))
    deckhouse.configure("[limits]\ncost_per_sesion = 50")
    await deck.send(session_id, "say more")
    assert (await approval_of(deck, session_id)).kind == "spending_cap"


async def test_bad_reports_are_refused(deckhouse: Deckhouse) -> None:
    """A16."""
    deck = await deckhouse.deck()
    bad: list[dict[str, Any]] = [
        {"by": "moon"},
        {"since": "soon"},
        {"until": "2026-13-45"},
        {"cursor": -1},
    ]
    for given in bad:
        with pytest.raises(QuarterdeckError) as caught:
            await deck.usage(**given)
        assert caught.value.code == "invalid_params"
        assert "Value error" not in caught.value.message


async def test_qd_usage(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await worked(deckhouse, deck, costs(0.5))
    [line] = json.loads(deckhouse.qd("usage", "--json"))
    assert (line["session_id"], line["cost"]) == (session_id, {"USD": 0.5})
    assert "0.5000 USD" in deckhouse.qd("usage", "--by", "day")
