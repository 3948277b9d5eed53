"""Agent text in every field of every view: nothing unsafe is ever drawn (DESIGN §5)."""

from datetime import UTC
from typing import Any

import pytest
from textual.widget import Widget

from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView, SessionView
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.trace_view import TraceView
from tests.support.waiting import eventually_async
from tests.tui.widgets.line_host import NOW, Events, LineHost, Output, session, unsafe_in

HOSTILE = [
    "\x1b]0;title\x07",
    "\x1b]52;c;cGFzdGU=\x1b\\",
    "\x1b[2J\x1b[31mred",
    "\x9b31m\x90q\x9c\x85",
    "a\u202eb\u2066c\u200e\u061c",
    "\u200b\u2060\ufeff\u00ad\U000e0041",
    "\ue0b0\uf8ff\U000f0000",
    "\r\n\ttab\x00\x7f\x08",
    "\u2028\u2029",
    "\ud800",
    "[@click=app.quit]x[/]",
    "[/foo] [bold]",
    "&#27;[2J &#x202e; [a](http://x/%E2%80%AE)",
    "漢字\u0301\u200d👩\u200d👧",
]
MEMBERS = (
    *("text", "message_id", "tool_call_id", "title", "kind", "status", "path", "old_text"),
    *("new_text", "mode_id", "approval_id", "subject", "action", "by", "reason", "option", "via"),
    *("agent_session_id", "message", "where", "stop_reason", "error", "method"),
)


async def is_safe(widget: Widget, app: LineHost) -> bool:
    assert unsafe_in(widget) == []
    assert app.is_running
    assert app.return_code is None
    for y in range(widget.size.height):
        for segment in widget.render_line(y):
            assert segment.style is None or segment.style.link is None
            # Where it stands is noted for selecting with the mouse; an action would be here too.
            assert segment.style is None or set(segment.style.meta) <= {"offset"}
    return True


def hostile_events(text: str, members: dict[str, Any]) -> list[EventView]:
    kinds = [*EventType, text]
    return [EventView(seq, "run_1", str(kind), NOW, members) for seq, kind in enumerate(kinds, 1)]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("width", [20, 120])
async def test_the_list_draws_nothing_unsafe(text: str, width: int) -> None:
    view = SessionList(empty_text=text)
    app = LineHost(view)
    async with app.run_test(size=(width, 6)) as pilot:
        await pilot.pause()
        assert await is_safe(view, app)
        fields = ("title", "agent", "state", "attention", "state_since", "session_id", "preview")
        rows: list[SessionView] = [session(n, **{name: text}) for n, name in enumerate(fields)]
        view.set_rows(rows)
        await pilot.pause()
        assert await is_safe(view, app)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("width", [20, 120])
async def test_the_trace_draws_nothing_unsafe(text: str, width: int) -> None:
    members: dict[str, Any] = dict.fromkeys(MEMBERS, text)
    members["entries"] = [{"content": text, "status": text}]
    members["available_commands"] = [{"name": text}]
    events = hostile_events(text, members)
    view = TraceView(tz=UTC, empty_text=text)
    app = LineHost(view)
    async with app.run_test(size=(width, 30)) as pilot:
        await pilot.pause()
        assert await is_safe(view, app)
        view.show("run_1", len(events), Events(lambda seq: events[seq - 1]))

        async def drawn() -> bool:
            await pilot.pause()
            return view.highlighted is not None

        await eventually_async(drawn)
        assert await is_safe(view, app)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
@pytest.mark.parametrize("width", [20, 120])
@pytest.mark.parametrize("closed", [True, False])
async def test_the_output_draws_nothing_unsafe(text: str, width: int, closed: bool) -> None:
    members = dict.fromkeys(MEMBERS, f"# {text}\n\n| {text} | `{text}` |\n|---|---|\n\n> {text}")
    source = Output(*hostile_events(text, members)[: 2 if not closed else None])
    view = OutputView(empty_text=text, frame=0)
    app = LineHost(view)
    async with app.run_test(size=(width, 60)) as pilot:
        await pilot.pause()
        assert await is_safe(view, app)
        view.show("run_1", source)
        view.grow(source.last_seq)

        async def drawn() -> bool:
            await pilot.pause()
            return view.read_to >= source.last_seq

        await eventually_async(drawn)
        assert await is_safe(view, app)
        view.action_first()
        assert await is_safe(view, app)


async def test_the_filter_keeps_the_look_of_what_is_safe() -> None:
    view = SessionList()
    app = LineHost(view, guarded=True)
    async with app.run_test(size=(60, 4)) as pilot:
        view.set_rows([session(1, title="漢字 \x1b[2J")])
        await pilot.pause()
        shown = app.export_screenshot()
        assert "漢字" in shown
        assert "\x1b" not in shown
