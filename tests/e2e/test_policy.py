"""The policy in the supervisor: what it settles, asks, and what a person adds to it (C4, C5)."""

import asyncio
import json
import sqlite3

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, approval_of, decide, said, session_in, trace
from tests.support.waiting import eventually, eventually_async


async def refused(call) -> str:
    with pytest.raises(QuarterdeckError) as error:
        await call
    return error.value.code


def rules(deckhouse: Deckhouse, text: str) -> None:
    (deckhouse.places.config / "policy.toml").write_text(f"version = 1\n{text}")


async def decisions(deck: Deck) -> list[tuple[str, str, str]]:
    lines, _ = await deck.audit()
    return [(line.subject, line.action, line.decided_by) for line in lines]


async def test_what_a_rule_allows_is_answered_at_once_and_recorded(deckhouse: Deckhouse) -> None:
    """C4: nobody is asked what a rule settles; the trace and the audit say by which."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "terminal pwd\nask pwd")
    await session_in(deck, ids["session_id"], "idle")
    events = await trace(deck, ids["session_id"])
    assert said(events) == f"exit 0: {deckhouse.project}\nallowed"
    kinds = [e.type for e in events if e.type.startswith("approval.")]
    assert kinds == ["approval.requested", "approval.decided"] * 2
    assert await decisions(deck) == [("pwd", "approve", "rule default:say-where")] * 2
    (line, *_), _ = await deck.audit()
    assert "say-where" in (line.rule_text or "")


async def test_what_a_rule_forbids_is_refused_with_its_reason(deckhouse: Deckhouse) -> None:
    """C4: permission, terminal and file alike; the agent is told."""
    rules(
        deckhouse,
        '[[rules]]\nid = "no-touch"\ndecision = "forbid"\nreason = "hands off"\n'
        'command = [["touch"]]\n'
        '[[rules]]\nid = "no-lock"\ndecision = "forbid"\nreason = "kept"\n'
        'tool = ["edit"]\npaths = ["*.lock"]\n',
    )
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a\nterminal touch a\nwrite x.lock y")
    await session_in(deck, ids["session_id"], "idle")
    spoken = said(await trace(deck, ids["session_id"]))
    assert spoken == "refusedno terminal: forbidden: hands offforbidden: kept"
    assert [action for _, action, _ in await decisions(deck)] == ["deny"] * 3
    assert not (deckhouse.project / "x.lock").exists()


async def test_a_write_that_was_shown_and_approved_is_not_asked_again(
    deckhouse: Deckhouse,
) -> None:
    """C4: an approved edit covers exactly its own write, once."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "edit a.txt one\nwrite a.txt two")
    first = await approval_of(deck, ids["session_id"])
    assert first.kind == "tool_call"
    await decide(deck, first, "approve")
    while (second := await approval_of(deck, ids["session_id"])).kind != "file":
        pass
    assert (deckhouse.project / "a.txt").read_text() == "one"
    assert "-one" in second.subject and "+two" in second.subject
    await decide(deck, second, "deny", reason="not that")
    await session_in(deck, ids["session_id"], "idle")
    assert (deckhouse.project / "a.txt").read_text() == "one"
    assert said(await trace(deck, ids["session_id"])) == "writtennot that"


async def test_always_adds_the_shown_prefix_and_nothing_shorter(deckhouse: Deckhouse) -> None:
    """C5: the amendment is what was proposed or longer; then the rule answers."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a b\nask touch a b")
    asked = await approval_of(deck, ids["session_id"])
    (offer,) = [o for o in asked.options if o["kind"] == "amend"]
    assert offer["prefix"] == "touch a b"
    for wrong in ("touch", "touch a c", "rm -rf", "touch 'a"):
        call = decide(deck, asked, "approve_always", prefix=wrong)
        assert await refused(call) == "invalid_option"
    assert not deck_rules(deckhouse)
    made = await decide(deck, asked, "approve_always")
    assert made.state == "approved"
    assert made.amendment == "allow-touch-a-b"
    assert made.prefix is not None
    await session_in(deck, ids["session_id"], "idle")
    assert [by for _, _, by in await decisions(deck)][1] == "rule user:allow-touch-a-b"
    assert "touch" in deck_rules(deckhouse)
    again = await decide(deck, asked, "approve_always")
    assert again == made
    assert deck_rules(deckhouse).count("[[rules]]") == 1


def deck_rules(deckhouse: Deckhouse) -> str:
    file = deckhouse.places.config / "policy.toml"
    return file.read_text() if file.exists() else ""


async def test_a_host_can_be_allowed_for_good(deckhouse: Deckhouse) -> None:
    """C5: one host, as it was proposed."""
    call = {"toolCallId": "f", "kind": "fetch", "rawInput": {"url": "https://docs.example.org/a"}}
    options = [{"optionId": "y", "name": "Yes", "kind": "allow_once"}]
    params = {"sessionId": "any", "toolCall": call, "options": options}
    asking = {"jsonrpc": "2.0", "id": 900, "method": "session/request_permission", "params": params}
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, f"raw {json.dumps(asking)}\nwait go")
    asked = await approval_of(deck, ids["session_id"])
    offer, _ = [o for o in asked.options if o["kind"] == "amend"]
    assert offer["host"] == "docs.example.org"
    made = await decide(deck, asked, "approve_always")
    assert made.amendment == "allow-docs.example.org"
    assert "docs.example.org" in deck_rules(deckhouse)


async def test_an_amendment_that_a_crash_cut_off_is_made_at_the_next_start(
    deckhouse: Deckhouse,
) -> None:
    """D9: the decision is committed, so its rule is written, once."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a b")
    await decide(deck, await approval_of(deck, ids["session_id"]), "approve_always")
    deckhouse.kill_supervisor()
    (deckhouse.places.config / "policy.toml").unlink()
    with sqlite3.connect(deckhouse.places.database) as db:
        db.execute("UPDATE decisions SET amendment = 'pending'")
    deck = await deckhouse.deck()
    await asyncio.to_thread(eventually, lambda: "touch" in deck_rules(deckhouse))


async def test_a_broken_rules_file_asks_about_everything_and_says_so(deckhouse: Deckhouse) -> None:
    """DESIGN §6: it stops nothing and allows nothing; corrected, it counts at the next call."""
    rules(deckhouse, "[[rules]]\nid = 3\n")
    deck = await deckhouse.deck()
    told = (await deck.status())["policy"]
    assert not told["ok"] and "policy.toml" in told["problem"]
    ids = await deckhouse.new(deck, "ask pwd\nask pwd")
    first = await approval_of(deck, ids["session_id"])
    assert "policy.toml" in (first.reason or "")
    rules(deckhouse, "")
    assert (await deck.status())["policy"] == {"ok": True, "problem": None}
    await decide(deck, first, "deny")
    await session_in(deck, ids["session_id"], "idle")
    assert [a["optionId"] for a in deckhouse.answers()] == ["n", "y"]


async def test_the_modes_of_a_session(deckhouse: Deckhouse) -> None:
    """C4: ask_all allows nothing, trusted edits inside, read_only forbids writing."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "write a.txt x", approval_mode="trusted")
    session_id = ids["session_id"]
    await session_in(deck, session_id, "idle")
    assert (deckhouse.project / "a.txt").read_text() == "x"
    await deck.set_approval_mode(session_id, "read_only")
    await deck.send(session_id, "write b.txt x\nask touch b.txt")
    await session_in(deck, session_id, "running", "idle")
    await session_in(deck, session_id, "idle")
    assert not (deckhouse.project / "b.txt").exists()
    deckhouse.qd("approval-mode", session_id, "ask_all")
    assert (await deck.session(session_id)).approval_mode == "ask_all"
    await deck.send(session_id, "ask pwd")
    assert (await approval_of(deck, session_id)).subject == "pwd"
    assert await refused(deck.set_approval_mode(session_id, "yolo")) == "invalid_params"


@pytest.mark.parametrize(("on_expiry", "answer"), [("deny", "n"), ("abort", None)])
async def test_what_nobody_answers_expires(
    deckhouse: Deckhouse, on_expiry: str, answer: str | None
) -> None:
    """C5: after the configured time the agent is answered and the approval is `expired`."""
    deckhouse.configure(f'[approvals]\nexpire_after = 0.3\non_expiry = "{on_expiry}"')
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a")
    approval = await approval_of(deck, ids["session_id"])
    await session_in(deck, ids["session_id"], "idle")
    assert (await deck.approval(approval.approval_id)).state == "expired"
    assert deckhouse.answers()[0].get("optionId") == answer
    assert await refused(decide(deck, approval, "approve")) == "not_pending"
    assert [by for _, _, by in await decisions(deck)] == ["expiry"]


async def test_a_cancelled_turn_refuses_what_it_held_back(deckhouse: Deckhouse) -> None:
    """R8: an agent that waits for a file or a terminal is answered too."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "write a.txt x")
    await approval_of(deck, ids["session_id"])
    await deck.cancel(ids["session_id"])
    await session_in(deck, ids["session_id"], "idle")
    assert not await deck.approvals()
    assert len(deckhouse.replies()) == 1


async def test_the_policy_commands(deckhouse: Deckhouse) -> None:
    """DESIGN §11: `qd policy check` and its kin, starting a supervisor where none runs."""
    where = ("--cwd", str(deckhouse.project))

    def qd(*arguments: str) -> str:
        return deckhouse.qd(*arguments)

    told = await asyncio.to_thread(qd, "policy", "check", "--shell", "pwd", *where, "--json")
    assert set(json.loads(told)) == {"decision", "rule", "reason"}
    assert json.loads(told)["decision"] == "allow"
    told = await asyncio.to_thread(qd, "policy", "explain", "--shell", "touch a b", *where)
    assert "qd policy add touch a b" in told
    await asyncio.to_thread(qd, "policy", "add", "touch", "a", "b")
    told = await asyncio.to_thread(qd, "policy", "check", "--shell", "touch a b", *where)
    assert told.startswith("allow by user:allow-touch-a-b")
    assert "user:allow-touch-a-b" in await asyncio.to_thread(qd, "policy", "ls", *where)
    assert await asyncio.to_thread(qd, "policy", "test", *where) == "the rules can be used\n"


async def test_a_projects_allow_rules_count_once_it_is_trusted(deckhouse: Deckhouse) -> None:
    """DESIGN §6: trusted by content hash; a change ends it."""
    file = deckhouse.project / ".quarterdeck/policy.toml"
    file.parent.mkdir()
    text = '[[rules]]\nid = "t"\ndecision = "allow"\ncommand = [["touch"]]\n'
    file.write_text(text)
    deck = await deckhouse.deck()
    cwd = str(deckhouse.project)

    async def verdict() -> str:
        return (await deck.policy_check(cwd=cwd, shell="touch a"))["decision"]

    assert await verdict() == "ask"
    shown = await deck.policy_project(cwd)
    assert await refused(deck.policy_trust(cwd, "0" * 64)) == "stale"
    await deck.policy_trust(cwd, shown["sha256"])
    assert await verdict() == "allow"
    file.write_text(text + "# changed\n")
    assert await verdict() == "ask"


async def test_a_dry_run_judges_what_was_asked_by_the_rules_of_now(deckhouse: Deckhouse) -> None:
    """The record tells what a new rule would have saved."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a")
    await decide(deck, await approval_of(deck, ids["session_id"]), "deny")
    await eventually_async(deckhouse_answered(deckhouse))
    await deck.policy_add(prefix=["touch", "a"])
    lines, cursor = await deck.policy_dry_run("2020-01-01T00:00:00Z")
    assert cursor is None
    (line,) = lines
    assert (line["was"], line["decision"]) == ("rejected", "allow")


def deckhouse_answered(deckhouse: Deckhouse):
    async def answered() -> bool:
        return bool(deckhouse.answers())

    return answered
