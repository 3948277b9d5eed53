"""What an event says in one line, and whole (A2)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.event_lines import detail, summary
from tests.tui.widgets.line_host import event

SUMMARIES: list[tuple[str, dict[str, Any], str]] = [
    ("user_message", {"text": "do\nit"}, "do⏎it"),
    ("assistant_message", {"text": "\n\nhello", "message_id": "m"}, "hello"),
    ("assistant_message", {"text": "", "content": {"type": "image"}}, '{"type": "image"}'),
    ("thought", {"text": "hm"}, "hm"),
    (
        "tool_call",
        {"tool_call_id": "c1", "title": "make", "status": "completed"},
        "make · completed",
    ),
    ("tool_call", {"tool_call_id": "c1", "update": True}, "c1"),
    (
        "tool_call",
        {"title": "rm", "status": "pending", "unasked": True},
        "rm · pending · not asked",
    ),
    ("command_output", {"tool_call_id": "c1", "text": "ok\nno\n"}, "ok⏎no"),
    ("diff", {"path": "a.py", "old_text": "a\n", "new_text": "a\nb\n"}, "a.py · +1 lines"),
    ("diff", {"path": "a.py", "old_text": None, "new_text": "a"}, "a.py · new, 1 line"),
    (
        "plan",
        {
            "entries": [
                {"content": "a", "status": "completed"},
                {"content": "b", "status": "pending"},
            ]
        },
        "1 of 2 done · b",
    ),
    (
        "usage",
        {"used": 1234, "size": 200000, "cost": {"amount": 0.5, "currency": "USD"}},
        "1,234 of 200,000 tokens · 0.5 USD",
    ),
    ("mode", {"mode_id": "plan"}, "plan"),
    ("mode", {"config_options": [{"name": "Model", "currentValue": "x"}]}, "Model x"),
    (
        "approval.requested",
        {"approval_id": "apr_1", "kind": "terminal", "title": "Run", "subject": "make x"},
        "terminal · Run · make x",
    ),
    ("approval.decided", {"action": "deny", "by": "eve", "reason": "no"}, "deny by eve · no"),
    ("session.started", {"via": "new", "agent_session_id": "s1"}, "new · s1"),
    ("session.failed", {"reason": "crashed"}, "crashed"),
    ("session.closed", {"reason": "asked"}, "asked"),
    ("run.failed", {"reason": "lost"}, "lost"),
    ("backend_status", {"available_commands": [{"name": "init"}]}, "1 command · init"),
    ("backend_status", {"title": "New title"}, "New title"),
    ("error", {"message": "bad line", "where": "acp"}, "bad line · acp"),
    ("terminal_status", {"stop_reason": "end_turn", "command_id": "c"}, "end_turn"),
    ("other", {"method": "x/y", "params": {"a": 1}}, 'x/y · {"a": 1}'),
    ("hook", {"name": "pre"}, '{"name": "pre"}'),
]


@pytest.mark.parametrize(("kind", "payload", "line"), SUMMARIES)
def test_a_summary_says_what_the_event_is_about(
    kind: str, payload: dict[str, Any], line: str
) -> None:
    assert summary(event(1, kind, **payload)) == line


def test_detail_holds_all_of_the_text() -> None:
    text = "line\n" * 5000
    assert text in detail(event(7, "command_output", tool_call_id="c", text=text))
    assert detail(event(7, "command_output", text="x")).startswith("7 · command_output · 2023-")


def test_detail_of_a_diff_is_a_diff() -> None:
    shown = detail(event(1, "diff", path="a", old_text="x\n", new_text="y\n"))
    assert "path: a" in shown
    assert shown.endswith("-x\n+y")


def test_detail_names_every_member() -> None:
    shown = detail(event(1, "tool_call", title="t", raw_input={"cmd": "ls"}, kind=None))
    assert "title: t" in shown
    assert '"cmd": "ls"' in shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
MEMBERS = sorted({name for _, payload, _ in SUMMARIES for name in payload})


@given(
    st.sampled_from([*EventType, "dance"]),
    st.dictionaries(st.sampled_from(MEMBERS), json_values) | json_values,
)
def test_no_payload_can_break_a_line_or_the_detail(kind: str, payload: Any) -> None:
    broken = EventView(seq=1, run_id="run_1", type=kind, at="?", payload=payload)
    line = summary(broken)
    assert clean(line) == line
    assert "\n" not in line
    whole = detail(broken)
    assert clean(whole) == whole


def test_a_payload_nested_too_deeply_is_not_fatal() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    for kind in EventType:
        broken = event(1, kind, text=nested, entries=nested, params=nested)
        assert summary(broken) is not None
        assert detail(broken)
