"""The output of a run (A11, DESIGN §7, §9)."""

import asyncio
import subprocess
import sys

import pytest
from textual.pilot import Pilot

from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.output_view import LIMIT, START_BACK, OutputView
from tests.support.waiting import eventually_async
from tests.tui.widgets.line_host import LineHost, Output, count_lines, event
from tests.tui.widgets.line_host import screen_lines as whole_lines


def screen_lines(view: OutputView) -> list[str]:
    """Return the lines without the column of the mark."""
    return [line[1:] for line in whole_lines(view)]


async def caught_up(pilot: Pilot[None], view: OutputView, source: Output) -> None:
    async def read() -> bool:
        await pilot.pause()
        return view.read_to >= source.last_seq

    await eventually_async(read)
    await pilot.pause()


async def shown(pilot: Pilot[None], view: OutputView, source: Output) -> list[str]:
    view.show("run_1", source)
    view.grow(source.last_seq)
    await caught_up(pilot, view, source)
    return screen_lines(view)


def follows(app: LineHost) -> list[tuple[bool, bool]]:
    return [(m.follow, m.new_below) for m in app.sent(OutputView.FollowChanged)]


async def test_every_kind_of_output_has_its_form() -> None:
    source = Output(
        event(1, text="I **will** "),
        event(2, text="test."),
        event(4, "command_output", tool_call_id="c1", text="ok\tfine\n"),
        event(5, "diff", path="a.py", old_text="a\nb\n", new_text="a\nc\n"),
        event(6, "error", message="boo", where="acp"),
        event(7, "terminal_status", stop_reason="end_turn"),
        event(8, text="more **to**"),
    )
    view = OutputView()
    async with LineHost(view).run_test(size=(42, 20)) as pilot:
        assert await shown(pilot, view, source) == [
            "I will test.",
            "",
            "│ output c1",
            "│ ok    fine",
            "",
            "± a.py +1 -1",
            "│ @@ -1,2 +1,2 @@",
            "│  a",
            "│ -b",
            "│ +c",
            "",
            "✗ boo (acp)",
            "",
            "── turn ended: end_turn ────────────────",
            "",
            "more **to**",
            "",
            "",
            "",
            "",
        ]


async def test_a_streamed_message_is_plain_until_it_ends() -> None:
    source = Output(event(1, text="```py\nx = **"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(40, 10)) as pilot:
        assert (await shown(pilot, view, source))[:2] == ["```py", "x = **"]
        source.events.append(event(2, text="2\n```\n"))
        view.grow(2)
        await caught_up(pilot, view, source)
        assert screen_lines(view)[:3] == ["```py", "x = **2", "```"]
        source.events.append(event(3, "terminal_status", stop_reason="end_turn"))
        view.grow(3)
        await caught_up(pilot, view, source)
        assert screen_lines(view)[:2] == ["  x = **2", ""]


async def test_long_command_output_is_cut_and_says_by_how_much() -> None:
    text = "\n".join(f"line {n}" for n in range(1, 1001))
    source = Output(event(1, "command_output", tool_call_id="c1", text=text))
    view = OutputView()
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        lines = await shown(pilot, view, source)
        assert lines[-3:] == ["│ line 200", "  … 800 lines more (open the trace)", ""]


async def test_a_long_diff_is_cut_and_says_by_how_much() -> None:
    new = "\n".join(f"line {n}" for n in range(1, 1001))
    source = Output(event(1, "diff", path="a", old_text=None, new_text=new))
    view = OutputView()
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        lines = await shown(pilot, view, source)
        assert lines[-2:] == ["  … 801 lines more (open the trace)", ""]


async def test_a_flood_is_fetched_a_few_times_a_second() -> None:
    """Never per event: what comes meanwhile is one later fetch."""
    source = Output()
    view = OutputView(frame=3600)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        view.show("run_1", source)
        for seq in range(1, 100):
            source.events.append(event(seq, text="x"))
            view.grow(seq)
            await pilot.pause()
        assert len(source.fetched) == 1


async def test_one_fetch_is_in_flight_and_the_rest_follows_it() -> None:
    source = Output(*(event(seq, text=f"{seq} ") for seq in range(1, 1001)))
    source.gate = asyncio.Event()
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        view.show("run_1", source)
        for seq in range(1, 1001):
            view.grow(seq)
        await pilot.pause()
        assert source.fetched == [(0, LIMIT)]
        source.gate.set()
        await caught_up(pilot, view, source)
        assert [after for after, _ in source.fetched] == [0, 200, 400, 600, 800]
        assert screen_lines(view)[-2].endswith("1000")


async def test_a_very_long_run_is_shown_from_near_its_end() -> None:
    source = Output()
    source.examined = 1_000_000
    view = OutputView()
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        lines = await shown(pilot, view, source)
        assert source.fetched == [(1_000_000 - START_BACK, LIMIT)]
        assert lines[0] == "… earlier output is in the trace"


async def test_nothing_new_fetches_and_repaints_nothing() -> None:
    source = Output(event(1, text="hi"), event(2, "terminal_status", stop_reason="x"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        await shown(pilot, view, source)
        drawn = count_lines(view)
        view.grow(2)
        view.grow(1)
        await pilot.pause()
        assert drawn == []
        assert len(source.fetched) == 1


async def test_catching_up_shows_what_is_new_before_anybody_says_how_far_the_run_is() -> None:
    source = Output(event(1, text="one"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        await shown(pilot, view, source)
        source.events.append(event(2, "error", message="two"))
        view.catch_up()
        await caught_up(pilot, view, source)
        assert screen_lines(view)[:3] == ["one", "", "✗ two"]
        assert source.fetched == [(0, LIMIT), (1, LIMIT)]


async def test_catching_up_with_nothing_new_is_one_fetch_and_repaints_nothing() -> None:
    source = Output(event(1, text="hi"), event(2, "terminal_status", stop_reason="x"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        view.catch_up()
        await pilot.pause()
        assert source.fetched == []
        await shown(pilot, view, source)
        drawn = count_lines(view)
        view.catch_up()
        await eventually_async(lambda: _fetched(pilot, source, 2))
        await pilot.pause()
        assert (drawn, len(source.fetched)) == ([], 2)


async def _fetched(pilot: Pilot[None], source: Output, times: int) -> bool:
    await pilot.pause()
    return len(source.fetched) >= times


async def test_events_that_are_no_output_repaint_nothing() -> None:
    source = Output(event(1, "error", message="hi"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        await shown(pilot, view, source)
        drawn = count_lines(view)
        source.examined = 9
        view.grow(9)
        await caught_up(pilot, view, source)
        assert drawn == []


async def test_new_output_repaints_only_from_where_it_begins() -> None:
    source = Output(event(1, "error", message="a"), event(2, "error", message="b"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        await shown(pilot, view, source)
        drawn = count_lines(view)
        source.events.append(event(3, "error", message="c"))
        view.grow(3)
        await caught_up(pilot, view, source)
        assert drawn == [4, 5]


async def test_a_failed_fetch_is_made_again_at_the_next_growth() -> None:
    source = Output(event(1, text="hi"))
    source.fail = True
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        view.show("run_1", source)
        view.grow(1)
        await pilot.pause()
        assert view.read_to == 0
        source.fail = False
        view.grow(1)
        await caught_up(pilot, view, source)
        assert screen_lines(view)[0] == "hi"


async def test_late_answers_of_another_run_are_dropped() -> None:
    slow = Output(event(1, text="of the other run"))
    slow.gate = asyncio.Event()
    source = Output(event(1, text="mine"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        view.show("run_0", slow)
        view.grow(1)
        await pilot.pause()
        view.show("run_1", source)
        slow.gate.set()
        view.grow(1)
        await caught_up(pilot, view, source)
        assert screen_lines(view)[0] == "mine"
        assert view.run_id == "run_1"


def errors(first: int, last: int) -> list[EventView]:
    return [event(seq, "error", message=f"line {seq}") for seq in range(first, last + 1)]


async def test_the_output_follows_its_end_until_scrolled_up() -> None:
    source = Output(*errors(1, 50))
    view = OutputView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(60, 10)) as pilot:
        view.focus()
        assert (await shown(pilot, view, source))[-2] == "✗ line 50"
        source.events += errors(51, 60)
        view.grow(60)
        await caught_up(pilot, view, source)
        assert screen_lines(view)[-2] == "✗ line 60"
        await pilot.press("k")
        before = screen_lines(view)
        source.events += errors(61, 70)
        view.grow(70)
        await caught_up(pilot, view, source)
        assert screen_lines(view) == before
        await pilot.press("G")
        await pilot.pause()
        assert screen_lines(view)[-2] == "✗ line 70"
        assert follows(app) == [(False, False), (False, True), (True, False)]


async def test_the_end_is_told_once_it_was_on_the_screen() -> None:
    source = Output(*errors(1, 50))
    view = OutputView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(60, 10)) as pilot:
        view.focus()
        await shown(pilot, view, source)
        await pilot.press("k")
        source.events += errors(51, 60)
        view.grow(60)
        await caught_up(pilot, view, source)
        assert [m.seq for m in app.sent(OutputView.EndSeen)] == [50]
        await pilot.press("end")
        await pilot.pause()
        await pilot.pause()
        assert [m.seq for m in app.sent(OutputView.EndSeen)] == [50, 60]


async def test_a_hidden_output_fetches_nothing_and_catches_up_when_shown() -> None:
    source = Output(*errors(1, 5))
    view = OutputView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(60, 10)) as pilot:
        view.display = False
        await pilot.pause()
        view.show("run_1", source)
        view.grow(5)
        await pilot.pause()
        assert source.fetched == []
        assert app.sent(OutputView.EndSeen) == []
        view.display = True
        await caught_up(pilot, view, source)
        assert screen_lines(view)[-2] == "✗ line 5"
        await pilot.pause()
        assert [m.seq for m in app.sent(OutputView.EndSeen)] == [5]


async def test_what_is_read_stays_in_place_when_blocks_above_get_their_height() -> None:
    """Heights of blocks not seen yet are estimates; scrolling up line by line must not jump."""
    source = Output(
        *(
            event(seq, text=f"# {seq}\n\n" + "- a\n" * (seq % 7), message_id=str(seq))
            for seq in range(1, 200)
        )
    )
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        view.focus()
        before = await shown(pilot, view, source)
        for _ in range(300):
            view.action_scroll_by(-1)
            after = screen_lines(view)
            assert after[1:] == before[:-1]
            before = after
        assert not view.follow


async def test_a_resize_keeps_what_is_read_or_the_end() -> None:
    source = Output(
        *(event(seq, text=f"m{seq} " + "word " * 30, message_id=str(seq)) for seq in range(1, 60))
    )
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        view.focus()
        await shown(pilot, view, source)
        await pilot.resize_terminal(33, 8)
        await pilot.pause()
        assert "m59" in "\n".join(screen_lines(view))
        view.action_first()
        for _ in range(5):
            await pilot.press("down")
        first = next(line for line in screen_lines(view) if line.startswith("m")).split()[0]
        await pilot.resize_terminal(70, 20)
        await pilot.pause()
        assert any(line.startswith(first) for line in screen_lines(view))


async def test_a_reader_in_a_long_message_is_not_moved_by_its_end() -> None:
    text = "".join(f"paragraph {n}\n\n" for n in range(1000))
    source = Output(event(1, text=text))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        view.focus()
        await shown(pilot, view, source)
        view.scroll_to(y=800)
        before = screen_lines(view)
        source.events.append(event(2, "terminal_status", stop_reason="end_turn"))
        view.grow(2)
        await caught_up(pilot, view, source)
        after = screen_lines(view)
        assert len(set(before) & set(after) - {""}) >= 3


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "漢" * 200_000, "lorem ipsum " * 80_000, "\n" * 500_000]
)
async def test_a_huge_message_is_cut_into_rows_and_not_parsed(text: str) -> None:
    source = Output(event(1, text=text), event(2, "error", message="end"))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(80, 20)) as pilot:
        lines = await shown(pilot, view, source)
        assert lines[-2] == "✗ end"
        assert len(view.blocks) == 2
        view.action_first()
        await pilot.pause()
        assert [view.render_line(y).cell_length for y in range(20)] == [view.line_width] * 20
        drawn = count_lines(view)
        view.action_scroll_by(1)
        await pilot.pause()
        assert len(drawn) <= 20


def test_markdown_is_not_imported_before_it_is_needed() -> None:
    """DESIGN §9: the first frame waits for no import that it does not need."""
    code = (
        "import sys, quarterdeck.tui.widgets.output_view as view\n"
        "sys.exit('rich.markdown' in sys.modules or 'pygments' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_no_run_is_an_empty_output() -> None:
    source = Output(event(1, text="hi"))
    view = OutputView(empty_text="No run", frame=0)
    async with LineHost(view).run_test(size=(60, 4)) as pilot:
        await shown(pilot, view, source)
        view.show(None, source)
        view.grow(5)
        await pilot.pause()
        assert screen_lines(view) == ["No run", "", "", ""]
        await pilot.press("up", "down", "pageup", "end", "home")


async def test_a_theme_change_draws_in_the_new_colours() -> None:
    source = Output(event(1, "error", message="boo"), event(2, text="**hi**"), event(4, text="x"))
    view = OutputView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(60, 8)) as pilot:
        await shown(pilot, view, source)

        def colours() -> list[object]:
            return [s.style.color for y in (0, 2) for s in view.render_line(y) if s.style]

        before = colours()
        app.theme = "textual-light"
        await pilot.pause()
        assert all(new != old for new, old in zip(colours(), before, strict=True))
