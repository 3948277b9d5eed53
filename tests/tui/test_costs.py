"""What the screen does for each thing that happens, in counts: what keeps its budgets (DESIGN §9).

Times belong to the benchmarks; a count is the same on every machine.
"""

from collections import Counter
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.geometry import Size
from textual.pilot import Pilot
from textual.widget import Widget

from quarterdeck.tui.lean_compositor import LeanCompositor
from quarterdeck.tui.widgets.event_pages import PAGE
from quarterdeck.tui.widgets.output_view import OutputView
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedDeck, ScriptedSupervisor, event, session


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count calls to the supervisor by method."""
    counted: Counter[str] = Counter()
    enter = ScriptedDeck._enter

    async def counting(self: ScriptedDeck, method: str, **params: object) -> None:
        counted[method] += 1
        await enter(self, method, **params)

    monkeypatch.setattr(ScriptedDeck, "_enter", counting)
    return counted


@pytest.fixture
def paints(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what is sent to the terminal: whole screens, and parts of them."""
    counted: Counter[str] = Counter()
    lean = LeanCompositor
    whole, part = lean.render_full_update, lean.render_partial_update

    def render_whole(self: LeanCompositor, simplify: bool = False):
        counted["whole"] += 1
        return whole(self, simplify)

    def render_part(self: LeanCompositor):
        update = part(self)
        counted["part"] += update is not None
        return update

    monkeypatch.setattr(lean, "render_full_update", render_whole)
    monkeypatch.setattr(lean, "render_partial_update", render_part)
    return counted


def deck_of(count: int) -> ScriptedSupervisor:
    """Return a deck with so many sessions, the first with a few events."""
    box = ScriptedSupervisor()
    for number in range(1, count + 1):
        said = [event(session(1), n, "assistant_message", text=f"word {n} ") for n in (1, 2)]
        box.add(session(number), said if number == 1 else None)
    return box


async def settled(pilot: Pilot[None], paints: Counter[str]) -> None:
    """Wait until nothing is painted any more."""
    while True:
        before = sum(paints.values())
        for _ in range(5):
            await pilot.pause(0.05)
        if sum(paints.values()) == before:
            return


async def test_news_that_change_nothing_shown_cost_one_round_and_no_byte(calls, paints):
    box = deck_of(5)
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Session 5")
        await settled(pilot, paints)
        calls.clear()
        paints.clear()
        box.push()
        await until(pilot, lambda: calls["approvals"], "a round")
        await settled(pilot, paints)
        assert calls["sessions"] == calls["approvals"] == 1
        assert calls["events"] == 1, "the open session is asked once what is new"
        assert not sum(paints.values())


async def test_a_screen_on_which_nothing_happens_writes_nothing_and_asks_nothing(calls, paints):
    async with app_of(deck_of(5)).run_test() as pilot:
        await until_shown(pilot, "Session 5")
        await settled(pilot, paints)
        calls.clear()
        paints.clear()
        for _ in range(10):
            await pilot.pause(0.1)
        assert not calls
        assert not sum(paints.values())


async def test_a_session_that_changes_repaints_parts_and_never_the_whole_screen(paints):
    box = deck_of(5)
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Session 5")
        await settled(pilot, paints)
        paints.clear()
        box.replace(session(3).session_id, title="Renamed")
        box.push()
        await until_shown(pilot, "Renamed")
        await settled(pilot, paints)
        assert paints["part"] >= 1
        assert paints["whole"] == 0


@pytest.mark.parametrize("passing", [(), ((60, 18),), ((60, 18), (120, 40))])
async def test_a_size_that_came_back_repaints_the_whole_screen(paints, passing):
    async with app_of(deck_of(5)).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Session 5")
        await settled(pilot, paints)
        paints.clear()
        for width, height in (*passing, (80, 24)):
            size = Size(width, height)
            await pilot.app.on_event(events.Resize(size, size))
        await settled(pilot, paints)
        assert paints["whole"] == 1


async def test_new_output_is_fetched_once_and_never_repaints_the_whole_screen(calls, paints):
    box = deck_of(2)
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "word 2")
        await settled(pilot, paints)
        calls.clear()
        paints.clear()
        first = session(1)
        box.events[first.run_id or ""].append(event(first, 3, "assistant_message", text="word 3"))
        box.replace(first.session_id, last_event_seq=3)
        box.push()
        await until_shown(pilot, "word 3")
        await settled(pilot, paints)
        assert calls["events"] == 1
        assert paints["whole"] == 0


async def test_a_flood_of_pushes_is_a_few_rounds(calls):
    box = deck_of(3)
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Session 3")
        calls.clear()
        for _ in range(1000):
            box.push()
        await until(pilot, lambda: calls["approvals"], "a round")
        assert calls["sessions"] <= 2


async def test_a_page_of_the_list_is_one_call_for_a_hundred_sessions(calls):
    async with app_of(deck_of(250)).run_test() as pilot:
        await until_shown(pilot, "Session 1")
        assert calls["sessions"] == 3 * calls["approvals"]


async def test_the_trace_fetches_no_more_than_the_pages_in_view_and_beside_it(calls):
    box = ScriptedSupervisor()
    view = session(1)
    box.add(view, [event(view, n, "thought", text=f"t{n}") for n in range(1, 50 * PAGE)])
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Session 1")
        await pilot.press("2")
        await until_shown(pilot, f"t{50 * PAGE - 1}")
        # One page is seen, or two of them in part, with one on each side; and the output's.
        assert calls["events"] <= 4 + 2


@pytest.mark.parametrize("count", [3, 300])
async def test_the_number_of_widgets_does_not_depend_on_the_number_of_sessions(count):
    async with app_of(deck_of(count)).run_test() as pilot:
        await until_shown(pilot, "Session 1")
        assert len(list(pilot.app.screen.walk_children())) <= 60


@pytest.fixture
def styled(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count by class the widgets whose styles are worked out anew."""
    counted: Counter[str] = Counter()
    apply = Stylesheet.apply

    def counting(self: Stylesheet, node: DOMNode, **how: Any) -> None:
        counted[type(node).__name__] += isinstance(node, Widget)
        apply(self, node, **how)

    monkeypatch.setattr(Stylesheet, "apply", counting)
    return counted


@pytest.mark.parametrize("key", ["tab", "enter", "z", "greater_than_sign", "less_than_sign"])
async def test_moving_the_focus_and_dividing_the_room_style_few_widgets(styled, paints, key):
    async with app_of(deck_of(3)).run_test(size=(140, 30)) as pilot:
        await until_shown(pilot, "Session 3")
        await settled(pilot, paints)
        every = len(list(pilot.app.screen.walk_children()))
        styled.clear()
        await pilot.press(key)
        await settled(pilot, paints)
        assert sum(styled.values()) < every / 4
        assert styled["SessionList"] <= 1 + (key in ("tab", "enter"))


async def test_starting_parses_each_style_sheet_once(monkeypatch: pytest.MonkeyPatch):
    reparsed: list[App[None]] = []
    original = App.refresh_css
    monkeypatch.setattr(
        App, "refresh_css", lambda self, animate=True: (reparsed.append(self), original(self))
    )
    async with app_of(deck_of(1)).run_test() as pilot:
        await until_shown(pilot, "Session 1")
        assert not reparsed
        assert pilot.app.screen.query_one(OutputView).is_attached
