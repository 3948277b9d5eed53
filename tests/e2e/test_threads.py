"""C1, C2, A6, A7: what is done to a session as a whole, through a real supervisor."""

import json
import sqlite3
import subprocess

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, said, session_in, trace
from tests.support.waiting import eventually_async


async def idle_session(house: Deckhouse, deck: Deck, prompt: str = "say hello", **more) -> str:
    ids = await house.new(deck, prompt, wait=True, **more)
    await session_in(deck, ids["session_id"], "idle")
    return ids["session_id"]


async def closed_session(house: Deckhouse, deck: Deck, prompt: str = "say hello") -> str:
    session_id = await idle_session(house, deck, prompt)
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    return session_id


async def refused(call) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        await call
    return caught.value


async def listed(deck: Deck, state: str = "all", **more) -> list[str]:
    found, _ = await deck.sessions(state=state, **more)
    return [view.session_id for view in found]


async def test_a7_c1_a_session_is_renamed_within_200_characters(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)
    view = await deck.session(session_id)
    await deck.mark_read(session_id, view.version)
    renamed = await deck.rename(session_id, "  a better   name ")
    assert renamed.title == "a better name"
    assert renamed.version > view.version
    assert renamed.attention == "read"
    for title in ("x" * 201, "   ", ""):
        error = await refused(deck.rename(session_id, title))
        assert error.code == "invalid_params"
        assert "title" in error.message
    assert (await deck.session(session_id)).title == "a better name"
    unknown = await refused(deck.rename("ses_nowhere", "x"))
    assert unknown.code == "unknown_session"


async def test_c1_pinned_archived_and_back_whole(deckhouse: Deckhouse) -> None:
    """Archived ones leave the default lists; unarchived they are as they were."""
    deck = await deckhouse.deck()
    first = await idle_session(deckhouse, deck)
    second = await idle_session(deckhouse, deck)
    assert await listed(deck) == [second, first]
    await deck.pin(first)
    assert await listed(deck) == [first, second]
    await deck.mark_all_read()
    assert await listed(deck, "default") == [first]
    await deck.unpin(first)
    assert await listed(deck, "default") == []
    before = await deck.session(first)
    archived = await deck.archive(first)
    assert archived.archived_at is not None
    for state in ("default", "all", "idle", "unread", "terminal"):
        assert first not in await listed(deck, state)
    assert await listed(deck, "archived") == [first]
    assert (await deck.status())["counts"]["read"] == 1
    after = await deck.unarchive(first)
    for name in ("title", "state", "attention", "run_id", "last_event_seq", "archived_at"):
        assert getattr(after, name) == getattr(before, name)
    assert first in await listed(deck)


async def test_c1_deleting_waits_for_the_end_and_can_be_undone(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)
    error = await refused(deck.delete(session_id))
    assert (error.code, error.data["session_id"]) == ("session_live", session_id)
    assert "qd close" in error.hint
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    assert (await deck.delete(session_id)).deleted_at is not None
    assert await listed(deck) == []
    assert await listed(deck, "deleted") == [session_id]
    for call in (
        deck.send(session_id, "say more"),
        deck.rename(session_id, "x"),
        deck.archive(session_id),
        deck.fork(session_id),
    ):
        assert (await refused(call)).code == "session_deleted"
    assert (await deck.restore(session_id)).deleted_at is None
    await deck.send(session_id, "say more")
    await session_in(deck, session_id, "idle")
    assert await listed(deck) == [session_id]


async def test_c1_what_was_deleted_over_30_days_ago_is_gone_after_a_start(
    deckhouse: Deckhouse,
) -> None:
    """Rows and run directories go; one deleted for less than 30 days, and all others, stay."""
    deck = await deckhouse.deck()
    old, young, kept = [await closed_session(deckhouse, deck) for _ in range(3)]
    old_run = (await deck.session(old)).run_id
    assert old_run is not None
    await deck.delete(old)
    await deck.delete(young)
    await deck.down()
    await deck.wait_closed()
    with sqlite3.connect(deckhouse.places.database) as db:
        day = 24 * 60 * 60 * 1000
        db.execute(
            "UPDATE sessions SET deleted_at = deleted_at - ? WHERE session_id = ?", (31 * day, old)
        )
        db.execute(
            "UPDATE sessions SET deleted_at = deleted_at - ? WHERE session_id = ?",
            (29 * day, young),
        )
    assert (deckhouse.places.runs / old_run).exists()
    deck = await deckhouse.deck()

    async def gone() -> bool:
        return await listed(deck, "deleted") == [young]

    await eventually_async(gone)
    assert (await refused(deck.session(old))).code == "unknown_session"
    assert not (deckhouse.places.runs / old_run).exists()
    assert said(await trace(deck, young)) == "hello"
    assert await listed(deck) == [kept]
    with sqlite3.connect(deckhouse.places.database) as db:
        for table in ("runs", "commands", "checkpoints"):
            count = f"SELECT count(*) FROM {table} WHERE session_id = ?"
            assert db.execute(count, (old,)).fetchone() == (0,)
        assert db.execute("SELECT count(DISTINCT run_no) FROM events").fetchone() == (2,)


async def test_c1_resuming_starts_what_is_closed_and_leaves_what_is_live(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    session_id = await closed_session(deckhouse, deck)
    resumed = await deck.resume(session_id)
    assert (resumed.state, resumed.active) == ("idle", True)
    assert await deck.resume(session_id) == resumed
    assert len(await deck.runs(session_id)) == 2
    assert (await refused(deck.resume("ses_nowhere"))).code == "unknown_session"
    assert deckhouse.prompts() == ["say hello"]


async def test_c1_sessions_are_grouped_by_project(deckhouse: Deckhouse, tmp_path) -> None:
    deck = await deckhouse.deck()
    other = tmp_path / "other"
    other.mkdir()
    here = await idle_session(deckhouse, deck)
    there = await idle_session(deckhouse, deck, cwd=str(other))
    await deck.archive(here)
    groups = {group.project: group for group in await deck.projects()}
    assert (groups[str(other)].sessions, groups[str(other)].unread) == (1, 1)
    mine = groups[str(deckhouse.project)]
    assert (mine.sessions, mine.archived, mine.unread) == (0, 1, 0)
    assert await listed(deck, project=str(other)) == [there]
    assert await listed(deck, project="/nowhere") == []


async def test_c1_a_fork_without_the_agents_help_is_told_the_history(deckhouse: Deckhouse) -> None:
    """A new session with its parent, agent and directory; the prompt comes after what was said."""
    deck = await deckhouse.deck()
    parent = await idle_session(deckhouse, deck, "say the answer is 42")
    ids = await deck.fork(parent, prompt="say second", wait=True)
    fork = str(ids["session_id"])
    view = await session_in(deck, fork, "idle")
    assert view.parent_session_id == parent
    assert (view.source, view.agent, view.cwd) == ("fork", "scripted", str(deckhouse.project))
    told = deckhouse.prompts()[-1]
    assert "> say the answer is 42" in told
    assert "> the answer is 42" in told
    assert told.endswith("say second")
    events = await trace(deck, fork)
    assert events[0].type == "backend_status"
    assert events[0].payload["forked_from"]["session_id"] == parent
    message = next(e for e in events if e.type == "user_message").payload
    assert message["text"] == "say second"
    assert message["history"]["of"] == parent
    assert said(events) == "second"
    await deck.send(fork, "say third")
    await eventually_async(lambda: _prompted(deckhouse, 3))
    assert deckhouse.prompts()[-1] == "say third"
    assert len(await trace(deck, parent)) == len(await trace(deck, parent))
    assert (await deck.session(parent)).state == "idle"


async def _prompted(house: Deckhouse, count: int) -> bool:
    return len(house.prompts()) == count


async def test_c1_a_fork_of_a_fork_knows_both_histories(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    first = await idle_session(deckhouse, deck, "say one")
    second = str((await deck.fork(first, prompt="say two", wait=True))["session_id"])
    await session_in(deck, second, "idle")
    third = await deck.fork(second)
    waiting = await deck.session(str(third["session_id"]))
    assert (waiting.state, third["command_id"]) == ("asleep", None)
    assert [e.type for e in await trace(deck, waiting.session_id)] == ["backend_status"]
    await deck.send(waiting.session_id, "say three")
    await session_in(deck, waiting.session_id, "idle")
    told = deckhouse.prompts()[-1]
    assert told.index("> say one") < told.index("> say two") < told.index("say three")


@pytest.mark.parametrize("how", ["works", "fails"])
async def test_c1_the_agents_own_fork_is_used_where_it_has_one(
    deckhouse: Deckhouse, how: str
) -> None:
    """session/fork of the parent's own session; if it fails the history is told in words."""
    deckhouse.configure(SCRIPTED_FORK=how)
    deck = await deckhouse.deck()
    parent = await idle_session(deckhouse, deck)
    known = (await deck.session(parent)).agent_session_id
    fork = str((await deck.fork(parent, prompt="say second", wait=True))["session_id"])
    view = await session_in(deck, fork, "idle")
    calls = (deckhouse.agent_home / "forks").read_text().splitlines()
    assert [json.loads(line) for line in calls] == [known]
    assert view.agent_session_id != known
    started = next(e for e in await trace(deck, fork) if e.type == "session.started")
    if how == "works":
        assert started.payload["via"] == "fork"
        assert deckhouse.prompts()[-1] == "say second"
        assert said(await trace(deck, fork)) == "second"
    else:
        assert started.payload["via"] == "new"
        assert "> say hello" in deckhouse.prompts()[-1]


async def test_c2_latest_follows_and_named_checkpoints_are_loaded(deckhouse: Deckhouse) -> None:
    """Saved on message and answer; loading is a fork with the history up to that point."""
    deckhouse.configure(SCRIPTED_FORK="works")
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, "say one")
    latest = (await deck.checkpoints(session_id))[0]
    assert (latest.name, latest.seq) == ("latest", (await trace(deck, session_id))[-1].seq)
    await deck.save_checkpoint(session_id, "early")
    await deck.send(session_id, "say two\nhang")
    await eventually_async(lambda: _said(deck, session_id, "onetwo"))
    asked = [e for e in await trace(deck, session_id) if e.type == "user_message"][-1]
    by_name = {point.name: point for point in await deck.checkpoints(session_id)}
    assert by_name["latest"].seq == asked.seq
    await deck.cancel(session_id)
    await session_in(deck, session_id, "idle")
    by_name = {point.name: point for point in await deck.checkpoints(session_id)}
    assert by_name["latest"].seq > asked.seq
    assert by_name["early"].seq == latest.seq
    fork = await deck.fork(session_id, checkpoint="early", prompt="say three", wait=True)
    await session_in(deck, str(fork["session_id"]), "idle")
    assert "> say one" in deckhouse.prompts()[-1]
    assert "two" not in deckhouse.prompts()[-1]
    for call, code in (
        (deck.fork(session_id, checkpoint="nowhere"), "unknown_checkpoint"),
        (deck.save_checkpoint(session_id, "latest"), "invalid_params"),
        (deck.save_checkpoint(session_id, "x" * 101), "invalid_params"),
        (deck.delete_checkpoint(session_id, "nowhere"), "unknown_checkpoint"),
    ):
        assert (await refused(call)).code == code
    await deck.delete_checkpoint(session_id, "early")
    assert [point.name for point in await deck.checkpoints(session_id)] == ["latest"]


async def test_c2_a_message_is_appended_with_role_and_item(deckhouse: Deckhouse) -> None:
    """Its agent is asked nothing; `latest` stands at it, and a fork knows what it says."""
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, "say one")
    prompts = deckhouse.prompts()
    version = (await deck.session(session_id)).version
    saved = await deck.append_message(session_id, "user", "decided on the phone", item="call 7")
    [*_, event] = await trace(deck, session_id)
    assert (event.type, event.seq) == ("user_message", saved.seq)
    assert event.payload == {
        "text": "decided on the phone",
        "role": "user",
        "item": "call 7",
        "appended_by": "tester",
    }
    assert (await deck.session(session_id)).version > version
    told = json.loads(
        deckhouse.qd("message", session_id, "so be it", "--role", "assistant", "--json")
    )
    [*_, event] = await trace(deck, session_id)
    assert (event.type, event.payload["text"]) == ("assistant_message", "so be it")
    latest = (await deck.checkpoints(session_id))[0]
    assert (latest.name, latest.seq) == ("latest", event.seq)
    assert told["seq"] == event.seq
    assert (await deck.session(session_id)).state == "idle"
    assert deckhouse.prompts() == prompts
    fork = await deck.fork(session_id, checkpoint="latest", prompt="say two", wait=True)
    await session_in(deck, str(fork["session_id"]), "idle")
    assert "> decided on the phone" in deckhouse.prompts()[-1]
    assert "> so be it" in deckhouse.prompts()[-1]
    assert [hit.seq for hit in (await deck.search("phone", session_id=session_id))[0]] == [
        saved.seq
    ]


async def test_c2_a_message_that_cannot_be_appended_changes_nothing(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, "say one")
    other = await idle_session(deckhouse, deck, "say other")
    run_id = (await deck.session(other)).run_id
    before = await trace(deck, session_id)
    for call, code in (
        (deck.append_message(session_id, "system", "x"), "invalid_params"),
        (deck.append_message(session_id, "user", "  "), "empty_prompt"),
        (deck.append_message(session_id, "user", "x", item="i" * 201), "invalid_params"),
        (deck.append_message(session_id, "user", "x", run_id=run_id), "run_of_other_session"),
        (deck.append_message("ses_nowhere", "user", "x"), "unknown_session"),
    ):
        assert (await refused(call)).code == code
    assert await trace(deck, session_id) == before
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    error = await refused(deck.append_message(session_id, "user", "x"))
    assert error.code == "session_not_running"


async def _said(deck: Deck, session_id: str, text: str) -> bool:
    return said(await trace(deck, session_id)) == text


async def test_a4_a_fork_with_the_same_key_is_made_once(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    parent = await closed_session(deckhouse, deck)
    first = await deck.fork(parent, key="once")
    assert await deck.fork(parent, key="once") == first
    assert (await refused(deck.fork(parent, key="once", title="other"))).code == "conflict"
    assert len(await listed(deck)) == 2


async def test_a6_git_and_bundle_are_noted_and_summarised(deckhouse: Deckhouse) -> None:
    """Commit, branch and origin without its password; a bundle by names and counts only."""

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        where = ["git", "-C", str(deckhouse.project), *who]
        return subprocess.run(
            [*where, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q", "-b", "trunk")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("remote", "add", "origin", "https://user:hunter2@example.org/repo.git")
    deck = await deckhouse.deck()
    bundle = {
        "repository": "https://example.org/repo.git",
        "prompts": ["review", "style"],
        "skills": [],
        "credential": "deploy-key",
    }
    session_id = await idle_session(deckhouse, deck, bundle=bundle)

    async def noted() -> bool:
        return (await deck.session(session_id)).git_commit is not None

    await eventually_async(noted)
    view = await deck.session(session_id)
    assert view.git_commit == git("rev-parse", "HEAD")
    assert (view.git_branch, view.git_origin) == ("trunk", "https://example.org/repo.git")
    told = (await deck.runs(session_id))[0].bundle
    assert told == {
        "repository": "https://example.org/repo.git",
        "credential": "deploy-key",
        "prompts": {"count": 2, "names": ["review", "style"]},
        "skills": {"count": 0, "names": []},
    }
    for wrong in (
        {"credential": "two words"},
        {"repository": "https://me:pw@example.org/x"},
        {"secret": "x"},
    ):
        error = await refused(deckhouse.new(deck, "say x", bundle=wrong))
        assert error.code == "invalid_params"
    assert len(await listed(deck)) == 1


async def test_a6_a_session_is_not_reused_across_project_or_agent(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)
    error = await refused(deck.send(session_id, "say x", project="/elsewhere"))
    assert error.code == "project_mismatch"
    assert "/elsewhere" in error.message
    assert str(deckhouse.project) in error.message
    error = await refused(deck.send(session_id, "say x", agent="runbook"))
    assert error.code == "agent_mismatch"
    assert "runbook" in error.message
    assert "scripted" in error.message
    assert deckhouse.prompts() == ["say hello"]
    await deck.send(session_id, "say y", project=str(deckhouse.project), agent="scripted")
    await eventually_async(lambda: _prompted(deckhouse, 2))
