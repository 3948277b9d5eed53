"""What a person does to sessions as a whole, by keys (C1, C2, A9)."""

from textual.pilot import Pilot
from textual.widgets import Input

from quarterdeck.model.search_hit import SearchHit
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.trace_view import TraceView
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor, ago, event, session


def two() -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    first = session(1, title="Alpha")
    box.add(first, [event(first, n, "user_message", text=f"line {n}") for n in range(1, 60)])
    box.add(session(2, title="Beta", agent="claude"))
    return box


def titles(pilot: Pilot[None]) -> list[str]:
    return [row.title for row in pilot.app.screen.query_one(SessionList).rows]


async def test_a6_what_a_session_is_about_is_said_in_a_line_and_shown():
    box = two()
    box.answers["session.describe"] = box.sessions[0].to_wire()
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input))
        await pilot.press(*"a crane", "enter")
        await until(pilot, lambda: bool(box.called("session.describe")))
        box.replace(box.sessions[0].session_id, summary="a crane", metadata={"team": "docks"})
        box.push()
        await pilot.press("5")
        await until_shown(pilot, "a crane")
        await until_shown(pilot, "team=docks")
        await pilot.press("U")
        await until(pilot, lambda: len(box.called("session.describe")) == 2)
    first, back = box.called("session.describe")
    assert (first["summary"], back["summary"]) == ("a crane", "")
    assert first["session_id"] == back["session_id"] == box.sessions[0].session_id


async def test_each_key_makes_its_call():
    box = two()
    wire = box.sessions[0].to_wire()
    calls = {
        "P": "session.pin",
        "A": "session.archive",
        "u": "session.mark_unread",
        "M": "session.mark_all_read",
        "f": "session.fork",
        "number_sign": "session.delete",
    }
    box.answers |= dict.fromkeys(calls.values(), wire)
    box.answers["session.mark_all_read"] = {"marked": 1}
    box.answers["session.restore"] = wire
    async with app_of(box).run_test(size=(120, 30), notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        for key, method in calls.items():
            await pilot.press(key)
            if key == "number_sign":
                await until_shown(pilot, "Delete “Alpha”?")
                assert not box.called(method), "deleting asks"
                await pilot.press("n")
                await pilot.pause()
                assert not box.called(method)
                await pilot.press(key)
                await until_shown(pilot, "Delete “Alpha”?")
                await pilot.press("y")
            await until(pilot, lambda name=method: box.called(name), method)
        await until_shown(pilot, "U undoes it")
        await pilot.press("U")
        await until(pilot, lambda: box.called("session.restore"))
    assert box.called("session.pin") == [{"session_id": box.sessions[0].session_id}]


async def test_a_session_is_renamed_in_a_line():
    box = two()
    box.answers["session.rename"] = box.sessions[0].to_wire()
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("R")
        await until_shown(pilot, "Rename")
        await pilot.press(*" 2", "enter")
        await until(pilot, lambda: box.called("session.rename"))
    assert box.called("session.rename")[0]["title"] == "Alpha 2"


async def test_the_list_is_filtered_as_one_types_and_the_filter_is_named():
    async with app_of(two()).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("slash", *"clau")
        await until(pilot, lambda: titles(pilot) == ["Beta"])
        await pilot.press("enter")
        await until_shown(pilot, "filter: clau")
        await pilot.press("escape")
        await until(pilot, lambda: titles(pilot) == ["Alpha", "Beta"])


async def test_views_go_through_the_states_and_fetch_the_archive():
    box = deck_of_six()
    box.shelf = [session(30, title="Long ago", archived_at=ago(5))]
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("v", "v")
        await until(pilot, lambda: titles(pilot) == ["Bisect the slow query"])
        await pilot.press("v", "v", "v", "v")
        await until(pilot, lambda: titles(pilot) == ["Long ago"])


async def test_queued_prompts_are_moved_and_taken_back():
    box = two()
    sid = box.sessions[0].session_id
    row = {"session_id": sid, "run_id": None, "kind": "turn", "state": "pending"}
    rows = [row | {"command_id": f"cmd_{n}", "created_at": ago(9), "text": f"do {n}"} for n in "ab"]
    box.answers |= {
        "session.queue": {"commands": rows},
        "command.move": rows[0],
        "command.cancel": rows[0],
        "command.edit": rows[0],
    }
    async with app_of(box).run_test(notifications=True) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("Q")
        await until_shown(pilot, "do a")
        await pilot.press("J")
        await until(pilot, lambda: box.called("command.move"))
        await pilot.press("e", *"!", "enter")
        await until(pilot, lambda: box.called("command.edit"))
        await pilot.press("x")
        await until(pilot, lambda: box.called("command.cancel"))
        await until_shown(pilot, "U undoes")
        await pilot.press("U")
        await until(pilot, lambda: box.called("send"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert box.called("send")[0]["text"] == "do a"
    assert box.called("command.move") == [{"command_id": "cmd_a"}]
    assert box.called("command.edit") == [{"command_id": "cmd_a", "text": "do a!"}]


async def test_ctrl_g_sends_so_that_the_turn_ends():
    box = two()
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("i", *"stop", "ctrl+g")
        await until(pilot, lambda: box.called("send"))
        assert pilot.app.screen.query_one(PromptEditor).text == ""
    assert box.called("send")[0]["interrupt"] is True


async def test_what_a_search_finds_opens_the_trace_at_the_event():
    box = two()
    of = box.sessions[0]
    hit = SearchHit(
        of.session_id,
        of.title,
        of.agent,
        of.project,
        of.run_id or "",
        7,
        "user_message",
        ago(60),
        "line \x1b[31m7",
        [],
    )
    box.answers |= {
        "event.search": {"hits": [hit.to_wire()], "cursor": None},
        "session.runs": {"runs": []},
    }
    async with app_of(box).run_test(size=(120, 30)) as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("S")
        await until_shown(pilot, "all must be found")
        await pilot.press(*"line", "enter")
        await until_shown(pilot, "1 found")
        await until_shown(pilot, "line \\x1b[31m7")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        trace = pilot.app.screen.query_one(TraceView)
        await until(pilot, lambda: trace.display and trace.cursor_seq == 7)
        await until_shown(pilot, "line 7")
        await until(pilot, lambda: trace.page > 0 and trace.top <= 6 < trace.top + trace.page)
        assert trace.virtual_size.height > trace.page + 20
        await pilot.press("G")
        await until_shown(pilot, "line 59")
    assert box.called("event.search")[0]["query"] == "line"


async def test_a_bad_query_is_told_and_the_words_stay():
    box = two()
    from quarterdeck.model.errors import QuarterdeckError

    box.refusals["event.search"] = [QuarterdeckError("invalid_query", "a quote is not closed")]
    async with app_of(box).run_test() as pilot:
        await until_shown(pilot, "Alpha")
        await pilot.press("S")
        await until_shown(pilot, "all must be found")
        await pilot.press(*'"x', "enter")
        await until_shown(pilot, "a quote is not closed")
        assert pilot.app.screen.query_one(Input).value == '"x'
