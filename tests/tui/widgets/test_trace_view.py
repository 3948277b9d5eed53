"""The trace of a run (A11, DESIGN §7, §9)."""

import asyncio
from datetime import UTC, timedelta, timezone

import pytest
from textual.pilot import Pilot

from quarterdeck.tui.widgets.event_pages import PAGE
from quarterdeck.tui.widgets.trace_view import TraceView
from tests.support.waiting import eventually_async
from tests.tui.widgets.line_host import Events, LineHost, count_lines, event, screen_lines

MILLION = 1_000_000


async def drawn_whole(pilot: Pilot[None], trace: TraceView) -> None:
    async def no_placeholder() -> bool:
        await pilot.pause()
        return not any(line.endswith(" …") for line in screen_lines(trace))

    await eventually_async(no_placeholder)
    await pilot.pause()


def seqs(app: LineHost) -> list[int | None]:
    return [m.event.seq if m.event else None for m in app.sent(TraceView.Highlighted)]


def follows(app: LineHost) -> list[tuple[bool, bool]]:
    return [(m.follow, m.new_below) for m in app.sent(TraceView.FollowChanged)]


async def test_one_line_an_event() -> None:
    trace = TraceView(tz=timezone(timedelta(hours=2)))
    async with LineHost(trace).run_test(size=(80, 6)) as pilot:
        trace.show("run_1", 2, Events(lambda seq: event(seq, "tool_call", title=f"make {seq}")))
        await drawn_whole(pilot, trace)
        assert screen_lines(trace)[:3] == [
            "    1 00:13:20 ▪ tool     make 1",
            "▌   2 00:13:20 ▪ tool     make 2",
            "",
        ]


@pytest.mark.parametrize(("width", "shown"), [(56, "00:13:20"), (40, "   1"), (20, "▪ tool")])
async def test_narrow_traces_keep_what_the_event_is(width: int, shown: str) -> None:
    trace = TraceView(tz=timezone(timedelta(hours=2)))
    async with LineHost(trace).run_test(size=(width + 1, 6)) as pilot:
        trace.show("run_1", 1, Events(lambda seq: event(seq, "tool_call", title="make")))
        await drawn_whole(pilot, trace)
        line = trace.render_line(0)
        assert shown in line.text
        assert "▪ tool" in line.text
        assert line.cell_length == trace.line_width


async def test_of_a_million_events_only_what_is_seen_is_fetched() -> None:
    trace, events = TraceView(tz=UTC), Events()
    async with LineHost(trace).run_test(size=(80, 40)) as pilot:
        trace.show("run_1", MILLION, events)
        await drawn_whole(pilot, trace)
        assert "event 1000000" in screen_lines(trace)[-1]
        assert len(events.fetched) <= 4
        assert all(limit <= PAGE for _, _, limit in events.fetched)
        trace.focus()
        await pilot.press("home")
        await drawn_whole(pilot, trace)
        assert "event 1" in screen_lines(trace)[0]
        assert len(events.fetched) <= 8


async def test_a_placeholder_stands_for_what_is_being_fetched() -> None:
    trace, events = TraceView(tz=UTC), Events()
    events.gate = asyncio.Event()
    async with LineHost(trace).run_test(size=(80, 6)) as pilot:
        trace.show("run_1", 3, events)
        await pilot.pause()
        assert screen_lines(trace)[:3] == ["    1 …", "    2 …", "▌   3 …"]
        events.gate.set()
        await drawn_whole(pilot, trace)
        assert "event 3" in screen_lines(trace)[2]


async def test_the_trace_follows_its_end() -> None:
    trace, events = TraceView(tz=UTC, frame=0), Events()
    app = LineHost(trace)
    async with app.run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 100, events)
        await drawn_whole(pilot, trace)
        trace.grow(150)
        await drawn_whole(pilot, trace)
        assert "event 150" in screen_lines(trace)[-1]
        assert trace.cursor_seq == 150
        assert seqs(app) == [100, 150]


async def test_scrolling_up_stops_following_and_the_end_key_starts_it_again() -> None:
    trace = TraceView(tz=UTC, frame=0)
    app = LineHost(trace)
    async with app.run_test(size=(80, 10)) as pilot:
        trace.focus()
        trace.show("run_1", 100, Events())
        await drawn_whole(pilot, trace)
        await pilot.press("k")
        assert not trace.follow
        top = trace.top
        trace.grow(120)
        trace.grow(130)
        await pilot.pause()
        assert trace.top == top
        assert trace.cursor_seq == 99
        await pilot.press("G")
        assert trace.follow
        assert trace.cursor_seq == 130
        assert trace.top == 120
        await pilot.pause()
        assert follows(app) == [(False, False), (False, True), (True, False)]


async def test_the_wheel_stops_following_as_well() -> None:
    trace = TraceView(tz=UTC)
    async with LineHost(trace).run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 100, Events())
        await drawn_whole(pilot, trace)
        trace.scroll_relative(y=-3)
        assert not trace.follow
        assert trace.top == 87


async def test_a_resize_keeps_following() -> None:
    trace = TraceView(tz=UTC)
    async with LineHost(trace).run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 100, Events())
        for height in (20, 5, 30):
            await pilot.resize_terminal(60, height)
            await drawn_whole(pilot, trace)
            assert trace.follow
            assert "event 100" in screen_lines(trace)[-1]


async def test_growth_below_the_screen_repaints_nothing() -> None:
    trace = TraceView(tz=UTC, frame=0)
    async with LineHost(trace).run_test(size=(80, 10)) as pilot:
        trace.focus()
        trace.show("run_1", 1000, Events())
        await drawn_whole(pilot, trace)
        await pilot.press("home")
        await drawn_whole(pilot, trace)
        drawn = count_lines(trace)
        for last_seq in range(1001, 1500):
            trace.grow(last_seq)
        await pilot.pause()
        assert drawn == []
        assert trace.virtual_size.height == 1499


async def test_a_flood_is_shown_a_few_times_a_second() -> None:
    """Textual.md, decision 4: renderers pull state, nothing is pushed per event."""
    trace = TraceView(tz=UTC, frame=3600)
    async with LineHost(trace).run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 100, Events())
        await drawn_whole(pilot, trace)
        for last_seq in range(101, 1101):
            trace.grow(last_seq)
        assert trace.virtual_size.height == 101
        assert trace.last_seq == 1100


async def test_nothing_new_repaints_nothing() -> None:
    trace = TraceView(tz=UTC)
    async with LineHost(trace).run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 100, Events())
        await drawn_whole(pilot, trace)
        drawn = count_lines(trace)
        trace.grow(100)
        trace.grow(50)
        await pilot.pause()
        assert drawn == []


async def test_a_failed_fetch_is_made_again_when_the_run_is_heard_of_again() -> None:
    trace, events = TraceView(tz=UTC), Events()
    events.fail = True
    async with LineHost(trace).run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 5, events)
        await pilot.pause()
        assert screen_lines(trace)[0] == "    1 …"
        events.fail = False
        trace.grow(5)
        await drawn_whole(pilot, trace)
        assert "event 1" in screen_lines(trace)[0]


async def test_late_answers_of_another_run_are_dropped() -> None:
    trace, slow = TraceView(tz=UTC), Events(lambda seq: event(seq, text="of the other run"))
    slow.gate = asyncio.Event()
    app = LineHost(trace)
    async with app.run_test(size=(80, 10)) as pilot:
        trace.show("run_0", 5, slow)
        await pilot.pause()
        trace.show("run_1", 5, Events())
        slow.gate.set()
        await drawn_whole(pilot, trace)
        assert not any("other run" in line for line in screen_lines(trace))
        assert [m.event.payload["text"] for m in app.sent(TraceView.Highlighted) if m.event] == [
            "event 5"
        ]


async def test_keys_move_the_cursor_and_enter_opens() -> None:
    trace = TraceView(tz=UTC)
    app = LineHost(trace)
    async with app.run_test(size=(80, 10)) as pilot:
        trace.focus()
        trace.show("run_1", 100, Events())
        await drawn_whole(pilot, trace)
        for key in ("up", "k", "j", "pageup", "home", "down", "enter", "pagedown", "end"):
            await pilot.press(key)
            await drawn_whole(pilot, trace)
        assert seqs(app) == [100, 99, 98, 99, 90, 1, 2, 11, 100]
        assert [m.event.seq for m in app.sent(TraceView.Opened)] == [2]


async def test_a_click_selects_and_a_second_one_opens() -> None:
    trace = TraceView(tz=UTC)
    app = LineHost(trace, "TraceView { border: round red; }")
    async with app.run_test(size=(80, 12)) as pilot:
        trace.show("run_1", 5, Events())
        await drawn_whole(pilot, trace)
        await pilot.click(TraceView, offset=(9, 2))
        assert seqs(app) == [5, 2]
        await pilot.click(TraceView, offset=(9, 2))
        assert [m.event.seq for m in app.sent(TraceView.Opened)] == [2]


async def test_no_run_is_an_empty_trace() -> None:
    trace = TraceView(empty_text="No run")
    app = LineHost(trace)
    async with app.run_test(size=(80, 5)) as pilot:
        trace.show("run_1", 5, Events())
        await drawn_whole(pilot, trace)
        trace.show(None, 0, Events())
        trace.grow(7)
        await pilot.pause()
        assert screen_lines(trace) == ["No run", "", "", "", ""]
        assert seqs(app) == [5, None]
        await pilot.press("up", "down", "end", "home", "enter")


async def test_the_first_event_of_an_empty_run_is_shown() -> None:
    trace = TraceView(tz=UTC, frame=0)
    app = LineHost(trace)
    async with app.run_test(size=(80, 5)) as pilot:
        trace.show("run_1", 0, Events())
        await pilot.pause()
        trace.grow(1)
        await drawn_whole(pilot, trace)
        assert "event 1" in screen_lines(trace)[0]
        assert seqs(app) == [None, 1]


async def test_a_hidden_trace_fetches_nothing_and_catches_up_when_shown() -> None:
    trace, events = TraceView(tz=UTC, frame=0), Events()
    app = LineHost(trace)
    async with app.run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 100, events)
        await drawn_whole(pilot, trace)
        trace.display = False
        await pilot.pause()
        count = len(events.fetched)
        trace.grow(200)
        await pilot.pause()
        assert len(events.fetched) == count
        trace.display = True
        await pilot.pause()
        await drawn_whole(pilot, trace)
        assert "event 200" in screen_lines(trace)[-1]
        assert seqs(app) == [100, 200]
