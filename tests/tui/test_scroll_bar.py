"""A scroll bar of which only the ends of its thumb are painted looks as one painted whole."""

import random
from collections.abc import Iterable

import pytest
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.scrollbar import ScrollBar

from quarterdeck.tui.lean_compositor import LeanCompositor
from quarterdeck.tui.widgets.output_view import OutputView
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, event, session

Cell = tuple[str, str, str]


def _cells(segments: Iterable[Segment]) -> list[Cell]:
    """Return each cell with the colours that are seen of it."""
    found: list[Cell] = []
    for text, style, _ in segments:
        ground, ink = (str(style.bgcolor), str(style.color)) if style else ("", "")
        if style and style.reverse:
            ground, ink = ink, ground
        found += [(char, ground, "" if char == " " else ink) for char in text]
    return found


def _whole(bar: ScrollBar) -> list[list[Cell]]:
    console = bar.app.console
    options = console.options.update(width=1, height=bar.size.height)
    return [_cells(line) for line in console.render_lines(bar.render(), options, pad=False)]


async def test_after_growing_and_scrolling_no_cell_of_it_is_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DESIGN §7: what the terminal was sent piece by piece is what is there."""
    chance, box, view, said = random.Random(2), ScriptedSupervisor(), session(1), 59

    def message(number: int):
        text = f"\n\nsaid {number}."
        return event(view, number, "assistant_message", message_id="m", text=text)

    box.add(view, [message(number) for number in range(1, said + 1)])
    sent: dict[int, list[Cell]] = {}
    async with app_of(box).run_test(size=(140, 40)) as pilot:
        await until_shown(pilot, f"said {said}.")
        output = pilot.app.screen.query_one(OutputView)
        bar = output.vertical_scrollbar
        partial = LeanCompositor.render_partial_update

        def noted(self: LeanCompositor) -> ChopsUpdate | None:
            update = partial(self)
            if update is not None:
                for y, first, end in update.spans:
                    strip = update.chops[y].get(bar.region.x)
                    if strip is not None and first <= bar.region.x < end:
                        sent[y - bar.region.y] = _cells(strip)
            return update

        monkeypatch.setattr(LeanCompositor, "render_partial_update", noted)
        bar.refresh()
        await until(pilot, lambda: len(sent) == bar.size.height)
        for _ in range(40):
            if chance.random() < 0.5:
                fresh = range(said + 1, said + 1 + chance.randint(1, 40))
                box.events[view.run_id or ""] += [message(number) for number in fresh]
                said = fresh[-1]
                output.grow(said)
                await until(pilot, lambda seq=said: output.read_to == seq)
            elif chance.random() < 0.8:
                output.action_scroll_by(chance.randint(-60, 60))
            else:
                output.action_follow()
            await pilot.pause()
            await until(pilot, lambda: [sent[row] for row in sorted(sent)] == _whole(bar))
