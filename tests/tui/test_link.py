"""The link: connecting, losing, connecting again; and the loop that fetches."""

import asyncio

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.link import LAST_DELAY_S, Link
from quarterdeck.tui.refresh import Refresh, all_sessions
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedDeck, ScriptedSupervisor, session
from tests.support.waiting import eventually_async


async def test_a_lost_supervisor_is_shown_data_stays_and_it_reconnects_by_itself():
    box = ScriptedSupervisor()
    box.add(session(1, title="Still here"))
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Still here")
        box.lose()
        await until_shown(pilot, "supervisor gone – reconnecting")
        assert "Still here" in screen_text(pilot.app)
        assert pilot.app.screen.has_class("-stale")
        box.replace(box.sessions[0].session_id, title="Changed meanwhile")
        box.down = False
        await until_shown(pilot, "Changed meanwhile")
        assert "supervisor gone" not in screen_text(pilot.app)
        assert not pilot.app.screen.has_class("-stale")


async def test_a_supervisor_that_cannot_start_says_why():
    box = ScriptedSupervisor()
    box.down = True
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "no supervisor runs here")
        box.down = False
        await until_hidden(pilot, "no supervisor runs here")


async def test_the_delay_between_tries_grows_to_two_seconds(monkeypatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 8:
            raise asyncio.CancelledError

    async def connect(on_change):
        raise QuarterdeckError("unreachable", "nobody there")

    monkeypatch.setattr("quarterdeck.tui.link.asyncio.sleep", sleep)
    link = Link(connect, on_state=lambda state, problem: None, on_change=lambda change: None)
    await asyncio.gather(link.run(), return_exceptions=True)
    assert slept == sorted(slept)
    assert (slept[0], slept[-1]) == (0.1, LAST_DELAY_S)


async def test_a_flood_of_pushes_is_one_round_at_a_time():
    box = ScriptedSupervisor()
    link = Link(box.connect, on_state=lambda state, problem: None, on_change=lambda c: None)
    rounds, running, most = 0, 0, 0
    gate = asyncio.Event()

    async def fetch(deck):
        nonlocal rounds, running, most
        rounds += 1
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    refresh = Refresh(link, fetch, lambda problem: None)
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(refresh.run())]
    for _ in range(1000):
        refresh.want()
        await asyncio.sleep(0)
    assert (rounds, most) == (1, 1)
    gate.set()
    await eventually_async(lambda: asyncio.sleep(0, rounds == 2))
    await asyncio.sleep(0.15)
    assert (rounds, most) == (2, 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_failed_round_is_told_and_the_next_one_is_made():
    box = ScriptedSupervisor()
    box.add(session(1, title="Late"))
    box.refusals["approvals"] = [QuarterdeckError("internal", "a page was torn")]
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "a page was torn")
        box.push()
        await until_shown(pilot, "Late")
        assert "a page was torn" not in screen_text(pilot.app)


async def test_nothing_is_fetched_while_nothing_changes():
    box = ScriptedSupervisor()
    box.add(session(1, title="Quiet"))
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Quiet")
        before = box.fetches
        await pilot.pause(0.3)
        assert box.fetches == before


async def test_up_to_a_thousand_sessions_are_fetched_in_pages_and_more_is_said():
    box = ScriptedSupervisor()
    for number in range(1, 1102):
        box.add(session(number))
    deck = ScriptedDeck(box, lambda change: None)
    rows, cut = await all_sessions(deck)
    assert (len(rows), cut) == (1000, True)
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "first 1000")
        rows_shown = pilot.app.screen.query_one(SessionList)
        assert len(rows_shown.rows) == 1000


async def test_a_session_that_moved_between_pages_is_listed_once():
    class Moving(ScriptedDeck):
        async def sessions(self, *, state=None, agent=None, project=None, cursor=None, limit=100):
            if cursor is None:
                return [session(1), session(2)], "2"
            return [session(2), session(3)], None

    rows, cut = await all_sessions(Moving(ScriptedSupervisor(), lambda change: None))
    assert [row.version for row in rows] == [1, 2, 3]
    assert not cut


async def test_a_session_that_escaped_from_the_pages_is_listed_nevertheless():
    """It moved to a page that was read already; the cursor must not jump off it."""

    class Moving(ScriptedDeck):
        async def sessions(self, *, state=None, agent=None, project=None, cursor=None, limit=100):
            if cursor is None:
                return [session(n, attention="active") for n in range(1, 101)], "2"
            return [session(101, attention="read")], None

        async def session(self, session_id):
            if session_id == gone.session_id:
                raise QuarterdeckError("unknown_session", "there is none")
            return {row.session_id: row for row in (escaped, away)}[session_id]

    box = ScriptedSupervisor()
    escaped = session(200, attention="active")
    gone, away = session(201), session(202, archived_at="2026-01-01T00:00:00.000Z")
    known = (escaped, gone, away)
    rows, cut = await all_sessions(Moving(box, lambda change: None), known=known)
    assert len(rows) == 102
    assert rows[-1].attention == "read"
    assert escaped.session_id in [row.session_id for row in rows]
    assert not cut


async def test_leaving_closes_the_connection():
    box = ScriptedSupervisor()
    async with app_of(box).run_test() as pilot:
        await until(pilot, lambda: box.connections)
        (deck,) = box.connections
        await pilot.press("q")
    assert deck.gone.is_set()
    assert pilot.app.return_code == 0
