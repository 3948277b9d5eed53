"""What a line of the session list tells, where there is room (issue 6, main screen)."""

import pytest
from rich.cells import cell_len

from quarterdeck.tui.listed import Grouping, Order
from quarterdeck.tui.widgets.session_cells import (
    changes_cell,
    coarse_age,
    columns_for,
    context_cell,
    cost_cell,
    plan_cell,
)
from quarterdeck.tui.widgets.session_list import SessionList
from tests.tui.widgets.line_host import (
    NOW,
    NOW_MS,
    LineHost,
    count_lines,
    screen_lines,
    session,
    unsafe_in,
)

USAGE = {"used": 83_000, "size": 200_000, "cost": {"amount": 1.234, "currency": "USD"}}
PLAN = {"done": 2, "total": 5, "step": "write the migration"}
FULL = {
    "usage": USAGE,
    "plan": PLAN,
    "changes": {"files": 3, "added": 120, "removed": 14},
    "git_branch": "feature/retry",
    "open_approvals": 1,
}


def make_list() -> SessionList:
    return SessionList(clock=lambda: NOW_MS + 180_000)


@pytest.mark.parametrize(
    ("width", "told"),
    [
        (64, "runbook running 3m 1 approval"),
        (72, "runbook running 3m 2/5 1 approval"),
        (82, "runbook running 3m 2/5 41% 1 approval"),
        (94, "runbook running 3m 2/5 41% +120 -14 1 approval"),
        (110, "runbook running 3m 2/5 41% feature/ret… +120 -14 1 approval"),
        (180, "running 3m 2/5 write the migration 41% $1.23 feature/retry +120 -14 1 approval"),
    ],
)
async def test_more_columns_come_with_more_room(width: int, told: str) -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(width + 1, 5)) as pilot:
        sessions.set_rows([session(1, **FULL)])
        await pilot.pause()
        assert sessions.line_width == width
        assert " ".join(screen_lines(sessions)[0].split()).endswith(told)


def test_columns_leave_the_title_a_place_at_every_width() -> None:
    for width in range(20, 301):
        assert width - columns_for(width).taken - 4 >= (8 if width < 31 else 15)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "<1m"),
        (59, "<1m"),
        (60, "1m"),
        (299, "3m"),
        (300, "5m"),
        (3599, "45m"),
        (3600, "1h"),
        (90_000, "1d"),
        (13 * 86_400, "7d"),
        (200 * 86_400, "90d"),
        (366 * 86_400, "1y"),
        (10**9, "31y"),
    ],
)
def test_ages_go_in_ever_longer_steps(seconds: int, told: str) -> None:
    assert coarse_age(NOW, NOW_MS + seconds * 1000) == told
    assert len(told) <= 3, "or the column would cut it off"


def test_what_an_agent_does_not_tell_or_tells_wrongly_is_blank() -> None:
    odd = {"used": "x", "size": 0, "cost": {"amount": True}, "done": None, "total": -1, "added": []}
    for given in (None, {}, odd):
        assert plan_cell(given, 20) == context_cell(given) == changes_cell(given) == ""
        assert cost_cell(given) == ""
    assert cost_cell({"cost": {"amount": 2, "currency": "CHF"}}) == "2.00 CHF"


async def test_what_was_true_before_the_link_went_away_is_told_apart_by_glyph_and_word() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(60, 4)) as pilot:
        sessions.set_rows([session(1, state="idle", attention="read")])
        sessions.set_rows([session(1, state="unknown", attention="unknown")])
        await pilot.pause()
        assert screen_lines(sessions)[0].split() == ["▌?", "title", "1", "unknown", "3m"]
        sessions.say_stale(True)
        assert screen_lines(sessions)[0].split() == ["▌≈", "title", "1", "stale", "3m"]
        sessions.say_stale(False)
        assert "unknown" in screen_lines(sessions)[0]


async def test_headers_count_and_fill_any_width_whatever_the_project_is_called() -> None:
    sessions = make_list()
    bad = "/srv/\x1b[2J漢字\u202e[/b]" * 20
    async with LineHost(sessions).run_test(size=(30, 8)) as pilot:
        sessions.set_arrangement(Order.ATTENTION, Grouping.PROJECT, ())
        sessions.set_rows([session(n, project=bad) for n in range(3)])
        for width in (1, 5, 12, 30, 80):
            await pilot.resize_terminal(width, 8)
            await pilot.pause()
            assert unsafe_in(sessions) == []
            assert cell_len(sessions.render_line(0).text) == sessions.line_width
        assert screen_lines(sessions)[0].endswith("● 3")


async def test_a_refresh_of_10000_sessions_builds_only_the_lines_on_the_screen() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(80, 20)) as pilot:
        rows = [session(n, project=f"/p{n % 50}") for n in range(10_000)]
        sessions.set_rows(rows)
        await pilot.pause()
        built: list[int] = []
        build = sessions._line
        sessions._line = lambda y: built.append(y) or build(y)  # type: ignore[method-assign]
        drawn = count_lines(sessions)
        rows[5_000] = session(5_000, state="idle", project="/p0")
        sessions.set_rows(rows)
        await pilot.pause()
        assert (len(built), drawn) == (20, [])
        sessions.set_arrangement(Order.TITLE, Grouping.PROJECT, ())
        await pilot.pause()
        assert len(built) <= 20 + 2 * 20
