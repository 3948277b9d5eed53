"""`Deck` against a scripted supervisor: what it asks, what it returns, how it tells the end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.model.records import ApprovalView, EventView, SessionView
from quarterdeck.rpc.protocol import PROTOCOL
from tests.support.scripted_server import ScriptedServer, approval, event, run, session
from tests.support.waiting import eventually_async


async def _is(value: object) -> object:
    return value


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer(Places(tmp_path / "state", tmp_path / "config"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def deck(server: ScriptedServer) -> AsyncIterator[Deck]:
    deck = await Deck.connect(server.places, reader="ada", client="test", start=False)
    yield deck
    await deck.close()


async def test_it_introduces_itself(server: ScriptedServer, deck: Deck) -> None:
    (hello,) = server.asked("hello")
    assert (hello["reader"], hello["client"], hello["watch"]) == ("ada", "test", False)
    assert deck.hello["pid"] == server.pid


async def test_records_come_back_as_what_they_are(server: ScriptedServer, deck: Deck) -> None:
    server.sessions = [session(of_a_later_version="ignored")]
    server.runs = [run()]
    server.events = [event(1, "hello")]
    server.approvals = [approval("make")]
    assert isinstance(await deck.session("ses_1"), SessionView)
    assert (await deck.runs("ses_1"))[0].run_id == "run_of_ses_1"
    run_id, events, cursor = await deck.events("ses_1")
    assert (run_id, cursor) == ("run_of_ses_1", 1)
    assert events == [EventView(**server.events[0])]
    assert await deck.approvals() == [ApprovalView(**server.approvals[0])]
    assert (await deck.approval("apr_1")).state == "pending"


async def test_pages_are_asked_for_one_after_the_other(server: ScriptedServer, deck: Deck) -> None:
    """A10."""
    server.page, server.sessions = 2, [session(f"ses_{n}") for n in range(3)]
    first, cursor = await deck.sessions(state="all")
    second, end = await deck.sessions(state="all", cursor=cursor)
    assert [s.session_id for s in (*first, *second)] == ["ses_0", "ses_1", "ses_2"]
    assert end is None


async def test_what_is_not_given_is_not_sent(server: ScriptedServer, deck: Deck) -> None:
    await deck.new(agent="a", cwd="/tmp", prompt="p", env={})
    assert server.asked("session.new") == [
        {"agent": "a", "cwd": "/tmp", "prompt": "p", "env": {}, "wait": False}
    ]


async def test_a_decision_names_what_was_shown(server: ScriptedServer, deck: Deck) -> None:
    """DESIGN §4."""
    row = approval("make")
    server.approvals = [row]
    shown = {"run_id": row["run_id"], "payload_sha256": row["payload_sha256"]}
    made = await deck.decide("apr_1", action="approve", token="t1", **shown)
    assert (made.state, made.payload_sha256) == ("approved", row["payload_sha256"])
    with pytest.raises(QuarterdeckError) as raised:
        await deck.decide("apr_1", action="deny", token="t2", **shown)
    assert raised.value.code == "not_pending"


async def test_pushes_come_only_to_those_who_asked(server: ScriptedServer, deck: Deck) -> None:
    changes: asyncio.Queue[int] = asyncio.Queue()
    watching = await Deck.connect(
        server.places, reader="b", client="t", start=False, on_change=changes.put_nowait
    )
    await server.changed()
    assert await asyncio.wait_for(changes.get(), 60) == 1
    await watching.close()


async def test_the_supervisor_going_away_is_noticed_and_calls_fail(
    server: ScriptedServer, deck: Deck
) -> None:
    forever = asyncio.Event()
    server.before["status"] = forever.wait
    call = asyncio.create_task(deck.status())
    await eventually_async(lambda: _is(server.asked("status")))
    stopping = asyncio.create_task(server.stop())
    await asyncio.wait_for(deck.wait_closed(), 60)
    for failing in (call, deck.status()):
        with pytest.raises(QuarterdeckError) as raised:
            await failing
        assert raised.value.code == "unreachable"
    forever.set()
    await stopping


async def test_a_hello_that_is_refused_leaves_no_connection(server: ScriptedServer) -> None:
    server.failing["hello"] = QuarterdeckError("shutting_down", "not any more")
    with pytest.raises(QuarterdeckError) as raised:
        await Deck.connect(server.places, reader="a", client="t", start=False)
    assert raised.value.code == "shutting_down"
    await eventually_async(lambda: _is(not server._connections))


async def test_a_supervisor_of_a_newer_protocol_is_refused_in_words(server: ScriptedServer) -> None:
    """A16: a screen left open over an upgrade says so, and shows nothing it may misread."""
    server.protocol = PROTOCOL + 1
    with pytest.raises(QuarterdeckError) as raised:
        await Deck.connect(server.places, reader="a", client="t", start=False)
    assert raised.value.code == "protocol_newer"
    assert f"{PROTOCOL + 1}" in raised.value.message
    assert "start `qd` anew" in raised.value.hint
    await eventually_async(lambda: _is(not server._connections))


async def test_a_supervisor_of_an_older_protocol_is_spoken_to(server: ScriptedServer) -> None:
    """So that an upgraded `qd` can end it and start the next."""
    server.protocol = PROTOCOL - 1
    deck = await Deck.connect(server.places, reader="a", client="t", start=False)
    assert deck.hello["protocol"] == PROTOCOL - 1
    await deck.close()


async def test_closing_twice_is_harmless(server: ScriptedServer) -> None:
    deck = await Deck.connect(server.places, reader="a", client="t", start=False)
    await deck.close()
    await deck.close()
    with pytest.raises(QuarterdeckError):
        await deck.status()
