"""A session that was exported and imported is the same one, field by field."""

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

from quarterdeck.client.deck import Deck
from quarterdeck.client.export import json_lines
from quarterdeck.model.export_format import SessionRecord
from quarterdeck.model.records import SessionView
from tests.support.deckhouse import Deckhouse, session_in
from tests.support.waiting import eventually_async

OF_THE_DECK = {
    "state": "what is imported has no agent: it is closed",
    "state_since": "it is closed since the import",
    "state_source": "it is closed by the import",
    "active": "it has no live run",
    "coordination": "follows from the state",
    "attention": "follows from the state and the reader's mark",
    "failure": "why the deck's attempt to run it failed; nobody is asked about it there",
    "failure_kind": "like the failure",
    "recovery_attempts": "counts that deck's starts",
    "open_approvals": "a question is put to one deck's people",
    "queued": "what was not ended is exported as cancelled",
    "version": "counts what happens on one deck",
    "read_version": "a reader's mark on one deck",
    "source": "import; an export tells the first one",
    "deleted_at": "who imports it wants it",
}
"""The fields of a view that an import does not give back, and why."""
SAME = [f.name for f in dataclasses.fields(SessionView) if f.name not in OF_THE_DECK]


async def exported(deck: Deck, session_id: str) -> list[str]:
    return [json_lines.line(record) async for record in deck.export(session_id)]


def fields(view: SessionView, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: getattr(view, name) for name in SAME if name not in without}


def _make_repository(folder: Path) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    for call in (
        ["init", "-q", "-b", "trunk"],
        ["commit", "-q", "--allow-empty", "-m", "first"],
        ["remote", "add", "origin", "https://example.org/repo.git"],
    ):
        subprocess.run(["git", "-C", str(folder), *who, *call], check=True, capture_output=True)


async def rich_session(house: Deckhouse, deck: Deck, parent: str) -> str:
    """Return a closed fork that has something in every field that a view may have."""
    house.configure(SCRIPTED_MODELS="1")
    _make_repository(house.project)
    (house.project / "new.txt").write_text("one line\n")
    told = [
        "update " + json.dumps({"sessionUpdate": "current_mode_update", "currentModeId": "build"}),
        'usage {"used": 120, "size": 1000, "cost": {"amount": 0.5, "currency": "USD"}}',
        "update "
        + json.dumps(
            {
                "sessionUpdate": "plan",
                "entries": [{"content": "look", "status": "in_progress", "priority": "low"}],
            }
        ),
        "say done",
    ]
    made = await deck.fork(parent, prompt="\n".join(told), wait=True)
    session_id = str(made["session_id"])
    await session_in(deck, session_id, "idle")

    await deck.set_model(session_id, "large")

    async def looked_at() -> bool:
        view = await deck.session(session_id)
        return None not in (view.git_base, view.changes, view.model)

    await eventually_async(looked_at)
    await deck.set_approval_mode(session_id, "read_only")
    await deck.describe(
        session_id,
        summary="what it is about",
        conversation_id="issue-7",
        metadata={"team": "blue"},
        ephemeral=False,
        expires_at="2999-01-01T00:00:00Z",
    )
    await deck.save_checkpoint(session_id, "here")
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    await deck.rename(session_id, "Renamed")
    await deck.pin(session_id)
    await deck.archive(session_id)
    return session_id


async def test_every_field_of_the_view_comes_back(deckhouse: Deckhouse, tmp_path: Path) -> None:
    """A6, C1, C2: field by field, but for those that `OF_THE_DECK` gives a reason for."""
    deck = await deckhouse.deck()
    parent = (await deckhouse.new(deck, "say first"))["session_id"]
    await session_in(deck, parent, "idle")
    session_id = await rich_session(deckhouse, deck, parent)
    before = await deck.session(session_id)
    empty = [name for name in SAME if getattr(before, name) in (None, "", {}, [], False)]
    assert set(empty) == {"ephemeral"}, "what is empty proves nothing"
    lines = await exported(deck, session_id)
    of_parent = await exported(deck, parent)
    other = Deckhouse(tmp_path / "other")
    try:
        there = await other.deck()
        await there.import_session(of_parent)
        await there.import_session(lines)
        after = await there.session(session_id)
        assert fields(after) == fields(before)
        assert await exported(there, session_id) == lines
        assert await there.checkpoints(session_id) == await deck.checkpoints(session_id)
        left = {"runner_id": None}
        assert [dataclasses.replace(run, **left) for run in await there.runs(session_id)] == [
            dataclasses.replace(run, **left) for run in await deck.runs(session_id)
        ], "but for who ran it, which is of the deck"
        assert (await there.sessions(state="all"))[0] != [], "the parent, and it alone"
        copy = await there.import_session(lines, new_id=True)
        anew = await there.session(copy["session_id"])
        renamed = ("session_id", "run_id", "command_id", "agent_session_id", "plan")
        assert fields(anew, without=renamed) == fields(before, without=renamed)
        assert anew.plan is not None and before.plan is not None
        assert anew.plan == before.plan | {"run_id": anew.run_id}
        assert anew.agent_session_id is None, "that one stays with the session that is there"
    finally:
        await other.close()


async def test_a_parent_that_is_not_there_is_noted_and_told_again(
    deckhouse: Deckhouse, tmp_path: Path
) -> None:
    """C1."""
    deck = await deckhouse.deck()
    parent = (await deckhouse.new(deck, "say first"))["session_id"]
    await session_in(deck, parent, "idle")
    session_id = await rich_session(deckhouse, deck, parent)
    lines = await exported(deck, session_id)
    other = Deckhouse(tmp_path / "other")
    try:
        there = await other.deck()
        await there.import_session(lines)
        after = await there.session(session_id)
        assert (after.parent_session_id, after.metadata) == (None, {"team": "blue"})
        assert await exported(there, session_id) == lines
    finally:
        await other.close()


async def test_an_import_loosens_nothing_and_is_not_over_at_once(deckhouse: Deckhouse) -> None:
    """C4, A6: `trusted` is for a person to say; a time that is over would delete what came."""
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say it"))["session_id"]
    await session_in(deck, session_id, "idle")
    lines = await exported(deck, session_id)
    wanted = {"approval_mode": "trusted", "expires_at": "2001-01-01T00:00:00Z"}
    told = await deck.import_session(
        [json.dumps(json.loads(lines[0]) | wanted) + "\n", *lines[1:]], new_id=True
    )
    view = await deck.session(told["session_id"])
    assert (view.approval_mode, view.expires_at, view.deleted_at) == ("normal", None, None)


async def test_a_file_of_format_1_is_still_read(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say it"))["session_id"]
    await session_in(deck, session_id, "idle")
    lines = await exported(deck, session_id)
    later = {name for name, told in SessionRecord.model_fields.items() if not told.is_required()}
    old = {k: v for k, v in json.loads(lines[0]).items() if k == "record" or k not in later}
    told = await deck.import_session(
        [json.dumps(old | {"format": 1}) + "\n", *lines[1:]], new_id=True
    )
    view = await deck.session(told["session_id"])
    assert (view.pinned, view.approval_mode, view.execution_state) == (False, "normal", "terminal")
