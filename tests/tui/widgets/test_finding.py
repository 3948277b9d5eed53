"""Finding in the panes: what is counted, marked and gone to, and what that may cost."""

import asyncio
from datetime import UTC

import pytest
from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import EventView
from quarterdeck.tui.find_words import find_words
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.event_detail import DetailText
from quarterdeck.tui.widgets.findable_view import FindableView, HitCount
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.trace_hits import FETCHED
from quarterdeck.tui.widgets.trace_view import TraceView
from tests.support.waiting import eventually_async
from tests.tui.widgets.line_host import Events, LineHost, Output, event, screen_lines, unsafe_in

MILLION = 1_000_000


class Told(LineHost):
    """Keeps what was told last of what was found."""

    count = HitCount()

    def on_findable_view_hits_told(self, message: FindableView.HitsTold) -> None:
        self.count = message.count


async def until_told(pilot: Pilot[None], app: Told, at: int, total: int) -> None:
    async def there() -> bool:
        await pilot.pause()
        return app.count == HitCount(at, total)

    await eventually_async(there, what=f"{at} of {total}")


def marked(view: FindableView, *, now: bool = False) -> list[str]:
    """Return the parts of the screen that are marked as found, or as the current one."""
    look = view.found_look(now)
    segments = [part for y in range(view.size.height) for part in view.render_line(y)]
    return [part.text for part in segments if part.style and part.style + look == part.style]


async def filled(pilot: Pilot[None], view: OutputView, source: Output) -> None:
    view.show("run_1", source)
    view.grow(source.last_seq)

    async def read() -> bool:
        await pilot.pause()
        return view.read_to >= source.last_seq

    await eventually_async(read)


MESSAGE = "The **needle** is in `hay`.\n\n- Needle\n\n" + "filler\n\n" * 40 + "last needle\n"


async def test_the_output_is_searched_as_it_is_shown_and_gone_through_over_its_ends() -> None:
    source = Output(event(1, text=MESSAGE), event(3, "terminal_status", stop_reason="end_turn"))
    app = Told(view := OutputView())
    async with app.run_test(size=(40, 10)) as pilot:
        await filled(pilot, view, source)
        view.action_first()
        view.find(find_words("needle"))
        await until_told(pilot, app, 0, 3)
        assert marked(view) == ["needle", "Needle"]
        view.go_to_hit(0)
        await until_told(pilot, app, 1, 3)
        assert marked(view, now=True) == ["needle"]
        assert view.top == 0
        view.go_to_hit(-1)
        await until_told(pilot, app, 3, 3)
        assert "last needle" in "\n".join(screen_lines(view))
        view.go_to_hit(1)
        await until_told(pilot, app, 1, 3)
        view.find(None)
        assert marked(view) == []


async def test_a_word_in_a_folded_call_unfolds_it_and_what_is_not_shown_folds_it_again() -> None:
    hidden = "\n".join(["first needle", *(f"line {n}" for n in range(300)), "deep secret"])
    source = Output(
        event(1, "tool_call", tool_call_id="t", title="Look", status="completed"),
        event(2, "command_output", tool_call_id="t", text=hidden),
        event(3, text="No more."),
    )
    app = Told(view := OutputView())
    async with app.run_test(size=(40, 10)) as pilot:
        await filled(pilot, view, source)
        view.find(find_words("secret"))
        await until_told(pilot, app, 0, 1)
        view.go_to_hit(0)
        await until_told(pilot, app, 0, 0)
        assert "▸ Look" in screen_lines(view)[0]
        view.find(find_words("needle"))
        await until_told(pilot, app, 0, 1)
        view.go_to_hit(0)
        await until_told(pilot, app, 1, 1)
        assert marked(view, now=True) == ["needle"]


async def test_in_a_long_message_only_rows_on_the_screen_are_drawn() -> None:
    """A11, DESIGN §7: the text of a megabyte is searched, but not rendered."""
    long = "".join(f"word{n} {'needle ' if n % 5_000 == 0 else ''}" for n in range(120_000))
    app = Told(view := OutputView())
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(pilot, view, Output(event(1, text="Short needle."), event(3, text=long)))
        drawn: list[int] = []
        laid = view._layout_of.laid(1)
        draw = laid.strip
        laid.strip = lambda row: drawn.append(row) or draw(row)  # type: ignore[method-assign]
        view.find(find_words("needle"))
        await until_told(pilot, app, 0, 25)
        view.go_to_hit(0)
        await until_told(pilot, app, 25, 25)
        for _ in range(12):
            view.go_to_hit(-1)
        await until_told(pilot, app, 13, 25)
        assert "".join(marked(view, now=True)) == "needle"
        assert 0 < len(set(drawn)) <= 4 * view.page


async def test_what_an_open_message_gets_is_counted_as_it_comes() -> None:
    source = Output(event(1, text="a needle "))
    app = Told(view := OutputView(frame=0))
    async with app.run_test(size=(40, 10)) as pilot:
        await filled(pilot, view, source)
        view.find(find_words("needle"))
        await until_told(pilot, app, 0, 1)
        source.events.append(event(2, text="and a needle"))
        view.grow(2)
        await until_told(pilot, app, 0, 2)


def needle_at(*seqs: int) -> Events:
    return Events(lambda n: event(n, text="a needle" if n in seqs else f"event {n}"))


async def test_the_next_line_of_a_million_is_found_without_fetching_the_others() -> None:
    """DESIGN §7: the trace is looked at outward from the cursor, a page after the other."""
    trace, events = TraceView(tz=UTC), needle_at(MILLION - 3_000)
    searched: list[int] = []

    async def fetch(run_id: str, after_seq: int, limit: int) -> list[EventView]:
        if limit == FETCHED:
            searched.append(after_seq)
            if len(searched) > 8:
                await asyncio.Event().wait()
        return await events(run_id, after_seq, limit)

    app = Told(trace)
    async with app.run_test(size=(80, 10)) as pilot:
        trace.show("run_1", MILLION, fetch)
        await pilot.pause()
        trace.find(find_words("needle"))
        trace.go_to_hit(0)

        async def there() -> bool:
            await pilot.pause()
            return trace.cursor_seq == MILLION - 3_000

        await eventually_async(there)
        assert searched == [MILLION - 1 - FETCHED * n for n in range(1, len(searched) + 1)]
        assert len(searched) <= 9


async def test_lines_on_both_sides_of_the_cursor_are_looked_at_in_turns() -> None:
    trace, events = TraceView(tz=UTC), needle_at()
    searched: list[int] = []

    async def fetch(run_id: str, after_seq: int, limit: int) -> list[EventView]:
        if limit == FETCHED:
            searched.append(after_seq)
            if len(searched) > 4:
                await asyncio.Event().wait()
        return await events(run_id, after_seq, limit)

    async with Told(trace).run_test(size=(80, 10)) as pilot:
        trace.show("run_1", MILLION, fetch)
        trace.go_to(500_001)
        trace.find(find_words("needle"))

        async def there() -> bool:
            await pilot.pause()
            return len(searched) > 4

        await eventually_async(there)
    assert searched[:4] == [500_000, 499_500, 500_500, 499_000]


async def test_lines_of_a_trace_are_counted_and_gone_through_over_its_ends() -> None:
    trace, events = TraceView(tz=UTC), needle_at(3, 700, 2_000)
    app = Told(trace)
    async with app.run_test(size=(80, 10)) as pilot:
        trace.show("run_1", 2_000, events)
        trace.go_to(1_500)
        trace.find(find_words("needle"))
        await until_told(pilot, app, 0, 3)
        for step, at in ((0, 3), (1, 1), (1, 2), (-1, 1), (-1, 3)):
            trace.go_to_hit(step)
            await until_told(pilot, app, at, 3)
        assert trace.cursor_seq == 2_000
        assert not trace.follow

        async def shown() -> bool:
            await pilot.pause()
            return marked(trace, now=True) == ["needle"]

        await eventually_async(shown)
        trace.grow(2_600)
        events.make = lambda n: event(n, text="another needle")
        await until_told(pilot, app, 3, 603)


async def test_a_trace_that_cannot_be_fetched_stops_and_goes_on_with_the_next_key() -> None:
    events, failures = needle_at(5), list[int]()

    async def fetch(run_id: str, after_seq: int, limit: int) -> list[EventView]:
        if events.fail:
            failures.append(after_seq)
            raise QuarterdeckError("unreachable", "gone")
        return await events(run_id, after_seq, limit)

    app = Told(trace := TraceView(tz=UTC))
    async with app.run_test(size=(80, 10)) as pilot:
        events.fail = True
        trace.show("run_1", 900, fetch)
        trace.find(find_words("needle"))
        await until_told_counting(pilot, app)
        trace.go_to_hit(0)
        for _ in range(50):
            await pilot.pause()
        assert len(failures) < 20
        events.fail = False
        trace.go_to_hit(0)
        await until_told(pilot, app, 1, 1)


async def until_told_counting(pilot: Pilot[None], app: Told) -> None:
    async def there() -> bool:
        await pilot.pause()
        return app.count.counting

    await eventually_async(there)


DIFF = "@@ -1,3 +1,3 @@\n-old needle\n+new \x1b[31mneedle\u202e\n same\n" + "".join(
    f" line {n}\n" for n in range(2_000)
)


@pytest.mark.parametrize("width", [80, 160])
async def test_rows_of_a_diff_are_found_in_one_column_and_side_by_side(width: int) -> None:
    app = Told(view := DiffView())
    async with app.run_test(size=(width, 10)) as pilot:
        view.show(DIFF + " last needle\n")
        view.find(find_words("needle"))
        rows = 3 if width == 80 else 2
        await until_told(pilot, app, 0, rows)
        assert marked(view) == ["needle", "needle"]
        view.go_to_hit(-1)
        await until_told(pilot, app, rows, rows)
        assert set(marked(view, now=True)) == {"needle"}
        view.find(find_words("\x1b[31mneedle\u202e"))
        await until_told(pilot, app, 0, 1)
        assert unsafe_in(view) == []


async def test_what_an_opened_event_says_is_found_over_the_edge_of_a_row() -> None:
    app = Told(view := DetailText())
    async with app.run_test(size=(20, 8)) as pilot:
        view.show("x" * 16 + "needle\n" + "line\n" * 50 + "end needle\x1b[2J")
        view.find(find_words("needle"))
        await until_told(pilot, app, 0, 2)
        assert marked(view) == ["nee", "dle"]
        view.go_to_hit(0)
        view.go_to_hit(1)
        await until_told(pilot, app, 2, 2)
        assert marked(view, now=True) == ["needle"]
        assert unsafe_in(view) == []


async def test_counting_ends_with_the_view() -> None:
    events = needle_at()
    events.gate = asyncio.Event()
    app = Told(trace := TraceView(tz=UTC))
    async with app.run_test(size=(80, 10)) as pilot:
        trace.show("run_1", MILLION, events)
        trace.find(find_words("needle"))
        await pilot.pause()
        tasks = [task for task in asyncio.all_tasks() if task.get_name() == "find"]
        assert len(tasks) == 1
    await asyncio.sleep(0)
    assert all(task.done() for task in tasks)
