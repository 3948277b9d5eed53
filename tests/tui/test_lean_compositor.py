"""What the screen shows is what Textual's own compositor would draw, with less drawn for it."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from quarterdeck.model.records import EventView, SessionView
from quarterdeck.tui.lean_compositor import LeanCompositor
from quarterdeck.tui.widgets.line_view import LineView
from quarterdeck.tui.widgets.output_view import OutputView
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor, event, session

Cell = tuple[str, object]


def _cells(segments: Iterable[Segment]) -> list[Cell]:
    """Return each cell with its look; without its meta and how a line is cut into segments."""
    return [
        (char, style and style.clear_meta_and_links())
        for text, style, control in segments
        if not control
        for char in text
    ]


def _drawn(app: App[None], regions: set[Region]) -> dict[int, list[Cell]]:
    """Return what a partial update of these regions puts on each line."""
    compositor = app.screen._compositor
    compositor._dirty_regions = set(regions)
    update = compositor.render_partial_update()
    assert isinstance(update, ChopsUpdate)
    lines: dict[int, list[Cell]] = {}
    for y, first, end in update.spans:
        for stop, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=True):
            if x < end and stop > first:
                assert strip is not None, f"nothing was drawn at {x}, {y}"
                lines.setdefault(y, []).extend(_cells(strip))
    return lines


def _both(app: App[None], draw: Any) -> tuple[Any, Any]:
    """Return what is drawn leanly, and what Textual draws."""
    assert type(app.screen._compositor) is LeanCompositor
    compositor: Any = app.screen._compositor
    lean = draw()
    compositor.__class__ = Compositor
    try:
        # Nothing that our views keep may hide a difference.
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(LineView, "render_lines", Widget.render_lines)
            for widget in app.screen.walk_children(Widget):
                widget._styles_cache.clear()
            return lean, draw()
    finally:
        compositor.__class__ = LeanCompositor


def _some_region(chance: random.Random, app: App[None]) -> Region:
    width, height = app.size
    x, y = chance.randrange(width), chance.randrange(height)
    return Region(x, y, chance.randint(1, width - x), chance.randint(1, height - y))


@pytest.mark.parametrize("keys", [(), ("2",), ("|",), ("slash",), ("z",)])
@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_every_cell_is_as_textual_draws_it(size: tuple[int, int], keys: tuple[str, ...]):
    """DESIGN §7: whole screens, and eight sets of regions each."""
    chance = random.Random(f"{size}{keys}")
    async with app_of(deck_of_six()).run_test(size=size) as pilot:
        app = pilot.app
        await until_shown(pilot, "Deploy api")
        await pilot.press("n", *keys)
        await pilot.pause()
        lean, textual = _both(app, lambda: [_cells(s) for s in _strips(app)])
        assert lean == textual
        for _ in range(8):
            regions = {_some_region(chance, app) for _ in range(chance.randint(1, 4))}
            lean, textual = _both(app, lambda shown=regions: _drawn(app, shown))
            assert lean == textual, regions


def _strips(app: App[None]) -> list[Strip]:
    return app.screen._compositor.render_strips()


async def test_a_line_of_output_has_only_its_own_pane_drawn(monkeypatch: pytest.MonkeyPatch):
    """DESIGN §9: a new line at the end draws the pane once, and nothing that is behind it.

    Red once `to_end` waits for the next frame, or containers draw what is covered.
    """
    box, view = _chatty()
    drawn: Counter[str] = Counter()
    updates: list[Counter[str]] = []
    async with app_of(box).run_test(size=(140, 40)) as pilot:
        await until_shown(pilot, "said 59.")
        pane = pilot.app.screen.query_one(OutputView)
        await until(pilot, lambda: pane.read_to == 59)
        await pilot.pause()
        _count_lines(monkeypatch, drawn)
        partial = LeanCompositor.render_partial_update

        def counted(self: LeanCompositor) -> ChopsUpdate | None:
            drawn.clear()
            update = partial(self)
            if pane.read_to == 61:
                updates.append(Counter(drawn))
            return update

        monkeypatch.setattr(LeanCompositor, "render_partial_update", counted)
        for number in (60, 61):  # with the first one the bar learns where its thumb is
            box.events[view.run_id or ""].append(_said(view, number))
            pane.grow(number)
            await until_shown(pilot, f"said {number}.")
            await pilot.pause()
        (update,) = updates
        assert update["OutputView"] == pane.page
    assert set(update) <= {"OutputView", "ScrollBar"}, update
    assert update["ScrollBar"] <= 4, "only the ends of its thumb"


def _chatty() -> tuple[ScriptedSupervisor, SessionView]:
    """Return a supervisor with a session that has said 59 lines."""
    box, view = ScriptedSupervisor(), session(1, title="Chatty")
    box.add(view, [_said(view, n) for n in range(1, 60)])
    return box, view


def _said(view: SessionView, number: int) -> EventView:
    text = f"\n\nsaid {number}."
    return event(view, number, "assistant_message", message_id="m", text=text)


def _count_lines(monkeypatch: pytest.MonkeyPatch, drawn: Counter[str]) -> None:
    """Count the lines that widgets are asked for, by the widget's class."""
    for kind in (Widget, LineView):
        original = kind.render_lines

        def counted(self: Widget, crop: Region, original: Any = original) -> list[Strip]:
            drawn[type(self).__name__] += crop.height
            return original(self, crop)

        monkeypatch.setattr(kind, "render_lines", counted)


async def test_lines_that_scroll_are_not_drawn_anew():
    """DESIGN §9: what moved up by a line is the same strip as before; only its place is new."""
    box, _ = _chatty()
    async with app_of(box).run_test(size=(140, 40)) as pilot:
        await until_shown(pilot, "said 59.")
        pane = pilot.app.screen.query_one(OutputView)
        await until(pilot, lambda: pane.read_to == 59)
        whole = Region(0, 0, *pane.outer_size)
        before = {pane.top + y: strip for y, strip in enumerate(pane.render_lines(whole))}
        pane.action_scroll_by(-3)
        await pilot.pause()
        after = {pane.top + y: strip for y, strip in enumerate(pane.render_lines(whole))}
        common = before.keys() & after.keys()
        assert len(common) == pane.page - 3
        assert all(before[line] is after[line] for line in common)


async def test_what_an_agent_goes_on_saying_teaches_the_terminal_no_new_styles():
    """Issue 7: memory stays as it is. Rich and Textual keep thousands of styles once painted."""
    box, view = _chatty()
    async with app_of(box).run_test(size=(140, 40)) as pilot:
        await until_shown(pilot, "said 59.")
        pane = pilot.app.screen.query_one(OutputView)
        styles: set[Style | None] = set()
        known = 0
        for number in range(60, 90):
            box.events[view.run_id or ""].append(_said(view, number))
            pane.grow(number)
            await until_shown(pilot, f"said {number}.")
            lines = pane.render_lines(Region(0, 0, *pane.outer_size))
            styles |= {segment.style for line in lines for segment in line}
            known = known or len(styles)
        assert len(styles) == known
