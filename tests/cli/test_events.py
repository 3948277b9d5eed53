"""`qd trace` and `qd output` (A2, A3, A11, DESIGN §11)."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, ScriptedServer, event, run, session
from tests.support.waiting import eventually


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def trace(deck_server: InThread) -> InThread:
    server = deck_server.server
    server.sessions = [session()]
    server.runs = [run("run_1", state="completed"), run()]
    server.events = [
        event(1, "old", run_id="run_1"),
        event(1, "do it", type="user_message"),
        event(2, "on it"),
        event(3, "hm", type="thought"),
        event(4, "done"),
    ]
    return deck_server


def test_trace_is_every_event_of_the_active_run(qd: Qd, trace: InThread) -> None:
    trace.server.page = 2
    done = qd("trace", "ses_1", "--json")
    assert [e["seq"] for e in lines(done.stdout)] == [1, 2, 3, 4]
    assert lines(done.stdout)[1].keys() == {"seq", "run_id", "type", "at", "payload"}


def test_trace_after_a_seq_of_a_named_run_and_of_all(qd: Qd, trace: InThread) -> None:
    def found(*options: str) -> list[tuple[str, int]]:
        done = qd("trace", "ses_1", "--json", *options)
        return [(e["run_id"], e["seq"]) for e in lines(done.stdout)]

    assert found("--after", "3") == [("run_of_ses_1", 4)]
    assert found("--run", "run_1") == [("run_1", 1)]
    assert found("--all-runs") == [("run_1", 1), *(("run_of_ses_1", n) for n in range(1, 5))]


def test_output_passes_over_what_is_none(qd: Qd, trace: InThread) -> None:
    """A11: also over whole pages in which nothing matches."""
    trace.server.page = 1
    done = qd("output", "ses_1", "--json")
    assert [e["payload"]["text"] for e in lines(done.stdout)] == ["on it", "done"]


def test_a_session_without_a_run_has_an_empty_trace(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.sessions = [session()]
    done = qd("trace", "ses_1", "--json")
    assert (done.returncode, done.stdout) == (0, "")


def test_follow_prints_each_event_once_and_ends_with_its_run(qd: Qd, trace: InThread) -> None:
    process = qd.start("trace", "ses_1", "--follow", "--json")
    assert process.stdout
    got = [json.loads(process.stdout.readline())["seq"] for _ in range(4)]
    trace.add_events(event(5, "more"))
    got.append(json.loads(process.stdout.readline())["seq"])

    async def end(server: ScriptedServer) -> None:
        server.events.append(event(6, "the end"))
        server.runs[-1]["state"] = "completed"
        await server.changed()

    trace.do(end)
    out, _ = process.communicate(timeout=30)
    assert [*got, *(e["seq"] for e in lines(out))] == [1, 2, 3, 4, 5, 6]
    assert process.returncode == 0


def test_follow_goes_on_after_the_supervisor_returned(qd: Qd, trace: InThread) -> None:
    process = qd.start("trace", "ses_1", "--follow", "--json")
    assert process.stdout
    for _ in range(4):
        process.stdout.readline()
    trace.do(ScriptedServer.stop)
    trace.server.events.append(event(5, "meanwhile"))
    # The active run is another one by then; what is followed stays what it was.
    trace.server.runs.append(run("run_3"))
    trace.server.events.append(event(1, "other", run_id="run_3"))
    trace.do(ScriptedServer.start)
    assert json.loads(process.stdout.readline())["seq"] == 5
    process.terminate()
    assert process.communicate(timeout=30)[0] == ""


def test_follow_of_all_runs_goes_on_into_the_next_run(qd: Qd, trace: InThread) -> None:
    process = qd.start("trace", "ses_1", "--follow", "--all-runs", "--json")
    assert process.stdout
    for _ in range(5):
        process.stdout.readline()
    trace.server.runs.append(run("run_3"))
    trace.add_events(event(1, "next", run_id="run_3"))
    assert json.loads(process.stdout.readline())["run_id"] == "run_3"
    process.terminate()
    process.communicate(timeout=30)


def test_trace_for_people_is_a_safe_line_an_event(qd: Qd, trace: InThread) -> None:
    """DESIGN §5."""
    call = {"title": "Run\x1b[2J", "kind": "execute", "status": "completed", "unasked": True}
    trace.server.events = [
        event(1, "two\nlines \x1b]52;c;x\x07 [red]x[/]"),
        event(2, "") | {"type": "tool_call", "payload": call},
        event(3, "") | {"type": "other", "payload": {"method": "x/y", "params": 1}},
    ]
    shown = qd("trace", "ses_1").stdout
    assert "\x1b" not in shown and "\x07" not in shown
    first, second, third = shown.splitlines()
    assert first.endswith("two⏎lines \\x1b]52;c;x\\x07 [red]x[/]")
    assert second.endswith("Run\\x1b[2J · execute · completed · unasked")
    assert third.endswith('{"method": "x/y", "params": 1}')


def test_output_for_people_reads_as_it_was_written(qd: Qd, trace: InThread) -> None:
    """Chunks of a message are joined; what follows begins on a line of its own."""
    diff = {"path": "a.txt", "old_text": "one\ntwo\n", "new_text": "one\n2\n"}
    trace.server.events = [
        event(1, "Hel"),
        event(2, "lo\x07"),
        event(3, "") | {"type": "diff", "payload": diff},
        event(4, "") | {"type": "terminal_status", "payload": {"stop_reason": "end_turn"}},
    ]
    trace.server._events = lambda params: {  # pyright: ignore[reportAttributeAccessIssue]
        "run_id": "run_of_ses_1",
        "events": [e for e in trace.server.events if e["seq"] > params["after_seq"]],
        "cursor": 4,
    }
    assert qd("output", "ses_1").stdout == (
        "Hello\\x07\n--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\nturn ended: end_turn\n"
    )


def test_follow_ends_when_the_run_had_ended_before(qd: Qd, trace: InThread) -> None:
    done = qd("trace", "ses_1", "--run", "run_1", "--follow", "--json")
    assert [e["seq"] for e in lines(done.stdout)] == [1]
    eventually(lambda: not trace.server._watchers)
