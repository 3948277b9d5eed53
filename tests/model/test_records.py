"""Records over the wire: an older client reads a newer supervisor."""

import json

import pytest

from quarterdeck.model.event_types import OUTPUT_TYPES, EventType
from quarterdeck.model.records import ApprovalView, EventView, RunView, SessionView, to_table
from tests.support.scripted_server import approval, event, run, session


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (SessionView, session(usage={"used": 1})),
        (RunView, run(reason="r")),
        (EventView, event(1, "t")),
        (ApprovalView, approval("make")),
    ],
)
def test_a_record_reads_back_and_ignores_members_it_does_not_know(kind, data) -> None:
    record = kind.from_wire({**data, "of_a_later_version": 1})
    assert kind.from_wire(json.loads(json.dumps(record.to_wire()))) == record
    assert data.items() <= record.to_wire().items()


def test_a_page_says_the_names_once_and_reads_back() -> None:
    """A10."""
    views = [SessionView.from_wire(session(f"ses_{n}", title=f"t{n}")) for n in range(3)]
    rows = [list(view.to_wire().values()) for view in views]
    told = json.dumps(to_table(SessionView, rows))
    assert told.count('"title"') == 1
    assert SessionView.from_table(json.loads(told)) == views


def test_a_page_of_another_version_is_read_by_its_names() -> None:
    """Members that came, went or moved, as between an upgrade and the next start of a client."""
    view = SessionView.from_wire(session(title="t", model="m"))
    told = {"of_a_later_version": 1} | dict(reversed(view.to_wire().items()))
    del told["model"]
    table = {"columns": list(told), "rows": [list(told.values())]}
    (read,) = SessionView.from_table(table)
    assert read.to_wire() == view.to_wire() | {"model": None}
    assert SessionView.from_table([session(title="t")])[0].title == "t"
    assert SessionView.from_table({"columns": [], "rows": []}) == []


def test_a_missing_member_that_has_no_default_is_an_error() -> None:
    with pytest.raises(TypeError):
        EventView.from_wire({"seq": 1})


def test_the_event_types_are_those_scripts_rely_on() -> None:
    """A2, A11, DESIGN §11: the set is closed."""
    assert {kind.value for kind in EventType} == {
        "user_message",
        "assistant_message",
        "thought",
        "tool_call",
        "command_output",
        "diff",
        "plan",
        "usage",
        "mode",
        "approval.requested",
        "approval.decided",
        "session.started",
        "session.failed",
        "session.closed",
        "run.paused",
        "run.failed",
        "artifact.expected",
        "artifact.accepted",
        "artifact.rejected",
        "hook",
        "backend_status",
        "error",
        "terminal_status",
        "other",
    }
    assert {kind.value for kind in OUTPUT_TYPES} == {
        "assistant_message",
        "command_output",
        "diff",
        "error",
        "terminal_status",
    }
