"""The list of sessions (A9, DESIGN §7)."""

import pytest
from rich.cells import cell_len
from textual.events import MouseScrollDown

from quarterdeck.tui.widgets.glyphs import ASCII
from quarterdeck.tui.widgets.session_list import SessionList
from tests.tui.widgets.line_host import NOW_MS, LineHost, count_lines, screen_lines, session


def make_list(**attributes: object) -> SessionList:
    return SessionList(clock=lambda: NOW_MS + 180_000, **attributes)  # type: ignore[arg-type]


def highlighted(app: LineHost) -> list[str | None]:
    sent = app.sent(SessionList.Highlighted)
    return [message.session.session_id if message.session else None for message in sent]


async def test_a_row_tells_state_age_and_needs_in_words() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(100, 5)) as pilot:
        sessions.set_rows(
            [
                session(1, state="waiting", attention="waiting", open_approvals=2),
                session(2, queued=1),
            ]
        )
        await pilot.pause()
        first, second = screen_lines(sessions)[:2]
        assert first.split() == ["▌◆", "title", "1", "runbook", "waiting", "3m", "2", "approvals"]
        assert second.split() == ["●", "title", "2", "runbook", "running", "3m", "1", "queued"]


async def test_a_narrow_list_shows_glyph_title_and_word() -> None:
    sessions = make_list(glyphs=ASCII)
    async with LineHost(sessions).run_test(size=(30, 5)) as pilot:
        sessions.set_rows([session(1, title="a very long title of a session", state="idle")])
        await pilot.pause()
        assert screen_lines(sessions)[0] == ">* a very long titl~ idle"


@pytest.mark.parametrize("width", [1, 5, 12, 30, 31, 45, 46, 63, 64, 100, 200])
async def test_lines_fill_any_width_whatever_the_title(width: int) -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(width, 6)) as pilot:
        titles = ["漢字" * 60, "e\u0301" * 200, "👨\u200d👩\u200d👧" * 50, "", "x"]
        sessions.set_rows([session(n, title=title) for n, title in enumerate(titles)])
        await pilot.pause()
        for y in range(5):
            assert cell_len(sessions.render_line(y).text) == sessions.line_width


async def test_keys_move_the_cursor_and_enter_opens() -> None:
    sessions = make_list()
    app = LineHost(sessions)
    async with app.run_test(size=(60, 10)) as pilot:
        sessions.focus()
        sessions.set_rows([session(n) for n in range(100)])
        for key in ("j", "down", "k", "pagedown", "G", "up", "g", "end", "home", "enter"):
            await pilot.press(key)
        seen = [f"ses_{n}" for n in (0, 1, 2, 1, 10, 99, 98, 0, 99, 0)]
        assert highlighted(app) == seen
        assert [m.session.session_id for m in app.sent(SessionList.Opened)] == ["ses_0"]


async def test_the_cursor_line_is_always_on_the_screen() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(60, 10)) as pilot:
        sessions.focus()
        sessions.set_rows([session(n) for n in range(100)])
        for key in ("end", "pageup", "up", "home", "pagedown"):
            await pilot.press(key)
            assert sum(line.startswith("▌") for line in screen_lines(sessions)) == 1
        await pilot.resize_terminal(60, 4)
        await pilot.pause()
        assert sum(line.startswith("▌") for line in screen_lines(sessions)) == 1


async def test_the_cursor_stays_on_its_session_when_rows_move() -> None:
    sessions = make_list()
    app = LineHost(sessions)
    async with app.run_test(size=(60, 10)) as pilot:
        sessions.set_rows([session(n) for n in range(5)])
        assert sessions.select("ses_3")
        sessions.set_rows([session(n) for n in (4, 3, 2, 1, 0)])
        assert sessions.selected == session(3)
        assert sessions.cursor == 1
        await pilot.pause()
        assert highlighted(app) == ["ses_0", "ses_3"]


async def test_when_its_session_is_gone_the_cursor_stays_at_its_place() -> None:
    sessions = make_list()
    app = LineHost(sessions)
    async with app.run_test(size=(60, 10)) as pilot:
        sessions.set_rows([session(n) for n in range(5)])
        sessions.select("ses_3")
        sessions.set_rows([session(n) for n in (0, 1, 2, 4, 5)])
        assert sessions.selected == session(4)
        sessions.set_rows([session(0)])
        sessions.set_rows([])
        assert sessions.selected is None
        await pilot.pause()
        assert highlighted(app) == ["ses_0", "ses_3", "ses_4", "ses_0", None]


async def test_rows_that_their_owner_changes_in_place_do_not_confuse_the_cursor() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test():
        rows = [session(1), session(2)]
        sessions.set_rows(rows)
        rows.insert(0, session(3))
        sessions.set_rows(rows)
        assert sessions.selected == session(1)


async def test_a_session_that_is_not_in_the_list_is_not_selected() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test():
        sessions.set_rows([session(1)])
        assert not sessions.select("ses_2")
        assert sessions.selected == session(1)


async def test_nothing_is_repainted_when_nothing_changed() -> None:
    """DESIGN §7: an idle screen writes nothing."""
    sessions = make_list()
    async with LineHost(sessions, "SessionList { border: round red; }").run_test() as pilot:
        sessions.set_rows([session(n) for n in range(1000)])
        await pilot.pause()
        drawn = count_lines(sessions)
        sessions.set_rows([session(n) for n in range(1000)])
        sessions.refresh_ages()
        await pilot.pause()
        assert drawn == []


async def test_only_lines_that_changed_are_repainted() -> None:
    sessions = make_list()
    async with LineHost(sessions, "SessionList { border: round red; }").run_test() as pilot:
        rows = [session(n) for n in range(1000)]
        sessions.set_rows(rows)
        await pilot.pause()
        drawn = count_lines(sessions)
        rows[3] = session(3, state="idle")
        rows[900] = session(900, state="idle")
        sessions.set_rows(rows)
        await pilot.pause()
        assert drawn == [3]


async def test_more_rows_below_the_screen_repaint_no_line() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(60, 10)) as pilot:
        sessions.set_rows([session(n) for n in range(100)])
        await pilot.pause()
        drawn = count_lines(sessions)
        sessions.set_rows([session(n) for n in range(110)])
        await pilot.pause()
        assert drawn == []


async def test_rows_that_went_away_leave_no_trace() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(60, 10)) as pilot:
        sessions.set_rows([session(n) for n in range(5)])
        await pilot.pause()
        drawn = count_lines(sessions)
        sessions.set_rows([session(n) for n in range(3)])
        await pilot.pause()
        assert drawn == [3, 4]
        assert screen_lines(sessions)[3:] == [""] * 7


async def test_a_move_of_the_cursor_repaints_two_lines() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test() as pilot:
        sessions.focus()
        sessions.set_rows([session(n) for n in range(1000)])
        await pilot.pause()
        drawn = count_lines(sessions)
        await pilot.press("j")
        await pilot.pause()
        assert drawn == [0, 1]


async def test_ages_are_recomputed_when_asked_and_no_timer_runs() -> None:
    now = [NOW_MS]
    sessions = SessionList(clock=lambda: now[0])
    async with LineHost(sessions).run_test(size=(60, 5)) as pilot:
        sessions.set_rows([session(1)])
        await pilot.pause()
        assert " <1m " in sessions.render_line(0).text
        now[0] += 7_200_000
        assert " <1m " in sessions.render_line(0).text
        sessions.refresh_ages()
        assert " 2h " in sessions.render_line(0).text


async def test_an_empty_list_says_so() -> None:
    sessions = make_list(empty_text="Press n for a new session")
    async with LineHost(sessions).run_test() as pilot:
        await pilot.pause()
        assert screen_lines(sessions)[0] == "Press n for a new session"
        sessions.empty_text = "None wait"
        assert screen_lines(sessions)[0] == "None wait"
        sessions.set_rows([session(1)])
        assert "title 1" in screen_lines(sessions)[0]


async def test_a_click_selects_and_a_click_on_the_selected_opens() -> None:
    sessions = make_list()
    app = LineHost(sessions, "SessionList { border: round red; }")
    async with app.run_test(size=(60, 12)) as pilot:
        sessions.set_rows([session(n) for n in range(50)])
        await pilot.pause()
        await pilot.click(SessionList, offset=(5, 4))
        assert highlighted(app) == ["ses_0", "ses_3"]
        assert app.sent(SessionList.Opened) == []
        await pilot.click(SessionList, offset=(5, 4))
        assert [m.session.session_id for m in app.sent(SessionList.Opened)] == ["ses_3"]


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    sessions = make_list()
    async with LineHost(sessions).run_test(size=(60, 12)) as pilot:
        sessions.set_rows([session(n) for n in range(50)])
        await pilot.pause()
        await pilot._post_mouse_events(  # pyright: ignore[reportPrivateUsage]
            [MouseScrollDown], SessionList, (5, 4), 0
        )
        await pilot.pause()
        assert sessions.top > 0
        assert sessions.cursor == 0
        top = sessions.top
        sessions.set_rows([session(n) for n in range(49)])
        assert sessions.top == top


async def test_the_cursor_shows_without_colour() -> None:
    css = "SessionList > .session-list--cursor { text-style: reverse; }"
    sessions = make_list()
    async with LineHost(sessions, css).run_test() as pilot:
        sessions.set_rows([session(1), session(2)])
        await pilot.pause()
        styles = [segment.style for segment in sessions.render_line(0)][:3]
        assert all(style is not None and style.reverse for style in styles)
        assert not any(s.style and s.style.reverse for s in sessions.render_line(1))


async def test_the_cursor_looks_different_with_the_focus() -> None:
    css = "SessionList:focus > .session-list--cursor { background: red; }"
    sessions = make_list()
    app = LineHost(sessions, css)
    async with app.run_test() as pilot:
        sessions.set_rows([session(1)])

        def background() -> object:
            style = next(iter(sessions.render_line(0))).style
            return style and style.bgcolor and style.bgcolor.name

        sessions.focus()
        await pilot.pause()
        assert background() == "#ff0000"
        drawn = count_lines(sessions)
        app.set_focus(None)
        await pilot.pause()
        assert drawn
        assert background() != "#ff0000"
