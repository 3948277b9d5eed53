"""Lifecycle hooks through a real supervisor: every step once, in order, with its ids (C6)."""

import asyncio
import json
import sys
from typing import Any

from quarterdeck.supervisor.hook_kinds import HookKind
from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in
from tests.support.growing_files import whole_lines
from tests.support.waiting import eventually

NOTE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def watch_everything(deckhouse: Deckhouse, *, first: str = "") -> None:
    note = [sys.executable, "-I", "-S", "-c", NOTE, str(deckhouse.project.parent / "noted")]
    kinds = [kind for kind in HookKind if kind is not HookKind.EVENT]
    lines = [f"{json.dumps(kind.value)} = [{first}{json.dumps(note)}]" for kind in kinds]
    deckhouse.configure("\n".join(["[hooks]", *lines]))


def noted(deckhouse: Deckhouse) -> list[dict[str, Any]]:
    return [json.loads(line) for line in whole_lines(deckhouse.project.parent / "noted")]


async def all_noted(deckhouse: Deckhouse) -> list[dict[str, Any]]:
    """Wait for the end of the turn, the last step of every test here."""
    await asyncio.to_thread(
        eventually, lambda: noted(deckhouse) and noted(deckhouse)[-1]["kind"] == "turn.ended"
    )
    return noted(deckhouse)


async def test_a_response_and_an_approved_call_are_told_step_by_step(deckhouse: Deckhouse) -> None:
    """C6: response start, deltas, end; pre-check, requested, decided, dispatching, completed."""
    watch_everything(deckhouse)
    deck = await deckhouse.deck()
    ids = await deckhouse.new(
        deck, "say one\nsay two\nfetch https://example.org/\nstep t pending\nstep t completed"
    )
    await decide(deck, await approval_of(deck, ids["session_id"]), "approve")
    steps = await all_noted(deckhouse)
    assert [n["kind"] for n in steps] == [
        "turn.started",
        "response.start",
        "response.delta",
        "response.delta",
        "response.end",
        "tool.pre_check",
        "approval.requested",
        "approval.decided",
        "tool.dispatching",
        "response.start",
        "response.delta",
        "response.end",
        "tool.dispatching",
        "tool.completed",
        "turn.ended",
    ]
    first, second = steps[1:5], steps[9:12]
    assert len({n["payload"]["response_id"] for n in first}) == 1
    assert first[0]["payload"]["response_id"] != second[0]["payload"]["response_id"]
    calls = {n["payload"]["tool_call_id"] for n in steps[5:9]}
    assert len(calls) == 1
    assert {n["payload"]["tool_call_id"] for n in steps[12:14]} == {"t"}
    assert steps[6]["payload"]["approval_id"] == steps[7]["payload"]["approval_id"]
    assert {(n["session_id"], n["run_id"]) for n in steps} == {(ids["session_id"], ids["run_id"])}


async def test_a_call_that_a_rule_settles_is_denied_or_dispatched_and_ends_once(
    deckhouse: Deckhouse,
) -> None:
    """C6: nobody is asked, so nothing is requested; a file ends with what came of it."""
    watch_everything(deckhouse)
    (deckhouse.project / "here").write_text("text")
    (deckhouse.project / "folder").mkdir()
    deck = await deckhouse.deck()
    await deckhouse.new(deck, "read here\nread folder\nterminal pwd")
    steps = await all_noted(deckhouse)
    tools = [n for n in steps if n["kind"].startswith(("tool.", "approval."))]
    by_call: dict[str, list[str]] = {}
    for n in tools:
        by_call.setdefault(n["payload"]["tool_call_id"], []).append(n["kind"])
    passed = ["tool.pre_check", "approval.decided", "tool.dispatching"]
    assert list(by_call.values()) == [
        [*passed, "tool.completed"],
        [*passed, "tool.failed"],
        [*passed, "tool.completed"],
    ]


async def test_a_forbidden_call_is_denied_and_has_no_other_end(deckhouse: Deckhouse) -> None:
    watch_everything(deckhouse)
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask rm -rf /")
    await session_in(deck, ids["session_id"], "idle")
    steps = await all_noted(deckhouse)
    tools = [n["kind"] for n in steps if n["kind"].startswith(("tool.", "approval."))]
    assert tools == ["tool.pre_check", "tool.denied", "approval.decided"]


async def test_a_hook_that_hangs_holds_up_neither_turn_nor_decision(deckhouse: Deckhouse) -> None:
    """C6: the supervisor goes on while the command hangs, and kills it after its time."""
    hanging = json.dumps([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
    deckhouse.configure(f'[hooks]\ntimeout = "10m"\n"turn.started" = [{hanging}]')
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a\nsay on")
    await decide(deck, await approval_of(deck, ids["session_id"]), "approve")
    await session_in(deck, ids["session_id"], "idle")
    assert (deckhouse.project / "a").exists()


async def test_what_has_no_kind_of_its_own_is_told_as_an_event(deckhouse: Deckhouse) -> None:
    """C6: generic events, between the deltas of a response too, which they do not end."""
    note = [sys.executable, "-I", "-S", "-c", NOTE, str(deckhouse.project.parent / "noted")]
    kinds = ("event", "response.start", "response.end", "turn.ended")
    lines = [f"{json.dumps(kind)} = [{json.dumps(note)}]" for kind in kinds]
    deckhouse.configure("\n".join(["[hooks]", *lines]))
    entry = {"content": "look", "priority": "medium", "status": "pending"}
    plan = json.dumps({"sessionUpdate": "plan", "entries": [entry]})
    deck = await deckhouse.deck()
    await deckhouse.new(deck, f"say one\nupdate {plan}\nsay two")
    steps = await all_noted(deckhouse)
    told = [n["payload"]["type"] for n in steps if n["kind"] == "event"]
    assert "session.started" in told
    assert "plan" in told
    assert all(n["payload"]["seq"] > 0 for n in steps if n["kind"] == "event")
    assert [n["kind"] for n in steps].count("response.start") == len(
        [n for n in steps if n["kind"] == "response.end"]
    )
