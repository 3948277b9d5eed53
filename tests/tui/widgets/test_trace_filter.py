"""The trace by types of events, and from error to error (A11)."""

import asyncio
from bisect import bisect_left, bisect_right

import pytest
from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.event_finder import ERRORS, GROUPS, name_of, types_of
from quarterdeck.tui.widgets.trace_view import TraceView
from tests.support.waiting import eventually_async
from tests.tui.widgets.line_host import Events, LineHost, count_lines, event, screen_lines

ERROR = frozenset({EventType.ERROR})


def made(seq: int) -> EventView:
    """Every hundredth event is an error."""
    return event(seq, "error" if seq % 100 == 0 else "thought", text=f"e{seq}", message=f"e{seq}")


class Finder:
    """Stands for the supervisor; every call is noted."""

    def __init__(self, last_seq: int, every: int = 100, limit: int = 5_000) -> None:
        self.last_seq, self.every, self.limit = last_seq, every, limit
        self.asked: list[int] = []
        self.fetched: list[tuple[int, int]] = []
        self.gate: asyncio.Event | None = None
        self.fail = False

    @property
    def all(self) -> range:
        return range(self.every, self.last_seq + 1, self.every)

    async def seqs(self, run_id: str, types: object, after_seq: int) -> tuple[list[int], int]:
        self.asked.append(after_seq)
        if self.gate is not None:
            await self.gate.wait()
        found = list(self.all[bisect_right(self.all, after_seq) :][: self.limit])
        return found, found[-1] if len(found) == self.limit else self.last_seq

    async def events(
        self, run_id: str, types: object, after_seq: int, limit: int
    ) -> list[EventView]:
        self.fetched.append((after_seq, limit))
        return [made(seq) for seq in self.all[bisect_right(self.all, after_seq) :][:limit]]

    async def nearest(
        self, run_id: str, types: frozenset[EventType], from_seq: int, forward: bool
    ) -> int | None:
        assert types == ERRORS
        if self.fail:
            raise QuarterdeckError("unreachable", "gone")
        index = bisect_right(self.all, from_seq) if forward else bisect_left(self.all, from_seq) - 1
        return self.all[index] if 0 <= index < len(self.all) else None


async def until(pilot: Pilot[None], condition) -> None:
    async def met() -> bool:
        await pilot.pause()
        return condition()

    await eventually_async(met)
    await pilot.pause()


def first_words(view: TraceView) -> list[str]:
    return [line.split()[-1] for line in screen_lines(view) if line]


async def test_a_filter_shows_only_events_of_its_types_from_the_end() -> None:
    finder = Finder(10_000)
    view = TraceView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(60, 8)) as pilot:
        view.focus()
        view.show("run_1", 10_000, Events(made), finder)
        await until(pilot, lambda: view.highlighted is not None)
        view.filter(ERROR)
        await until(pilot, lambda: first_words(view)[-1:] == ["e10000"])
        assert first_words(view) == [f"e{n}" for n in range(9300, 10_001, 100)]
        assert view.follow
        assert view.cursor_seq == 10_000
        assert all(limit <= 128 for _, limit in finder.fetched)
        finder.last_seq = 10_100
        view.grow(10_100)
        await until(pilot, lambda: first_words(view)[-1:] == ["e10100"])
        view.filter(frozenset())
        await until(pilot, lambda: first_words(view)[-2:] == ["e10099", "e10100"])


async def test_the_cursor_stays_at_its_event_or_near_it() -> None:
    finder = Finder(10_000)
    view = TraceView(frame=0)
    async with LineHost(view).run_test(size=(60, 8)) as pilot:
        view.show("run_1", 10_000, Events(made), finder)
        view.go_to(5_050)
        view.filter(ERROR)
        await until(pilot, lambda: view.cursor_seq == 5_100)
        assert not view.follow
        view.filter(frozenset())
        await until(pilot, lambda: view.cursor_seq == 5_100)
        view.filter(ERROR)
        await until(pilot, lambda: view.cursor_seq == 5_100)
        view.go_to(77)
        assert (view.cursor_seq, view.types) == (77, frozenset())


async def test_a_filter_of_a_million_events_draws_and_fetches_what_is_shown() -> None:
    finder = Finder(1_000_000, every=2)
    view = TraceView(frame=3600)
    async with LineHost(view).run_test(size=(60, 20)) as pilot:
        view.show("run_1", 1_000_000, Events(made), finder)
        await until(pilot, lambda: view.highlighted is not None)
        lines = count_lines(view)
        view.filter(ERROR)
        await until(pilot, lambda: view._events.knows(1_000_000))
        assert len(finder.asked) == 100
        assert len(finder.fetched) <= 4
        assert len(lines) <= 4 * 20


async def test_what_is_found_late_for_another_filter_is_dropped() -> None:
    finder = Finder(1_000)
    finder.gate = asyncio.Event()
    view = TraceView(frame=0)
    async with LineHost(view).run_test(size=(60, 8)) as pilot:
        view.show("run_1", 1_000, Events(made), finder)
        view.filter(ERROR)
        await pilot.pause()
        view.filter(frozenset())
        finder.gate.set()
        await until(pilot, lambda: first_words(view)[-1:] == ["e1000"])
        assert first_words(view)[0] == "e993"


async def test_nothing_of_the_types_is_said_so() -> None:
    view = TraceView(frame=0)
    async with LineHost(view).run_test(size=(60, 8)) as pilot:
        view.show("run_1", 50, Events(made), Finder(50))
        view.filter(ERROR)
        await until(pilot, lambda: screen_lines(view)[0] == "No such events")
        await view.run_action("open")
        await view.run_action("move(1)")


async def test_errors_are_gone_to_one_after_the_other() -> None:
    finder = Finder(1_000)
    view = TraceView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(60, 8), notifications=True) as pilot:
        view.focus()
        view.show("run_1", 1_000, Events(made), finder)
        await pilot.press("E")
        await until(pilot, lambda: view.cursor_seq == 900)
        assert not view.follow
        await pilot.press("E")
        await until(pilot, lambda: view.cursor_seq == 800)
        await pilot.press("e")
        await until(pilot, lambda: view.cursor_seq == 900)
        await pilot.press("G", "e")
        await until(pilot, lambda: bool(app._notifications))
        assert view.cursor_seq == 1_000
        finder.fail = True
        await pilot.press("E")
        await until(pilot, lambda: len(app._notifications) == 2)
        assert view.cursor_seq == 1_000


@pytest.mark.parametrize("types", [frozenset(), ERROR])
async def test_the_place_one_was_at_is_found_again(types: frozenset[EventType]) -> None:
    view = TraceView(frame=0)
    async with LineHost(view).run_test(size=(60, 8)) as pilot:
        view.focus()
        view.show("run_1", 10_000, Events(made), Finder(10_000))
        view.filter(types)
        await until(pilot, lambda: view.cursor_seq == 10_000)
        view.go_to(5_000)
        await until(pilot, lambda: view.highlighted is not None)
        await pilot.press("up", "up", "up")
        place, seq, before = view.place, view.cursor_seq, first_words(view)
        view.show("run_2", 5, Events(made), Finder(5))
        await pilot.pause()
        view.show("run_1", 10_000, Events(made), Finder(10_000), place)
        await until(pilot, lambda: view.cursor_seq == seq)
        await until(pilot, lambda: view.highlighted is not None)
        assert view.types == types
        assert seq == (4_700 if types else 4_997)
        assert first_words(view)[-1:] == before[-1:] or types
        assert not view.follow


@pytest.mark.parametrize("name", [*GROUPS, *EventType])
def test_every_choice_has_its_name(name: str) -> None:
    types = types_of(name)
    assert types_of(name_of(types)) == types
    assert bool(types) == (name != "all")
