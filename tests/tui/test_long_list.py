"""A list of thousands of sessions is the same as if it were read as a whole in every round."""

import dataclasses
import random
from collections import Counter

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView
from quarterdeck.tui import long_list, refresh
from quarterdeck.tui.listed import calm
from quarterdeck.tui.long_list import WHOLE_S, LongList
from quarterdeck.tui.refresh import place_of
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedDeck, ScriptedSupervisor, ago, session


class CountingDeck(ScriptedDeck):
    """Lists in attention order, as the store does, and counts what it is asked."""

    def __init__(self, box: ScriptedSupervisor) -> None:
        super().__init__(box, lambda change: None)
        self.asked: Counter[str] = Counter()

    async def _enter(self, method: str, **params: object) -> None:
        self.asked[method] += 1
        self._behind.sessions.sort(key=place_of)
        await super()._enter(method, **params)

    async def session(self, session_id):
        self.asked["session"] += 1
        for row in (*self._behind.sessions, *self._behind.shelf):
            if row.session_id == session_id:
                return row
        raise QuarterdeckError("unknown_session", "there is none")


class Reader:
    """Reads a long list as the app does."""

    def __init__(self, box: ScriptedSupervisor, pages: int) -> None:
        self.box, self.pages, self.deck = box, pages, CountingDeck(box)
        self.list, self.now = LongList(), 100.0
        self.rows: tuple[SessionView, ...] = ()

    async def round(self, looked_at: str | None = None) -> Counter[str]:
        """Read once, and return what was asked."""
        self.deck.asked.clear()
        self.rows, self.cut = await self.list.read(
            self.deck, self.pages, self.rows, self.now, looked_at
        )
        return self.deck.asked

    @property
    def titles(self) -> list[str]:
        return [row.title for row in self.rows]


def box_of(count: int) -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    for number in range(1, count + 1):
        box.add(session(number, version=count - number, read_version=count - number))
    return box


def newest(box: ScriptedSupervisor) -> int:
    return max(row.version for row in (*box.sessions, *box.shelf))


async def test_a_round_reads_the_beginning_and_asks_what_changed_behind_it():
    reader = Reader(box_of(3500), 40)
    assert (await reader.round())["sessions"] == 35
    assert not reader.list.partial
    first = session(3000)
    reader.box.replace(first.session_id, title="Renamed", version=9000, read_version=9000)
    assert await reader.round() == {"sessions": 10, "changes": 1}
    assert reader.list.partial
    assert reader.titles[2999] == "Renamed"
    assert len(reader.rows) == 3500


async def test_the_session_looked_at_is_asked_for_wherever_it_is():
    reader = Reader(box_of(1500), 20)
    await reader.round()
    away = session(1400)
    reader.box.replace(away.session_id, last_event_seq=77)
    assert (await reader.round(away.session_id))["session"] == 1
    assert reader.rows[1399].last_event_seq == 77


async def test_the_whole_list_is_read_again_after_a_while_and_when_much_has_changed():
    reader = Reader(box_of(1500), 20)
    await reader.round()
    reader.box.replace(session(1400).session_id, last_event_seq=5)
    assert (await reader.round())["sessions"] == 10
    assert reader.rows[1399].last_event_seq == 0
    reader.now += WHOLE_S
    assert (await reader.round())["sessions"] == 15
    assert reader.rows[1399].last_event_seq == 5
    for number in range(1, 30):  # as when every session is marked
        reader.box.replace(session(number).session_id, read_version=-1)
    assert (await reader.round())["sessions"] == 15
    for number in range(1, 200):
        reader.box.replace(session(number).session_id, version=9000 + number)
    assert (await reader.round())["sessions"] == 15


async def test_versions_of_another_store_are_not_held_against_this_one():
    reader = Reader(box_of(1500), 20)
    await reader.round()
    refused = QuarterdeckError("invalid_params", "not of this store")
    reader.box.refusals["changes"] = [refused]
    assert (await reader.round())["sessions"] == 15
    assert not reader.box.refusals["changes"]


@pytest.mark.parametrize("seed", range(30))
async def test_the_list_is_what_a_whole_reading_would_show(seed, monkeypatch):
    monkeypatch.setattr(long_list, "PAGES", 2)
    monkeypatch.setattr(refresh, "PAGE_ROWS", 5)
    chance = random.Random(seed)
    reader = Reader(box_of(40), 20)
    box = reader.box
    await reader.round()
    partial = 0
    for step in range(60):
        looked_at = None
        for _ in range(chance.randrange(3)):
            row = chance.choice(box.sessions)
            version = newest(box) + 1
            match chance.randrange(6):
                case 0:
                    box.replace(row.session_id, title=f"T{step}", version=version)
                case 1:
                    attention = chance.choice(("waiting", "failed", "unread", "unknown"))
                    at = ago(-step)
                    box.replace(
                        row.session_id, attention=attention, version=version, last_activity=at
                    )
                case 2:
                    gone = dataclasses.replace(row, archived_at=ago(0), version=version)
                    box.sessions.remove(row)
                    box.shelf.append(gone)
                case 3:
                    box.sessions.append(
                        session(1000 + 10 * step + len(box.sessions) % 10, version=version)
                    )
                case 4:
                    box.replace(row.session_id, pinned=not row.pinned, version=version)
                case _ if looked_at is None:
                    looked_at = row.session_id
                    box.replace(row.session_id, attention="read", read_version=row.version)
                case _:
                    pass
        await reader.round(looked_at)
        partial += reader.list.partial
        box.sessions.sort(key=place_of)
        assert reader.rows == calm(box.sessions)
    assert partial > 30


async def test_on_the_screen_a_push_costs_no_whole_reading():
    box = box_of(1500)
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "first 1000")
        await pilot.press("G", "G")
        rows = pilot.app.screen.query_one(SessionList)
        await until(pilot, lambda: len(rows.rows) == 1500, "all of them")
        before = box.fetches
        box.replace(session(1450).session_id, title="Elsewhere", version=9000)
        box.push()
        await until(pilot, lambda: rows.rows[1449].title == "Elsewhere", "the new title")
        assert box.fetches == before + 10


async def test_what_left_the_beginning_is_asked_for_by_itself():
    box = box_of(1500)
    away = session(1400)
    box.replace(away.session_id, attention="unread", read_version=-1)
    reader = Reader(box, 20)
    await reader.round()
    assert reader.titles[0] == away.title
    box.replace(away.session_id, attention="read", read_version=away.version)  # elsewhere
    assert await reader.round() == {"sessions": 10, "changes": 1, "session": 1}
    assert reader.titles[1399] == away.title


async def test_each_change_is_told_of_once():
    reader = Reader(box_of(1500), 20)
    await reader.round()
    for first in (1200, 1300, 1400):
        for number in range(first, first + 60):
            row = session(number).session_id
            version = newest(reader.box) + 1
            reader.box.replace(row, version=version, read_version=version)
        await reader.round()
        assert reader.list.partial


async def test_more_of_the_list_is_read_from_where_it_ended():
    reader = Reader(box_of(3500), 20)
    await reader.round()
    assert (len(reader.rows), reader.cut) == (2000, True)
    reader.box.replace(session(3400).session_id, title="Far down", version=9000)
    reader.box.replace(session(1900).session_id, title="Listed", version=9001)
    assert await reader.round() == {"sessions": 10, "changes": 1}
    assert (len(reader.rows), reader.titles[1899]) == (2000, "Listed")
    back = session(5000, version=9002, last_activity=session(1500).last_activity)
    reader.box.add(back)
    await reader.round()
    assert reader.titles.index(back.title) in (1499, 1500)
    reader.box.sessions.remove(back)
    reader.box.shelf.append(dataclasses.replace(back, version=9003, archived_at=ago(0)))
    await reader.round()
    assert back.title not in reader.titles
    reader.pages = 30
    assert await reader.round() == {"sessions": 20, "changes": 1}
    assert (len(reader.rows), reader.cut) == (3000, True)
    reader.pages = 40
    assert (await reader.round())["sessions"] == 15
    assert (len(reader.rows), reader.cut) == (3500, False)
    assert reader.rows == calm(sorted(reader.box.sessions, key=place_of))
