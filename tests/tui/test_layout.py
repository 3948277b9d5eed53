"""The layout: what a person arranged is there again at the next start (issue 6)."""

import dataclasses
import json
import stat
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from textual.pilot import Pilot

from quarterdeck.tui import themes
from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.layout import Layout, LayoutFile
from quarterdeck.tui.layout_keeper import LayoutKeeper
from quarterdeck.tui.listed import Grouping, Order
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scripted_deck import NOW_MS, ScriptedSupervisor, session

CHOSEN = Layout(
    theme="nord",
    zoomed=True,
    pane="plan",
    split="diff",
    order=Order.TITLE,
    grouping=Grouping.PROJECT,
    folded=("/srv/api",),
    share=40,
)


class CountingFile(LayoutFile):
    """Counts how often the file is written."""

    writes = 0

    def write(self, layout: Layout) -> str:
        self.writes += 1
        return super().write(layout)


def app_with(file: LayoutFile) -> QuarterdeckApp:
    box = ScriptedSupervisor()
    box.add(session(1, title="Roll out", project="/srv/api", attention="waiting"))
    box.add(session(2, title="Paint it", project="/srv/web"))
    box.add(session(3, title="Clean up", project="/srv/api"))
    return QuarterdeckApp(
        box.connect, clock=lambda: NOW_MS, host="buildbox", environ={}, layout=file
    )


def lines(pilot: Pilot[None]) -> list[str]:
    rows = pilot.app.screen.query_one(SessionList)
    shown = [rows.render_line(y).text[1:].strip() for y in range(rows.size.height)]
    return [" ".join(line.split()[:3]) for line in shown if line]


def test_what_is_written_is_read_again_and_only_for_its_owner(tmp_path: Path):
    file = LayoutFile(tmp_path / "state" / "screen.json")
    assert file.read() == (Layout(), "")
    assert file.write(CHOSEN) == ""
    assert file.read() == (CHOSEN, "")
    (path,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_broken_file_is_said_and_odd_values_are_left_out(tmp_path: Path):
    path = tmp_path / "screen.json"
    path.write_bytes(b'{"theme": \xff')
    layout, problem = LayoutFile(path).read()
    assert layout == Layout()
    assert "broken" in problem
    odd = {key: [1, {}] for key in (*dataclasses.asdict(CHOSEN), "newer")}
    path.write_text(json.dumps(odd | {"order": "title"}))
    assert LayoutFile(path).read() == (Layout(order=Order.TITLE), "")


def test_a_layout_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "state").write_text("a file where the directory should be")
    assert "not kept" in LayoutFile(tmp_path / "state" / "screen.json").write(CHOSEN)


class TimerApp:
    """Stands for the app: keeps its timers and what it says."""

    def __init__(self) -> None:
        self.timers: list[Any] = []
        self.said: list[str] = []

    def set_timer(self, delay: float, then: Callable[[], None]) -> Any:
        timer = SimpleNamespace(fire=then, stop=lambda: None)
        self.timers.append(timer)
        return timer

    def say(self, text: str, *, bad: bool = False) -> None:
        self.said.append(text)


def test_a_burst_of_changes_is_written_once(tmp_path: Path):
    file, app = CountingFile(tmp_path / "screen.json"), TimerApp()
    keeper = LayoutKeeper(app, file)  # type: ignore[arg-type]
    keeper.take(Layout())
    assert app.timers == []
    for share in (30, 40, 50):
        keeper.take(Layout(share=share))
    (timer,) = app.timers
    assert file.writes == 0
    timer.fire()
    assert (file.writes, file.read()) == (1, (Layout(share=50), ""))
    keeper.keep()
    assert file.writes == 1
    keeper.take(Layout(share=60))
    keeper.keep()  # the person leaves before the timer fires
    assert (file.writes, app.said) == (2, [])


async def test_the_screen_comes_up_as_it_was_left(tmp_path: Path):
    file = CountingFile(tmp_path / "screen.json")
    app = app_with(file)
    async with app.run_test(size=(140, 30)) as pilot:
        await until_shown(pilot, "Paint it")
        await pilot.press("b", "left", "O", "O", "4", "greater_than_sign", "z")
        app.theme = "nord"
        await pilot.pause()
        assert lines(pilot) == ["▸ api ◆", "▾ web ·", "· Paint it"]
    assert file.writes
    again = app_with(CountingFile(tmp_path / "screen.json"))
    async with again.run_test(size=(140, 30)) as pilot:
        await until_shown(pilot, "Paint it")
        assert lines(pilot) == ["▸ api ◆", "▾ web ·", "· Paint it"]
        assert again.theme == "nord"
        assert again.screen.query_one(SessionPanes).pane == "plan"
        assert again.screen.query_one(SessionPanes).display is False
        await pilot.press("z")
        await pilot.pause()
        assert again.screen.query_one(SessionList).region.width == 56  # 40 percent of 140


async def test_a_start_that_changes_nothing_writes_nothing(tmp_path: Path):
    file = CountingFile(tmp_path / "screen.json")
    async with app_with(file).run_test() as pilot:
        await until_shown(pilot, "Paint it")
    assert file.writes == 0


async def test_a_broken_layout_is_told_on_the_screen(tmp_path: Path):
    path = tmp_path / "screen.json"
    path.write_text("[]")
    async with app_with(LayoutFile(path)).run_test(size=(140, 30), notifications=True) as pilot:
        await until_shown(pilot, "is broken")


async def test_groups_fold_by_keys_and_a_wanted_session_unfolds_its_own(tmp_path: Path):
    async with app_with(LayoutFile(tmp_path / "screen.json")).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Paint it")
        await pilot.press("b", "home")
        rows = pilot.app.screen.query_one(SessionList)
        assert rows.selected is None
        await pilot.press("enter")
        assert lines(pilot)[0] == "▸ api ◆"
        await pilot.press("right")
        assert lines(pilot)[:2] == ["▾ api ◆", "◆ Roll out"]
        await pilot.press("left", "n")
        await until(pilot, lambda: rows.selected and rows.selected.title == "Roll out")
        await pilot.press("x")
        assert "No session is selected" not in screen_text(pilot.app)


async def test_a_remembered_16_colour_twin_is_the_theme_it_stands_for():
    assert themes.wished(themes.DARK_16.name) == themes.DARK.name
    assert themes.wished("nord") == "nord"


async def test_the_end_of_a_cut_list_asks_for_more(tmp_path: Path):
    box = ScriptedSupervisor()
    for number in range(1, 1203):
        box.add(session(number))
    app = QuarterdeckApp(box.connect, clock=lambda: NOW_MS, host="buildbox", environ={})
    async with app.run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "the first 1000 only")
        await pilot.press("G", "G")
        await until(pilot, lambda: len(app.board.sessions) == 1202)
        await until(pilot, lambda: "only" not in screen_text(app).splitlines()[1])


async def test_the_list_is_grouped_by_the_supervisors_host_and_stays_so(tmp_path: Path):
    layout = LayoutFile(tmp_path / "screen.json")
    async with app_with(layout).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Paint it")
        await pilot.press("b", "b", "b")
        await until_shown(pilot, "grouped by host")
        assert lines(pilot)[0] == "▾ buildbox ◆"
        await pilot.press("home", "left")
        assert lines(pilot) == ["▸ buildbox ◆"]
    assert layout.read()[0].grouping is Grouping.HOST
    async with app_with(layout).run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: lines(pilot) == ["▸ buildbox ◆"])
        await pilot.press("n")
        assert "◆ Roll out" in lines(pilot)
