"""What the screen shows at a glance, and finds: plans, work trees, events by type (A2, A11)."""

import json
import subprocess
from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, session_in, trace
from tests.support.waiting import eventually_async


def git(top: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(top), *who, *arguments], capture_output=True, check=True)


def plan(*entries: tuple[str, str]) -> str:
    told = [{"content": text, "priority": "high", "status": status} for text, status in entries]
    return "update " + json.dumps({"sessionUpdate": "plan", "entries": told})


async def test_a_plan_is_shown_with_its_step_and_where_its_event_is(deckhouse: Deckhouse):
    deck = await deckhouse.deck()
    first = plan(("Read", "completed"), ("Write  it\nall", "in_progress"), ("Test", "pending"))
    made = await deckhouse.new(deck, f"{first}\nsay done")
    await session_in(deck, made["session_id"], "idle")
    view = await deck.session(made["session_id"])
    assert view.plan is not None
    seq = view.plan.pop("seq")
    assert view.plan == {"done": 1, "total": 3, "step": "Write it all", "run_id": made["run_id"]}
    events = await trace(deck, made["session_id"])
    assert [event.seq for event in events if event.type == "plan"] == [seq]


async def test_the_diff_is_against_the_commit_the_first_run_began_at(deckhouse: Deckhouse):
    project = deckhouse.project
    git(project, "init", "-q")
    (project / "a.txt").write_text("one\ntwo\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "base")
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "ask echo three >> a.txt; git add .; git commit -qm more")
    session_id = made["session_id"]
    await session_in(deck, session_id, "waiting")

    async def looked_at() -> bool:
        return (await deck.session(session_id)).git_base is not None

    async def changed() -> bool:
        return (await deck.session(session_id)).changes is not None

    await eventually_async(looked_at)
    (project / "a.txt").write_text("one\ntwo\nthree\n")
    git(project, "commit", "-qam", "more")
    (project / "new.txt").write_text("n\n")
    await deck.cancel(session_id)
    await eventually_async(changed)
    view = await deck.session(session_id)
    assert view.changes == {"files": 2, "added": 2, "removed": 0}
    found = await deck.diff(session_id)
    told = [(f.path, f.status) for f in found.files]
    assert told == [("a.txt", "modified"), ("new.txt", "untracked")]
    assert (found.top, found.base, found.more) == (str(project), view.git_base, False)
    assert "+three\n" in (await deck.diff_file(session_id, "a.txt")).text
    assert await deck.files(session_id, "new") == ["new.txt"]
    listed = json.loads(deckhouse.qd("diff", session_id, "--json"))
    assert [f["path"] for f in listed["files"]] == ["a.txt", "new.txt"]
    assert "+three" in deckhouse.qd("diff", session_id, "a.txt")


async def test_outside_a_work_tree_the_diff_says_so_and_there_is_nothing_to_complete(
    deckhouse: Deckhouse,
):
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "say hello")
    await session_in(deck, made["session_id"], "idle")
    with pytest.raises(QuarterdeckError) as caught:
        await deck.diff(made["session_id"])
    assert caught.value.code == "no_worktree"
    assert await deck.files(made["session_id"], "a") == []


async def test_events_are_found_by_type_forward_backward_and_all_of_them(deckhouse: Deckhouse):
    deck = await deckhouse.deck()
    lines = ["raw garbage", "count 3", plan(("Do", "pending")), "raw more", "say end"]
    made = await deckhouse.new(deck, "\n".join(lines))
    session_id = made["session_id"]
    await session_in(deck, session_id, "idle")
    events = await trace(deck, session_id)
    of = {kind: [e.seq for e in events if e.type == kind] for kind in {e.type for e in events}}
    for types in (["error"], ["plan", "error"], ["assistant_message"], ["thought"]):
        wanted = sorted(seq for kind in types for seq in of.get(kind, []))
        found, cursor = await deck.event_seqs(session_id, types)
        assert (found, cursor) == (wanted, len(events))
    some, cursor = await deck.event_seqs(session_id, ["assistant_message"], limit=2)
    rest, _ = await deck.event_seqs(session_id, ["assistant_message"], after_seq=cursor)
    assert some + rest == of["assistant_message"] and len(some) == 2
    first, last = of["error"][0], of["error"][-1]
    assert first < last
    near = deck.nearest_event
    assert await near(session_id, ["error"], from_seq=0, forward=True) == first
    assert await near(session_id, ["error"], from_seq=first, forward=True) == last
    assert await near(session_id, ["error"], from_seq=last, forward=False) == first
    assert await near(session_id, ["error"], from_seq=last, forward=True) is None
    with pytest.raises(QuarterdeckError) as caught:
        await deck.event_seqs(session_id, ["nonsense"])
    assert caught.value.code == "invalid_params"
