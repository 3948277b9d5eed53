"""Tool calls as cards in the output (A11, DESIGN §5, §7)."""

import dataclasses
from typing import Any

import pytest
from textual.pilot import Pilot

from quarterdeck.model.hostile_text import drop_unsafe
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets import output_layout
from quarterdeck.tui.widgets.output_blocks import BlockKind, OutputBlocks
from quarterdeck.tui.widgets.output_cards import MAX_OUTPUT, ToolCard, change_of
from quarterdeck.tui.widgets.output_view import OutputView
from tests.support.waiting import eventually_async
from tests.tui.widgets.line_host import LineHost, Output, count_lines, event, screen_lines

BAD = "[/b][@click=app.quit]X[/]\x1b]0;t\x07\x1b[2J\x9b\u202e\u200b\ue000\ud800漢\u0301👩\u200d👧 "


def call(seq: int, key: str = "c1", **members: object) -> EventView:
    return event(seq, "tool_call", tool_call_id=key, **members)


def at(view: EventView, seconds: str) -> EventView:
    return dataclasses.replace(view, at=f"2026-01-01T00:00:{seconds}Z")


def blocks_of(*events: EventView) -> OutputBlocks:
    blocks = OutputBlocks()
    blocks.add(events, events[-1].seq)
    return blocks


def card_of(blocks: OutputBlocks, index: int = 0) -> ToolCard:
    card = blocks.blocks[index].card
    assert card is not None
    return card


async def shown(pilot: Pilot[None], view: OutputView, source: Output) -> list[str]:
    view.show("run_1", source)
    return await grown(pilot, view, source)


async def grown(pilot: Pilot[None], view: OutputView, source: Output) -> list[str]:
    view.grow(source.last_seq)

    async def read() -> bool:
        await pilot.pause()
        return view.read_to >= source.last_seq

    await eventually_async(read)
    await pilot.pause()
    return screen_lines(view)


def test_a_call_its_output_and_its_diff_are_one_card():
    blocks = blocks_of(
        at(call(1, title="Run the tests", kind="execute", status="pending"), "01"),
        event(2, text="meanwhile"),
        at(call(3, status="completed", raw_input={"command": "pytest -q"}), "03.5"),
        event(4, "command_output", tool_call_id="c1", text="ok\n"),
        event(5, "diff", tool_call_id="c1", path="a.py", old_text="a\nb\n", new_text="a\nc\n"),
        event(6, "command_output", tool_call_id="other", text="alone"),
    )
    assert [block.kind for block in blocks.blocks] == [
        BlockKind.CARD,
        BlockKind.MESSAGE,
        BlockKind.COMMAND,
    ]
    card = card_of(blocks)
    assert (card.name, card.status, card.duration) == ("Run the tests", "completed", "2.5 s")
    assert (card.subject, card.output, card.lines_changed) == ("$ pytest -q", "ok\n", "+1 -1")
    assert card.file == ("a.py", 2)
    assert card.as_text().startswith("Run the tests · completed · 2.5 s\n\n$ pytest -q\n\nok\n\n")


@pytest.mark.parametrize(
    ("ended", "said"),
    [("01.01", ""), ("02", "1.0 s"), ("59", "58.0 s"), ("nonsense", "")],
)
def test_a_duration_is_told_where_it_is_known(ended: str, said: str):
    blocks = blocks_of(at(call(1, title="x"), "01"), at(call(2, status="failed"), ended))
    assert card_of(blocks).duration == said


@pytest.mark.parametrize(
    ("members", "file"),
    [
        ({"locations": [{"path": "/x/a.py", "line": 7}]}, ("/x/a.py", 7)),
        ({"locations": [{"path": "/x/a.py", "line": "bad"}]}, ("/x/a.py", 1)),
        ({"locations": "bad", "raw_input": {"file_path": "b.py"}}, ("b.py", 1)),
        ({"raw_input": ["x"]}, None),
    ],
)
def test_a_call_names_the_file_it_is_about(members: dict[str, Any], file: object):
    assert card_of(blocks_of(call(1, **members))).file == file


def test_the_line_of_a_change_is_that_of_the_first_line_that_differs():
    old = "".join(f"{n}\n" for n in range(50))
    change = change_of({"path": "p", "old_text": old, "new_text": old.replace("30\n", "x\n")})
    assert change.first_line == 31


def test_a_card_holds_no_more_than_it_may():
    chunks = [event(n, "command_output", tool_call_id="c1", text="x" * 50_000) for n in (2, 3, 4)]
    changes = [
        event(n, "diff", tool_call_id="c1", path=str(n), old_text=None, new_text="y\n" * 5_000)
        for n in range(5, 40)
    ]
    blocks = blocks_of(call(1, raw_input={"command": "z" * 1_000_000}), *chunks, *changes)
    card = card_of(blocks)
    assert (card.output_size, card.hidden_chars) == (MAX_OUTPUT, 150_000 - MAX_OUTPUT)
    assert (len(card.changes), card.changes_left) == (20, 15)
    assert len(card.subject) < 10_000
    assert blocks.blocks[0].size < 100_000 + 20 * 200 * 2


async def test_a_card_is_one_line_that_unfolds_and_follows_its_call() -> None:
    source = Output(
        call(1, title="pytest", status="in_progress", raw_input={"command": "pytest -q"}),
        call(2, "c2", title="ls", status="pending"),
    )
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        view.focus()
        lines = await shown(pilot, view, source)
        assert [" ".join(line.split()) for line in lines[:3]] == [
            "▸ pytest running ●",
            "▸ ls pending ·",
            "",
        ]
        source.events += [
            call(3, status="completed"),
            event(4, "command_output", tool_call_id="c1", text="\x1b[32mok\x1b[0m\n"),
        ]
        lines = await grown(pilot, view, source)
        assert lines[0].split() == ["▸", "pytest", "done", "✔"]
        await pilot.press("left_square_bracket", "left_square_bracket", "enter")
        await pilot.pause()
        lines = screen_lines(view)
        assert lines[0].startswith("▌▾ pytest")
        assert lines[1:5] == ["▌  $ pytest -q", "▌│ ok", "", " ▸ ls" + lines[4][5:]]
        styles = [s.style for s in view.render_line(2) if s.text == "ok"]
        assert styles[0] is not None
        assert styles[0].color is not None
        assert styles[0].color.name == "color(2)"
        await pilot.press("enter")
        await pilot.pause()
        assert screen_lines(view)[1].startswith(" ▸ ls")


async def test_a_click_on_its_line_unfolds_a_card() -> None:
    source = Output(call(1, title="pytest", status="completed", raw_input={"command": "x"}))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 8)) as pilot:
        await shown(pilot, view, source)
        await pilot.click(view, offset=(5, 0))
        await pilot.pause()
        assert screen_lines(view)[1] == "▌  $ x"
        await pilot.click(view, offset=(5, 1))
        await pilot.pause()
        assert screen_lines(view)[1] == "▌  $ x"
        await pilot.click(view, offset=(5, 0))
        await pilot.pause()
        assert screen_lines(view)[1] == ""


async def test_only_cards_on_the_screen_are_drawn_and_only_open_ones_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[int] = []
    draw = output_layout.lay_out

    def noting(block, width, looks):
        drawn.append(block.number)
        return draw(block, width, looks)

    monkeypatch.setattr(output_layout, "lay_out", noting)
    source = Output(
        *(call(n, f"c{n}", title=f"call {n}", status="completed") for n in range(1, 2001))
    )
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        view.focus()
        await shown(pilot, view, source)
        drawn.clear()
        lines = count_lines(view)
        source.events.append(call(2001, "c3", status="failed"))
        await grown(pilot, view, source)
        assert drawn == []
        source.events.append(call(2002, "c2000", status="failed"))
        assert screen_lines(view) != await grown(pilot, view, source)
        assert drawn == [2000]
        lines.clear()
        await pilot.press("enter")
        await pilot.pause()
        assert len(lines) <= 2 * 12 + 12
        assert len(drawn) <= 3


async def test_a_prompt_is_a_quoted_turn() -> None:
    source = Output(event(1, "user_message", text="Fix it\nnow"), event(2, text="Yes."))
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 6)) as pilot:
        assert (await shown(pilot, view, source))[:4] == [" › Fix it", "   now", "", " Yes."]


@pytest.mark.parametrize("width", [12, 40, 120])
@pytest.mark.parametrize(
    "bad",
    [BAD, "x" * 1_000_000, "漢" * 400_000, "\n" * 100_000, "\x1b[" * 500_000],
    ids=["codes", "one line", "wide", "lines", "escapes"],
)
async def test_hostile_text_in_every_part_of_a_card_is_harmless(bad: str, width: int) -> None:
    source = Output(
        event(1, "user_message", text=bad),
        call(2, bad, title=bad, kind=bad, status=bad, raw_input={"command": bad}),
        call(3, bad, raw_input={bad: bad}, locations=[{"path": bad}]),
        event(4, "command_output", tool_call_id=bad, text=bad),
        event(5, "diff", tool_call_id=bad, path=bad, old_text=bad, new_text=f"{bad}\n{bad}"),
        event(6, "command_output", tool_call_id="", text=bad),
    )
    view = OutputView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(width, 30)) as pilot:
        view.focus()
        await shown(pilot, view, source)
        view.action_first()
        await pilot.pause()
        for key in ("right_square_bracket", "right_square_bracket", "enter", "G", "g"):
            await pilot.press(key)
            await pilot.pause()
            for y in range(view.size.height):
                strip = view.render_line(y)
                assert strip.cell_length == view.line_width
                assert drop_unsafe(strip.text) == strip.text
                assert not {"\n", "\t"} & set(strip.text)
                assert all(set(s.style.meta) <= {"offset"} for s in strip if s.style)
        copied = view.copied()
        assert copied is not None
        assert drop_unsafe(copied.text) == copied.text
        assert app.is_running


async def test_what_is_copied_is_the_whole_message_or_card() -> None:
    text = "word " * 900 + "\n\n" + "more " * 900 + "\n\nend"
    source = Output(
        event(1, text=text),
        call(2, title="ls", status="completed", raw_input={"command": "ls"}),
    )
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        view.focus()
        await shown(pilot, view, source)
        assert len(view.blocks) > 2
        copied = view.copied()
        assert copied is not None
        assert (copied.what, copied.text) == ("tool call", "ls · completed\n\n$ ls")
        await pilot.press("left_square_bracket")
        copied = view.copied()
        assert copied is not None
        assert (copied.what, copied.text) == ("message", text)


async def test_the_place_one_was_at_is_found_again() -> None:
    events = [call(n, f"c{n}", title=f"call {n}", status="completed") for n in range(1, 301)]
    events += [event(n, text=f"message {n} " * 30, message_id=str(n)) for n in range(301, 400)]
    source = Output(*events)
    view = OutputView(frame=0)
    async with LineHost(view).run_test(size=(60, 12)) as pilot:
        view.focus()
        await shown(pilot, view, source)
        view.action_first()
        await pilot.press("pagedown", "pagedown", "right_square_bracket", "enter", "j")
        await pilot.pause()
        before, place = screen_lines(view), view.place
        other = Output(event(1, text="another run"))
        view.show("run_2", other)
        await grown(pilot, view, other)
        assert view.follow
        view.show("run_1", source, place)
        after = await grown(pilot, view, source)
        assert [line[1:] for line in after] == [line[1:] for line in before]
        assert not view.follow
        assert not view.new_below


async def test_a_selection_with_the_mouse_is_text() -> None:
    source = Output(event(1, text="first line\nsecond line"), event(2, "error", message="end"))
    view = OutputView(frame=0)
    app = LineHost(view)
    async with app.run_test(size=(60, 8)) as pilot:
        await shown(pilot, view, source)
        await pilot.mouse_down(view, offset=(7, 0))
        await pilot.hover(view, offset=(7, 1))
        await pilot.mouse_up(view, offset=(7, 1))
        await pilot.pause()
        assert app.screen.get_selected_text() == "line\n second"
