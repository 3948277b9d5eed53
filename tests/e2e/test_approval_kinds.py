"""What an agent can ask for besides commands: MCP tools, hosts and forms, and why not (C4, C5)."""

import json

import pytest

from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, approval_of, decide, said, session_in, trace

SCHEMA = {
    "type": "object",
    "properties": {
        "branch": {"type": "string", "title": "Branch", "enum": ["main", "next"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 5},
        "note": {"type": "string", "maxLength": 20},
        "push": {"type": "boolean", "default": False},
    },
    "required": ["branch", "count"],
}


async def test_a_tool_of_an_mcp_server_is_its_own_kind_with_server_and_tool(
    deckhouse: Deckhouse,
) -> None:
    """C4, C5: the text names server and tool, and "for the session" means that tool alone."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(
        deck, 'mcp tracker read_issue {"id": 5}\nmcp tracker delete_issue {"id": 5}'
    )
    first = await approval_of(deck, ids["session_id"])
    assert first.kind == "mcp"
    assert first.subject == "tool read_issue of the MCP server tracker\nid: 5"
    assert "no rule allows 'read_issue'" in (first.reason or "")
    await decide(deck, first, "approve_session")
    second = await approval_of(deck, ids["session_id"])
    assert "delete_issue" in second.subject
    await decide(deck, second, "deny")
    await session_in(deck, ids["session_id"], "idle")
    assert said(await trace(deck, ids["session_id"])) == "allowedrefused"


async def test_rules_about_mcp_settle_what_they_name(deckhouse: Deckhouse) -> None:
    """DESIGN §6: server and tool by glob, forbid first."""
    (deckhouse.places.config / "policy.toml").write_text(
        '[[rules]]\nid = "tracker"\ndecision = "allow"\ntool = "mcp"\nserver = "tracker"\n'
        '[[rules]]\nid = "no-delete"\ndecision = "forbid"\ntool = "mcp"\nserver = "*"\n'
        'mcp_tool = "delete_*"\n'
    )
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "mcp tracker read {}\nmcp tracker delete_all {}")
    await session_in(deck, ids["session_id"], "idle")
    assert said(await trace(deck, ids["session_id"])) == "allowedrefused"
    decisions, _ = await deck.audit()
    assert [(d.kind, d.action, d.decided_by) for d in decisions] == [
        ("mcp", "approve", "rule user:tracker"),
        ("mcp", "deny", "rule user:no-delete"),
    ]


async def test_a_host_is_asked_about_and_offered_both_ways(deckhouse: Deckhouse) -> None:
    """C5: allow and deny for a network host, one amendment each."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "fetch https://docs.example.org/a")
    asked = await approval_of(deck, ids["session_id"])
    assert asked.kind == "network_host"
    assert asked.subject.startswith("fetch from the host docs.example.org\nurl: https://docs.")
    amendments = [o for o in asked.options if o["kind"] == "amend"]
    assert [(o["host"], o["decision"]) for o in amendments] == [
        ("docs.example.org", "allow"),
        ("docs.example.org", "forbid"),
    ]


@pytest.mark.parametrize(
    ("action", "came"),
    [("approve_session", "allowedallowed"), ("deny_session", "refusedrefused")],
)
async def test_a_host_is_settled_for_the_session(
    deckhouse: Deckhouse, action: str, came: str
) -> None:
    """C5: the next address of the same host is not asked about, one of another host is."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(
        deck,
        "fetch https://docs.example.org/a\nfetch https://docs.example.org/b\n"
        "fetch https://other.example.org/",
    )
    await decide(deck, await approval_of(deck, ids["session_id"]), action)
    other = await approval_of(deck, ids["session_id"])
    assert "other.example.org" in other.subject
    assert said(await trace(deck, ids["session_id"])) == came


@pytest.mark.parametrize(
    ("action", "decision", "came"),
    [("approve_always", "allow", "allowedallowed"), ("deny_always", "forbid", "refusedrefused")],
)
async def test_a_host_is_settled_for_good_by_an_amendment(
    deckhouse: Deckhouse, action: str, decision: str, came: str
) -> None:
    """C5: the rule stands in policy.toml and settles the next session's question."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "fetch https://docs.example.org/a")
    made = await decide(deck, await approval_of(deck, ids["session_id"]), action)
    assert made.amendment == f"{decision}-docs.example.org"
    text = (deckhouse.places.config / "policy.toml").read_text()
    assert f'decision = "{decision}"' in text
    assert "docs.example.org" in text
    other = await deckhouse.new(deck, "fetch https://docs.example.org/b")
    await session_in(deck, ids["session_id"], "idle")
    await session_in(deck, other["session_id"], "idle")
    told = [said(await trace(deck, i["session_id"])) for i in (ids, other)]
    assert "".join(told) == came


async def test_only_a_host_can_be_denied_for_more_than_once(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a")
    asked = await approval_of(deck, ids["session_id"])
    for action in ("deny_session", "deny_always"):
        with pytest.raises(QuarterdeckError) as error:
            await decide(deck, asked, action)
        assert error.value.code == "invalid_option"
    assert (await deck.approval(asked.approval_id)).state == "pending"


async def test_a_form_is_shown_and_its_checked_answer_given(deckhouse: Deckhouse) -> None:
    """C5: what does not fit the schema is refused and changes nothing; what fits is sent once."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"form {json.dumps(SCHEMA)}")
    asked = await approval_of(deck, ids["session_id"])
    assert asked.kind == "elicitation"
    assert asked.subject.startswith("Which one?\n\nBranch (branch): one of: main, next, required")
    for content, named in (
        ({"branch": "main"}, "count"),
        ({"branch": "other", "count": 1}, "Branch"),
        ({"branch": "main", "count": 9}, "at most 5"),
        ({"branch": "main", "count": 1, "more": 1}, "more"),
    ):
        with pytest.raises(QuarterdeckError) as error:
            await decide(deck, asked, "approve", content=content)
        assert error.value.code == "form_invalid"
        assert named in error.value.message
    content = {"branch": "next", "count": 3, "push": True}
    await decide(deck, asked, "approve", content=content)
    await session_in(deck, ids["session_id"], "idle")
    answer = json.loads(said(await trace(deck, ids["session_id"])))
    assert answer == {"action": "accept", "content": content}


@pytest.mark.parametrize(("action", "told"), [("deny", "decline"), ("abort", "cancel")])
async def test_a_form_can_be_declined_or_cancelled(
    deckhouse: Deckhouse, action: str, told: str
) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"form {json.dumps(SCHEMA)}")
    await decide(deck, await approval_of(deck, ids["session_id"]), action)
    await session_in(deck, ids["session_id"], "idle")
    assert json.loads(said(await trace(deck, ids["session_id"]))) == {"action": told}


async def test_a_form_waits_over_a_crash_of_the_supervisor(deckhouse: Deckhouse) -> None:
    """DESIGN §4: the question is a row; its answer reaches the agent that still waits."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"form {json.dumps(SCHEMA)}")
    before = await approval_of(deck, ids["session_id"])
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    after = await approval_of(deck, ids["session_id"])
    assert (after.approval_id, after.payload) == (before.approval_id, before.payload)
    await decide(deck, after, "approve", content={"branch": "main", "count": 1})
    await session_in(deck, ids["session_id"], "idle")
    assert '"action": "accept"' in said(await trace(deck, ids["session_id"]))


async def test_a_form_that_cannot_be_shown_is_refused(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    odd = {"type": "object", "properties": {"a": {"type": "object"}}}
    ids = await deckhouse.new(deck, f"form {json.dumps(odd)}")
    await session_in(deck, ids["session_id"], "idle")
    assert '"code": -32602' in said(await trace(deck, ids["session_id"]))


async def test_the_reason_of_a_denial_reaches_the_agent(deckhouse: Deckhouse) -> None:
    """Issue of approvals: as metadata of the answer, and as the next prompt, before others."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "fetch https://docs.example.org/a")
    asked = await approval_of(deck, ids["session_id"])
    await deck.send(ids["session_id"], "say later")
    await decide(deck, asked, "deny", reason="read the copy in docs/")
    await session_in(deck, ids["session_id"], "idle")
    assert deckhouse.answers()[0]["_meta"] == {"quarterdeck": {"reason": "read the copy in docs/"}}
    prompts = deckhouse.prompts()
    assert prompts[1] == (
        "A person denied this: fetch from the host docs.example.org\n"
        "The reason: read the copy in docs/"
    )
    assert prompts[2] == "say later"


async def test_the_reason_of_a_denial_is_kept_from_the_agent_by_config(
    deckhouse: Deckhouse,
) -> None:
    deckhouse.configure("[approvals]\ntell_reason = false")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a")
    await decide(deck, await approval_of(deck, ids["session_id"]), "deny", reason="no")
    await session_in(deck, ids["session_id"], "idle")
    assert len(deckhouse.prompts()) == 1


async def test_an_approval_says_when_it_expires(deckhouse: Deckhouse) -> None:
    """C5: by the configuration of now; without one it never does."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a")
    asked = await approval_of(deck, ids["session_id"])
    assert asked.expires_at is None
    deckhouse.configure("[approvals]\nexpire_after = '1h'")
    asked = await deck.approval(asked.approval_id)
    assert asked.expires_at is not None
    assert asked.expires_at > asked.created_at
