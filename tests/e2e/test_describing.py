"""A6: what a session carries beside what happens in it, through a real supervisor."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import KINDS, QuarterdeckError
from tests.support.deckhouse import Deckhouse, session_in
from tests.support.waiting import eventually_async

SAID: dict[str, Any] = {
    "conversation_id": "issue-17",
    "metadata": {"team": "docks", "round": 2, "urgent": True},
    "summary": "Mend the crane",
}
SECRET = f"ghp_{'a1B2' * 9}"


def at(**later: float) -> str:
    """Return a time from now as the protocol takes it."""
    return (datetime.now(UTC) + timedelta(**later)).isoformat()


def in_two_days(time: str) -> bool:
    return at(days=1) < datetime.fromisoformat(time).isoformat() <= at(days=2)


async def idle_session(house: Deckhouse, deck: Deck, prompt: str = "say hello", **more) -> str:
    ids = await house.new(deck, prompt, wait=True, **more)
    await session_in(deck, ids["session_id"], "idle")
    return ids["session_id"]


async def refused(call) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        await call
    return caught.value


def described(house: Deckhouse, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "quarterdeck", "describe", *arguments, "--json"],
        env=house.environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def told(deck: Deck, session_id: str) -> dict[str, Any]:
    view = await deck.session(session_id)
    return {name: getattr(view, name) for name in SAID}


async def test_a6_a_session_carries_what_its_creator_says_of_it(deckhouse: Deckhouse) -> None:
    """Over a restart, in the list, and changed later without becoming unread."""
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, **SAID, ephemeral=True, expires_at=at(days=2))
    bare = await idle_session(deckhouse, deck)
    assert await told(deck, session_id) == SAID
    view = await deck.session(session_id)
    assert (view.ephemeral, in_two_days(str(view.expires_at))) == (True, True)
    assert view.command_id == (await deck.commands(session_id))[-1].command_id
    assert await told(deck, bare) == {"conversation_id": None, "metadata": {}, "summary": ""}
    await deck.mark_read(session_id, view.version)
    changed = await deck.describe(
        session_id, summary="It is mended", ephemeral=False, expires_at="never"
    )
    assert (changed.summary, changed.ephemeral, changed.expires_at) == ("It is mended", False, None)
    assert changed.attention == "read"
    assert changed.version > view.version
    assert (await deck.describe(session_id, summary="It is mended")).version == changed.version
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    listed = {found.session_id: found for found in (await deck.sessions(state="all"))[0]}
    assert listed[session_id].metadata == SAID["metadata"]
    assert listed[session_id].summary == "It is mended"
    assert listed[session_id].conversation_id == "issue-17"


async def test_a6_what_is_said_of_a_session_comes_back_with_its_import(
    deckhouse: Deckhouse, tmp_path: Path
) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, **SAID)
    file = tmp_path / "session.jsonl"
    deckhouse.qd("export", session_id, "--format", "jsonl", "-o", str(file))
    again = json.loads(deckhouse.qd("import", str(file), "--new-id", "--json"))["session_id"]
    assert await told(deck, again) == SAID
    renoted = await deck.describe(again, metadata={"team": "yard"})
    assert renoted.metadata == {"team": "yard"}
    assert (await deck.session(again)).source == "import"


async def test_a6_an_ephemeral_session_goes_when_it_is_closed(deckhouse: Deckhouse) -> None:
    """It can be restored like any other that was deleted."""
    deck = await deckhouse.deck()
    passing = await idle_session(deckhouse, deck, ephemeral=True)
    kept = await idle_session(deckhouse, deck)
    for session_id in (passing, kept):
        await deck.close_session(session_id)
        await session_in(deck, session_id, "closed")
    assert [view.session_id for view in (await deck.sessions(state="deleted"))[0]] == [passing]
    assert [view.session_id for view in (await deck.sessions(state="all"))[0]] == [kept]
    assert (await deck.restore(passing)).deleted_at is None
    assert {v.session_id for v in (await deck.sessions(state="all"))[0]} == {passing, kept}


async def test_a6_a_session_whose_time_is_over_is_closed_and_deleted(deckhouse: Deckhouse) -> None:
    """One that works is left alone until it does nothing; a start finds what is overdue."""
    deck = await deckhouse.deck()
    busy = (await deckhouse.new(deck, "wait go", wait=True))["session_id"]
    await session_in(deck, busy, "running")
    idle = await idle_session(deckhouse, deck)
    for session_id in (busy, idle):
        await deck.describe(session_id, expires_at=at(seconds=3))

    async def deleted(session_id: str) -> bool:
        return (await deck.session(session_id)).deleted_at is not None

    await eventually_async(lambda: deleted(idle))
    assert (await deck.session(idle)).state == "closed"
    assert (await deck.runs(idle))[-1].state == "completed"
    assert (await deck.session(busy)).state == "running"
    (deckhouse.project / "go").touch()
    await eventually_async(lambda: deleted(busy))
    assert (await deck.runs(busy))[-1].state == "completed"
    resting = await idle_session(deckhouse, deck, expires_at=at(days=1))
    await deck.close_session(resting)
    await session_in(deck, resting, "closed")
    await deck.down()
    await deck.wait_closed()
    with closing(sqlite3.connect(deckhouse.places.database)) as db, db:
        db.execute("UPDATE sessions SET expires_at = 1 WHERE session_id = ?", (resting,))
    deck = await deckhouse.deck()
    await eventually_async(lambda: deleted(resting))


async def test_a6_a16_what_cannot_be_said_is_refused_and_changes_nothing(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, **SAID)
    gone = await idle_session(deckhouse, deck)
    await deck.close_session(gone)
    await session_in(deck, gone, "closed")
    await deck.delete(gone)
    before = ((await deck.status())["change"], await deck.session(session_id))
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"metadata": {"a": "x" * 9000}}, "metadata"),
        ({"metadata": {"": 1}}, "metadata"),
        ({"metadata": {"a": [1]}}, "metadata"),
        ({"metadata": {str(n): n for n in range(51)}}, "metadata"),
        ({"metadata": {"title": "t" * 201}}, "title"),
        ({"summary": "x" * 2001}, "summary"),
        ({"conversation_id": "x" * 201}, "conversation_id"),
    ]
    for wrong, where in wrongs:
        error = await refused(deck.describe(session_id, **wrong))
        assert (error.code, where in error.message) == ("invalid_params", True), wrong
    assert (await refused(deck.describe("ses_nowhere", summary="x"))).code == "unknown_session"
    assert (await refused(deck.describe(gone, summary="x"))).code == "session_deleted"
    assert ((await deck.status())["change"], await deck.session(session_id)) == before


async def test_a2_a6_what_is_said_of_a_session_holds_no_secret(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(
        deckhouse,
        deck,
        metadata={"note": f"use {SECRET}"},
        summary=f"with {SECRET}",
        conversation_id=f"call {SECRET}",
    )
    view = await deck.session(session_id)
    assert "redacted" in view.metadata["note"]
    assert "redacted" in view.summary
    await deck.down(agents=True)
    await deck.wait_closed()
    assert SECRET.encode() not in deckhouse.places.database.read_bytes()


async def test_a4_a_key_with_something_else_said_is_refused(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    first = await deckhouse.new(deck, "say x", key="k", summary="one")
    assert await deckhouse.new(deck, "say x", key="k", summary="one") == first
    error = await refused(deckhouse.new(deck, "say x", key="k", summary="two"))
    assert error.code == "conflict"


async def test_a6_on_the_command_line(deckhouse: Deckhouse) -> None:
    """`qd new` and `qd describe` say it, `qd show` shows it; a bundle by names."""
    made = json.loads(
        deckhouse.qd(
            *("new", "--agent", "scripted", "--cwd", str(deckhouse.project), "--json"),
            *("--conversation", "issue-17", "--note", "team=docks", "--note", "title=Crane"),
            *("--summary", "Mend it", "--ephemeral", "--expires", "2d"),
            *("--repository", "https://example.org/crane.git", "--commit", "abcdef12"),
            *("--skill", "welding", "--skill", "rigging", "--credential", "deploy-key"),
            "say hello",
        )
    )
    shown = json.loads(deckhouse.qd("show", made["session_id"], "--json"))
    assert shown["conversation_id"] == "issue-17"
    assert shown["metadata"] == {"team": "docks", "title": "Crane"}
    assert (shown["title"], shown["summary"], shown["ephemeral"]) == ("Crane", "Mend it", True)
    assert in_two_days(shown["expires_at"])
    assert shown["runs"][0]["bundle"] == {
        "repository": "https://example.org/crane.git",
        "commit": "abcdef12",
        "credential": "deploy-key",
        "prompts": {"count": 0, "names": []},
        "skills": {"count": 2, "names": ["welding", "rigging"]},
    }
    deckhouse.qd("describe", made["session_id"], "--keep", "--expires", "never", "--summary", "")
    shown = json.loads(deckhouse.qd("show", made["session_id"], "--json"))
    assert (shown["summary"], shown["ephemeral"], shown["expires_at"]) == ("", False, None)
    assert shown["metadata"] == {"team": "docks", "title": "Crane"}
    for wrong in (("--note", "nothing"), ("--expires", "soon"), ("--expires", "2020-01-01"), ()):
        failed = described(deckhouse, made["session_id"], *wrong)
        assert json.loads(failed.stderr)["error"]["code"] == "invalid_params"
        assert failed.returncode == KINDS["invalid_params"].exit == 2
