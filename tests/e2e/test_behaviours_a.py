"""A2, A3, A7, A8, A11, A14-A16: reads, names, health and errors, through a real supervisor."""

import asyncio
import base64
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import KINDS, QuarterdeckError
from quarterdeck.model.event_types import OUTPUT_TYPES, EventType
from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in, trace, whole_trace
from tests.support.waiting import eventually_async


async def idle_session(house: Deckhouse, deck: Deck, prompt: str = "say hello", **more) -> str:
    ids = await house.new(deck, prompt, wait=True, **more)
    await session_in(deck, ids["session_id"], "idle")
    return ids["session_id"]


async def refused(call) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        await call
    return caught.value


def shown(house: Deckhouse, session_id: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "quarterdeck", "show", session_id, "--json"],
        env=house.environment,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a2_events_go_on_by_one_over_turns_and_a_restart(deckhouse: Deckhouse) -> None:
    """Types are of the closed set, and the run says what its last seq is."""
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, "count 20")
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    command = await deck.send(session_id, "count 20")

    async def completed() -> bool:
        return (await deck.command(command.command_id)).state == "completed"

    await eventually_async(completed)
    events = await whole_trace(deck, session_id)
    assert {event.type for event in events} <= {kind.value for kind in EventType}
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (await deck.runs(session_id))[0].last_event_seq == len(events) > 40


async def test_a3_limits_of_event_pages_are_clamped_to_1_and_500(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck, "count 520")
    for limit, expected in ((0, 1), (-7, 1), (1, 1), (501, 500), (10_000, 500)):
        _, page, cursor = await deck.events(session_id, limit=limit)
        assert [event.seq for event in page] == list(range(1, expected + 1)), limit
        assert cursor == expected
    _, page, _ = await deck.events(session_id, after_seq=500, limit=10_000)
    assert page[0].seq == 501
    assert (await refused(deck.events(session_id, after_seq=-1))).code == "invalid_params"


async def test_a3_limits_of_lists_are_clamped_to_1_and_100(deckhouse: Deckhouse) -> None:
    """Sessions by page, commands as the last 100."""
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)
    for _ in range(101):
        await deck.fork(session_id)
    for limit, expected in ((0, 1), (-7, 1), (101, 100), (10_000, 100)):
        found, cursor = await deck.sessions(state="all", limit=limit)
        assert len(found) == expected, limit
        assert cursor is not None
    last = [(await deck.cancel(session_id)).command_id for _ in range(100)]
    assert [command.command_id for command in await deck.commands(session_id)] == last
    for limit, expected in ((0, 1), (-7, 1), (101, 100), (10_000, 100)):
        assert len(await deck.commands(session_id, limit=limit)) == expected, limit


async def test_a7_the_title_is_the_one_given_or_the_folded_prompt(deckhouse: Deckhouse) -> None:
    """Given: up to 200 characters; from the prompt: up to 120."""
    deck = await deckhouse.deck()
    given = await idle_session(deckhouse, deck, title="  release \n notes ")
    assert (await deck.session(given)).title == "release notes"
    whole = await idle_session(deckhouse, deck, title="t" * 200)
    assert (await deck.session(whole)).title == "t" * 200
    folded = await idle_session(deckhouse, deck, "say  a\n\tb   c")
    view = await deck.session(folded)
    assert (view.title, view.preview) == ("say a b c", "say a b c")
    long = await idle_session(deckhouse, deck, "say " + "word " * 50)
    view = await deck.session(long)
    assert len(view.title) == len(view.preview) == 120
    assert view.title.startswith("say word word ")
    assert view.title.endswith("…")
    error = await refused(deckhouse.new(deck, "say x", title="t" * 201))
    assert (error.code, "title" in error.message) == ("invalid_params", True)


async def test_a7_the_title_comes_from_the_metadata_if_none_is_given(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    noted = await idle_session(deckhouse, deck, metadata={"title": "n" * 200})
    assert (await deck.session(noted)).title == "n" * 200
    given = await idle_session(deckhouse, deck, metadata={"title": "noted"}, title="given")
    assert (await deck.session(given)).title == "given"
    other = await idle_session(deckhouse, deck, metadata={"title": 7})
    assert (await deck.session(other)).title == "say hello"
    error = await refused(deckhouse.new(deck, "say x", metadata={"title": "n" * 201}))
    assert (error.code, "title" in error.message) == ("invalid_params", True)


async def test_a8_versions_move_by_what_a_reader_should_notice(deckhouse: Deckhouse) -> None:
    """A turn's start and its end, but not every event of it."""
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)
    idle = (await deck.session(session_id)).version
    await deck.send(session_id, "count 60\nwait go")
    started = (await deck.session(session_id)).version
    assert started > idle

    async def counted() -> bool:
        return (await deck.session(session_id)).last_event_seq > 60

    await eventually_async(counted)
    assert (await deck.session(session_id)).version == started
    (deckhouse.project / "go").touch()
    assert (await session_in(deck, session_id, "idle")).version > started


async def test_a8_each_cause_alone_moves_the_version(deckhouse: Deckhouse) -> None:
    """Created, turn started, steered, finished or cancelled, run begun, ended, thread id learnt."""
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)

    async def version() -> int:
        return (await deck.session(session_id)).version

    async def ended(command_id: str) -> bool:
        return (await deck.command(command_id)).state in ("completed", "cancelled")

    async def over(prompt: str, **more) -> None:
        command_id = (await deck.send(session_id, prompt, **more)).command_id
        await eventually_async(lambda: ended(command_id))

    first = await version()
    fork = await deck.session(str((await deck.fork(session_id))["session_id"]))
    assert (fork.version, await version()) == (first + 1, first)
    told = {}
    before = fork.version

    async def note(cause: str) -> None:
        nonlocal before
        told[cause], before = await version() - before, await version()

    await over("say more")
    await note("started and finished")
    await deck.send(session_id, "wait never")
    await note("started")
    await over("say now", interrupt=True)
    await note("steered, cancelled, started and finished")
    turn = (await deck.send(session_id, "hang")).command_id
    await deck.cancel(session_id)
    await eventually_async(lambda: ended(turn))
    await note("started and cancelled")
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    await note("run finished")
    await deck.resume(session_id)
    await session_in(deck, session_id, "idle")
    await note("run begun, thread id learnt")
    await deck.cancel_run(session_id)
    await note("run cancelled")
    for end in ("finished", "cancelled"):
        reserved = (await deck.reserve_run(session_id)).run_id
        await deck.claim_run(reserved, "alpha")
        if end == "finished":
            await deck.finish_run(reserved, "alpha", "completed")
            await deck.finish_run(reserved, "alpha", "completed")
        else:
            await deck.cancel_run(session_id, run_id=reserved)
        await note(f"another runner's run {end}")
    assert told == {
        "started and finished": 2,
        "started": 1,
        "steered, cancelled, started and finished": 4,
        "started and cancelled": 2,
        "run finished": 1,
        "run begun, thread id learnt": 2,
        "run cancelled": 1,
        "another runner's run finished": 1,
        "another runner's run cancelled": 1,
    }


async def test_a11_output_is_filled_and_its_cursor_says_how_far_was_looked(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say one\nask touch it\nsay two")
    session_id = ids["session_id"]
    await decide(deck, await approval_of(deck, session_id), "deny")
    await session_in(deck, session_id, "idle")
    events = await trace(deck, session_id)
    wanted = [event for event in events if event.type in OUTPUT_TYPES]
    assert 0 < len(wanted) < len(events)
    found, cursor = [], 0
    for expected in wanted:
        _, page, cursor = await deck.events(session_id, after_seq=cursor, limit=1, output=True)
        assert page == [expected]
        assert cursor == expected.seq
        found += page
    _, page, cursor = await deck.events(session_id, after_seq=cursor, limit=1, output=True)
    assert (page, cursor) == ([], events[-1].seq)
    _, page, cursor = await deck.events(session_id, limit=len(wanted), output=True)
    assert (page, cursor) == (wanted, wanted[-1].seq)
    silent = (await deckhouse.new(deck, "hang", wait=True))["session_id"]
    await session_in(deck, silent, "running")
    told = await trace(deck, silent)
    _, page, cursor = await deck.events(silent, output=True)
    assert (page, cursor) == ([], told[-1].seq)


async def test_a11_a_trace_is_of_the_active_run_else_the_last_and_of_no_other_session(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)
    first = (await deck.session(session_id)).run_id
    other = await idle_session(deckhouse, deck)
    await deck.close_session(session_id)
    await session_in(deck, session_id, "closed")
    run_id, events, _ = await deck.events(session_id)
    assert (run_id, events[-1].type) == (first, "session.closed")
    await deck.resume(session_id)
    run_id, events, _ = await deck.events(session_id)
    assert run_id not in (first, None)
    assert events[0].type == "session.started"
    run_id, events, _ = await deck.events(session_id, run_id=first)
    assert (run_id, events[-1].type) == (first, "session.closed")
    assert (await refused(deck.events(other, run_id=first))).code == "run_of_other_session"


async def _reachable(deck: Deck, expected: bool) -> bool:
    return (await deck.status())["store"]["reachable"] is expected


async def test_a14_health_says_which_store_and_why_it_is_not_usable(deckhouse: Deckhouse) -> None:
    """Reachable, at which schema; a newer one is refused with both numbers, and left alone."""
    deck = await deckhouse.deck()
    store = (await deck.status())["store"]
    with sqlite3.connect(deckhouse.places.database) as db:
        (schema,) = db.execute("PRAGMA user_version").fetchone()
    assert store == {
        "path": str(deckhouse.places.database),
        "reachable": True,
        "schema": schema,
        "migrated": True,
        "why": None,
        "note": None,
    }
    with closing(sqlite3.connect(deckhouse.places.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        marking = asyncio.create_task(deck.call("session.mark_all_read"))
        await eventually_async(lambda: _reachable(deck, False))
        store = (await deck.status())["store"]
        assert "another program holds it" in store["why"]
        assert "reachable False" in deckhouse.qd("status")
        other.execute("ROLLBACK")
    await marking
    assert await _reachable(deck, True)
    await deckhouse.end_supervisor()
    with sqlite3.connect(deckhouse.places.database) as db:
        db.execute(f"PRAGMA user_version = {schema + 1}")
    error = await refused(deckhouse.deck())
    assert error.code in ("store_newer", "cannot_start")
    assert f"schema {schema + 1}" in error.message
    with sqlite3.connect(deckhouse.places.database) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (schema + 1,)
        db.execute(f"PRAGMA user_version = {schema}")


async def test_a15_backends_are_listed_and_no_value_is_ever_printed(deckhouse: Deckhouse) -> None:
    """What an agent can do is told once it is known; what it is given, by names only."""
    other = '[agents.named]\ncommand = ["some-agent", "--api-key", "tr0ub4dor-and-3"]'
    deckhouse.configure(other, SOME_API_KEY="correct-horse-battery")
    deck = await deckhouse.deck()
    listed = {agent["name"]: agent for agent in await deck.agents()}
    scripted = listed["scripted"]
    assert (scripted["protocol"], scripted["found"]) == ("acp", True)
    assert "SOME_API_KEY" in scripted["sets"]
    assert "PATH" in scripted["env_names"]
    assert scripted["capabilities"] is None
    assert "not known yet" in deckhouse.qd("agents")
    session_id = await idle_session(deckhouse, deck, bundle={"credential": "deploy-key"})
    run = (await deck.runs(session_id))[0]
    told = (run.agent_info or {})["capabilities"]
    assert told["load_session"] is True
    await deck.close_session(session_id)
    listed = {agent["name"]: agent for agent in await deck.agents()}
    assert listed["scripted"]["capabilities"] == told
    assert listed["runbook"]["capabilities"] is None
    assert "load_session" in deckhouse.qd("agents")
    assert (run.bundle or {})["credential"] == "deploy-key"
    printed = json.dumps([list(listed.values()), run.to_wire(), (await deck.status())])
    printed += deckhouse.qd("agents", "--json") + deckhouse.qd("show", session_id)
    assert "correct-horse-battery" not in printed
    named = {agent["name"]: agent["command"] for agent in listed.values()}["named"]
    assert named[:2] == ["some-agent", "--api-key"]
    assert "redacted" in named[2]
    assert "tr0ub4dor-and-3" not in printed + deckhouse.qd("agents")


async def test_a16_errors_have_class_code_message_and_hint_and_change_nothing(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)
    before = ((await deck.status())["change"], await deck.session(session_id))
    bad = {
        "unknown_session": ("session.get", {"session_id": "ses_nowhere"}),
        "unknown_approval": ("approval.get", {"approval_id": "apr_nowhere"}),
        "unknown_run": ("event.list", {"session_id": session_id, "run_id": "run_nowhere"}),
        "unknown_method": ("session.dance", {}),
        "empty_prompt": ("session.send", {"session_id": session_id, "text": " \n"}),
        "unknown_agent": (
            "session.new",
            {"agent": "nobody", "cwd": str(deckhouse.project), "prompt": "say x"},
        ),
        "invalid_params": ("session.rename", {"session_id": session_id, "title": "x" * 201}),
    }
    for code, (method, params) in bad.items():
        error = await refused(deck.call(method, **params))
        assert error.code == code
        told = error.to_wire()
        assert told["class"] == ("recoverable" if KINDS[code].recoverable else "unrecoverable")
        assert error.message
        assert told["hint"] == error.hint == KINDS[code].hint
    right = {"session_id": session_id, "title": "x"}
    for wrong in ({"session_id": 7}, {"title": ["x"]}, {"extra": 1}):
        error = await refused(deck.call("session.rename", **(right | wrong)))
        assert error.code == "invalid_params"
        assert next(iter(wrong)) in error.message
    assert ((await deck.status())["change"], await deck.session(session_id)) == before


async def test_a16_numbers_that_no_store_has_are_refused(deckhouse: Deckhouse) -> None:
    """Beyond what SQLite holds, in parameters and within cursors; no number at all in a note."""
    deck = await deckhouse.deck()
    session_id = await idle_session(deckhouse, deck)

    def cursor(*parts: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()

    export = {"session_id": session_id, "until": 2**70}
    of_export = base64.urlsafe_b64encode(json.dumps(export).encode()).decode()
    bad = [
        ("event.list", {"session_id": session_id, "after_seq": 2**70}),
        ("policy.dry_run", {"since": "2026-01-01T00:00:00.000Z", "after": 2**70}),
        ("audit.list", {"cursor": [2**70, "dec_x"]}),
        ("event.search", {"query": "hello", "cursor": cursor("newest", 10**320, 1)}),
        ("session.export", {"session_id": session_id, "cursor": of_export}),
        ("session.describe", {"session_id": session_id, "metadata": {"a": float("inf")}}),
    ]
    for method, params in bad:
        error = await refused(deck.call(method, **params))
        assert error.code == "invalid_params", (method, error)
    assert (await deck.session(session_id)).metadata == {}


async def test_a16_the_command_line_says_the_same_with_an_exit_code(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    over_socket = await refused(deck.session("ses_nowhere"))
    done = shown(deckhouse, "ses_nowhere")
    assert done.returncode == KINDS["unknown_session"].exit == 5
    told = json.loads(done.stderr)["error"]
    assert told == over_socket.to_wire() | {"message": over_socket.message}
