"""The main screen by keys: choosing, reading, writing, ending sessions."""

from textual.events import Paste
from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.keys import KEYS, Where, keys_of
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor, event, session


def selected(pilot: Pilot[None]) -> str:
    view = pilot.app.screen_stack[0].query_one(SessionList).selected
    return view.title if view else ""


async def test_n_and_N_go_around_the_sessions_that_need_me():
    async with app_of(deck_of_six()).run_test() as pilot:
        await until_shown(pilot, "Deploy api")
        visited = []
        for _ in range(4):
            visited.append(selected(pilot))
            await pilot.press("n")
        assert visited == [
            "Deploy api 2.4.1 to staging",
            "Cap the retry back-off",
            "Bisect the slow query",
            "Write release notes",
        ]
        assert selected(pilot) == visited[0]
        await pilot.press("N")
        assert selected(pilot) == visited[-1]


async def test_the_dock_names_what_waits_and_follows_the_selection():
    async with app_of(deck_of_six()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        assert "kubectl --context staging" in screen_text(pilot.app)
        await pilot.press("n")
        await until_shown(pilot, "edit client/retry.py")


async def test_the_dock_is_gone_when_nothing_waits():
    box = ScriptedSupervisor()
    box.add(session(1, title="Calm"))
    async with app_of(box).run_test(notifications=True) as pilot:
        await until_shown(pilot, "Calm")
        assert "answer" not in screen_text(pilot.app)
        await pilot.press("a")
        await until_shown(pilot, "Nothing waits for an approval.")


async def test_a_failed_session_shows_why_and_what_to_do():
    async with app_of(deck_of_six()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("n", "n")
        await until_shown(pilot, "session/load failed three times")
        assert "a: resume, restart or abandon" in screen_text(pilot.app)


async def test_output_and_trace_follow_pushes():
    box = ScriptedSupervisor()
    view = session(1, title="Chatty")
    box.add(view, [event(view, 1, "assistant_message", message_id="m", text="first words")])
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "first words")
        box.events[view.run_id or ""].append(
            event(view, 2, "assistant_message", message_id="n", text="second words")
        )
        box.replace(view.session_id, last_event_seq=2)
        box.push()
        await until_shown(pilot, "second words")
        await pilot.press("2")
        await until_shown(pilot, "2 14:03:22 • agent    second words")


async def test_the_event_under_the_cursor_opens_in_full_and_escape_closes_it():
    box = ScriptedSupervisor()
    view = session(1, title="Chatty")
    box.add(view, [event(view, 1, "user_message", text="the\nwhole\nstory")])
    async with app_of(box).run_test() as pilot:
        await pilot.press("2", "tab")
        await until_shown(pilot, "user")
        await pilot.press("enter")
        await until_shown(pilot, "1 · user_message")
        await pilot.press("escape")
        await until(pilot, lambda: "1 · user_message" not in screen_text(pilot.app))


async def test_narrow_puts_the_list_on_top_wide_beside_and_zoom_gives_all_the_room():
    async with app_of(deck_of_six()).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "Deploy api")
        rows, panes = pilot.app.screen.query_one(SessionList), pilot.app.screen.query_one("#panes")
        assert rows.region.width == panes.region.width == 80
        await pilot.press("z")
        await pilot.pause()
        assert not panes.display
        await pilot.press("enter")
        await pilot.pause()
        assert panes.display
        assert not rows.display
        await pilot.press("z")
        await pilot.resize_terminal(160, 40)
        await pilot.pause()
        assert rows.region.y == panes.region.y
        assert rows.region.right <= panes.region.x


async def test_a_prompt_goes_to_the_selected_session_with_the_variables_its_agent_names():
    box = ScriptedSupervisor()
    box.profiles[0]["env_names"] = ["API_KEY", "MISSING"]
    view = box.add(session(1, title="Asleep", state="asleep", active=False))
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Asleep")
        await pilot.press("i", *"go on", "enter")
        await until(pilot, lambda: box.called("send"))
        await until(pilot, lambda: pilot.app.screen.query_one(PromptEditor).text == "")
    (call,) = box.called("send")
    assert (call["session_id"], call["text"]) == (view.session_id, "go on")
    assert call["env"] == {"API_KEY": "k-1"}


async def test_letters_typed_into_the_prompt_are_text_and_escape_leaves():
    box = ScriptedSupervisor()
    box.add(session(1, title="One"))
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "One")
        await pilot.press("p", *"qxXca")
        assert pilot.app.screen.query_one(PromptEditor).text == "qxXca"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen.focused, SessionList)
        assert pilot.app.screen.query_one(PromptEditor).text == "qxXca"
    assert box.calls == []


async def test_a_failed_send_keeps_the_text_and_trying_again_keeps_the_key():
    box = ScriptedSupervisor()
    box.add(session(1, title="One"))
    box.refusals["send"] = [QuarterdeckError("agent_not_reading", "its pipe is full")]
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "One")
        await pilot.press("i", *"hello", "enter")
        await until_shown(pilot, "not sent: its pipe is full")
        assert pilot.app.screen.query_one(PromptEditor).text == "hello"
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.query_one(PromptEditor).text == "")
    first, second = box.called("send")
    assert first == second


async def test_an_empty_prompt_does_nothing():
    box = ScriptedSupervisor()
    box.add(session(1, title="One"))
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "One")
        await pilot.press("i", "space", "enter")
        await pilot.pause()
    assert box.calls == []


async def test_every_line_of_a_pasted_text_is_sent():
    box = ScriptedSupervisor()
    box.add(session(1, title="One"))
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "One")
        await pilot.press("i")
        pilot.app.screen.query_one(PromptEditor).post_message(Paste("one\ntwo\nthree"))
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: box.called("send"))
    assert box.called("send")[0]["text"] == "one\ntwo\nthree"


async def test_queued_prompts_are_counted():
    async with app_of(deck_of_six()).run_test() as pilot:
        await until_shown(pilot, "Port the importer")
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: selected(pilot).startswith("Port"))
        state = pilot.app.screen.query_one("#prompt-state")
        await until(pilot, lambda: state.region.width > 0)
        prompt_row = screen_text(pilot.app).splitlines()[state.region.y]
        assert prompt_row.rstrip().endswith("1 queued")


async def test_x_cancels_and_X_closes_only_after_yes():
    box = deck_of_six()
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("x")
        await until(pilot, lambda: box.called("cancel"))
        await pilot.press("X")
        await until_shown(pilot, "Close session")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        assert box.called("close_session") == []
        await pilot.press("X")
        await until_shown(pilot, "Close session")
        await pilot.press("y")
        await until(pilot, lambda: box.called("close_session"))
    deploy = box.sessions[0]
    assert box.called("cancel") == [{"session_id": deploy.session_id, "run_id": deploy.run_id}]


async def test_a_refused_request_is_told():
    box = deck_of_six()
    box.refusals["cancel"] = [QuarterdeckError("session_not_running", "it has no live run")]
    async with app_of(box).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("x")
        await until_shown(pilot, "it has no live run")


def unread() -> tuple[ScriptedSupervisor, dict[str, object]]:
    box = ScriptedSupervisor()
    view = session(1, title="News", attention="unread", version=7, read_version=3)
    box.add(view, [event(view, 1, "assistant_message", message_id="m", text="all done")])
    return box, {"session_id": view.session_id, "version": 7}


async def test_a_session_whose_end_is_on_screen_is_marked_read_as_it_was_seen():
    """A9: what was on the screen counts, at the version that was fetched with it."""
    box, seen = unread()
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "all done")
        await until(pilot, lambda: box.called("mark_read"))
    assert box.called("mark_read") == [seen]


async def test_a_terminal_without_focus_reads_nothing():
    box, _ = unread()
    app = app_of(box)
    async with app.run_test() as pilot:
        app.app_focus = False
        await until_shown(pilot, "all done")
        await pilot.pause(0.2)
        assert box.called("mark_read") == []


async def test_r_marks_read_by_hand():
    box, seen = unread()
    app = app_of(box)
    async with app.run_test() as pilot:
        app.app_focus = False
        await until_shown(pilot, "News")
        await app.screen.run_action("mark_read")
        await until(pilot, lambda: box.called("mark_read"))
    assert box.called("mark_read") == [seen]


async def test_the_help_names_every_key():
    async with app_of(deck_of_six()).run_test(size=(160, 260)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("question_mark")
        await until_shown(pilot, "Approving")
        shown = screen_text(pilot.app)
        for place in Where:
            if place not in (Where.HELP, Where.CONFIRM):
                assert place.value in shown
                missing = [entry.help for entry in keys_of(place) if entry.help not in shown]
                assert missing == []
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


def test_no_key_means_two_things_in_one_place():
    for place in Where:
        keys = [key for entry in keys_of(place) for key in entry.keys.split(",") if key]
        assert len(keys) == len(set(keys)), place
    assert {entry.where for entry in KEYS} == set(Where)


async def test_the_palette_finds_our_actions():
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("ctrl+p")
        await until_shown(pilot, "Next session that needs me")


async def test_ctrl_c_leaves_politely_from_anywhere():
    box = deck_of_six()
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("i", "ctrl+c")
    assert pilot.app.return_code == 0
    assert box.calls == []


async def test_a_click_on_a_key_of_the_footer_does_what_the_key_does():
    async with app_of(deck_of_six()).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "a answer  enter open")  # the footer as it stays
        row = screen_text(pilot.app).splitlines()[-1]
        await pilot.click(offset=(row.index("? help") + 2, 29))
        await until_shown(pilot, "Sessions and panes")
