"""Lifecycle hooks: user commands on what happens, in order, never in the way (C6)."""

import asyncio
import json
import sys

from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in, trace
from tests.support.growing_files import whole_lines
from tests.support.waiting import eventually, eventually_async

NOTE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
KINDS = (
    "turn.started",
    "turn.ended",
    "tool.pre_check",
    "tool.denied",
    "approval.requested",
    "approval.decided",
)


def noted(deckhouse: Deckhouse) -> list[dict]:
    return [json.loads(line) for line in whole_lines(deckhouse.project.parent / "noted")]


def hooks(deckhouse: Deckhouse) -> str:
    note = [sys.executable, "-c", NOTE, str(deckhouse.project.parent / "noted")]
    lines = [f"{json.dumps(kind)} = [{json.dumps(note)}]" for kind in KINDS]
    return "\n".join(["[hooks]", *lines])


async def test_hooks_run_in_the_order_of_what_happened(deckhouse: Deckhouse) -> None:
    """C6: pre-check, then asked and decided, or denied; with the ids that tie them."""
    deckhouse.configure(hooks(deckhouse))
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a")
    await decide(deck, await approval_of(deck, ids["session_id"]), "deny")
    await session_in(deck, ids["session_id"], "idle")
    await asyncio.to_thread(eventually, lambda: len(noted(deckhouse)) == 5)
    assert [n["kind"] for n in noted(deckhouse)] == [
        "turn.started",
        "tool.pre_check",
        "approval.requested",
        "approval.decided",
        "turn.ended",
    ]
    assert {n["session_id"] for n in noted(deckhouse)} == {ids["session_id"]}
    asked, decided = noted(deckhouse)[2:4]
    assert asked["payload"]["approval_id"] == decided["payload"]["approval_id"]


async def test_a_failing_or_hanging_hook_is_recorded_and_stops_nothing(
    deckhouse: Deckhouse,
) -> None:
    """C6: exit code, time-out and a missing program are `hook` events; the turn goes on."""
    bad = [
        [sys.executable, "-c", "print('oh'); raise SystemExit(3)"],
        [sys.executable, "-c", "import time; time.sleep(60)"],
        ["/no/such/program"],
    ]
    deckhouse.configure(f'[hooks]\ntimeout = 0.5\n"turn.started" = {json.dumps(bad)}')
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say done")
    await session_in(deck, ids["session_id"], "idle")

    async def problems() -> list[str]:
        events = await trace(deck, ids["session_id"])
        return [e.payload["problem"] for e in events if e.type == "hook"]

    async def all_three() -> bool:
        return len(await problems()) == 3

    await eventually_async(all_three)
    first, second, third = await problems()
    assert first == "ended with 3"
    assert "was killed" in second
    assert third.startswith("could not be run")


async def test_a_user_command_is_notified_and_the_next_ones_are_collapsed(
    deckhouse: Deckhouse,
) -> None:
    """Per kind and session one at a time; the rest within the time is left out."""
    note = [sys.executable, "-c", NOTE, str(deckhouse.project.parent / "noted")]
    deckhouse.configure(
        f"[notifications]\ncommand = {json.dumps(note)}\ncollapse = '1h'\n"
        "kinds = ['approval.decided', 'turn.ended']"
    )
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask pwd\nask pwd")
    await session_in(deck, ids["session_id"], "idle")
    await asyncio.to_thread(eventually, lambda: len(noted(deckhouse)) == 2)
    assert [n["kind"] for n in noted(deckhouse)] == ["approval.decided", "turn.ended"]
