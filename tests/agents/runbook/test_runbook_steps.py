"""What a runbook's steps do, seen from the client's end of the pipe."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.agents.runbook.agent_pipe import AgentPipe, PipedSession
from tests.support.waiting import eventually

HERE = Path(__file__).parent

EVERY_KIND = """\
title: Every kind
steps:
  - name: Build
    run: |
      mkdir -p out
      echo to stdout; echo to stderr >&2
      pwd > out/where
    cwd: sub
  - name: Write
    write: {path: out/new.txt, content: "one\\ntwo\\n"}
  - name: Edit
    edit: {path: out/new.txt, find: two, replace: three}
  - name: Check
    check: grep -q three out/new.txt
  - name: Say
    say: |
      First line.
      Second line.
  - name: Count
    say: tick
    chunks: 3
    every: 0.01
  - name: Rest
    sleep: 0.01
"""


def test_every_kind_of_step_is_done_and_told(session: PipedSession, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()

    assert session.work(EVERY_KIND) == "end_turn"

    assert (tmp_path / "sub/out/where").read_text().strip() == str(tmp_path / "sub")
    assert (tmp_path / "out/new.txt").read_text() == "one\nthree\n"
    build, write, edit, check, rest = session.calls()
    assert build["rawInput"]["cwd"] == str(tmp_path / "sub")
    assert build["content"][0]["content"]["text"] == "to stdout\nto stderr\n"
    assert (build["kind"], build["status"], build["rawOutput"]["exit_code"]) == (
        "execute",
        "completed",
        0,
    )
    path = str(tmp_path / "out/new.txt")
    assert (write["kind"], write["content"][0]["newText"]) == ("edit", "one\ntwo\n")
    assert "oldText" not in write["content"][0]
    diff = {"type": "diff", "path": path, "oldText": "one\ntwo\n", "newText": "one\nthree\n"}
    assert edit["content"] == [diff]
    assert edit["rawInput"] == {"path": path, "find": "two", "replace": "three"}
    assert [check["status"], rest["status"]] == ["completed", "completed"]
    assert session.spoken() == (
        "First line.\nSecond line.\ntick 1/3\ntick 2/3\ntick 3/3\n"
        "“Every kind” is at its end: 7 done.\n"
    )


def test_the_plan_and_each_call_go_through_their_states(session: PipedSession) -> None:
    session.work("title: T\nsteps:\n  - {name: A, run: 'true'}\n  - {name: B, run: 'true'}\n")

    stages = [[entry["status"] for entry in plan["entries"]] for plan in session.updates("plan")]
    assert stages == [
        ["pending", "pending"],
        ["in_progress", "pending"],
        ["completed", "pending"],
        ["completed", "in_progress"],
        ["completed", "completed"],
    ]
    assert [call["status"] for call in session.updates("tool_call")] == ["pending"] * 2
    changes = [update["status"] for update in session.updates("tool_call_update")]
    assert changes == ["in_progress", "completed"] * 2


def test_the_gated_deploy_example_works_from_its_file(
    session: PipedSession, tmp_path: Path
) -> None:
    shutil.copy(HERE / "gated_deploy.md", tmp_path / "gated deploy.md")
    (tmp_path / "version.txt").write_text("1.4\n")
    (tmp_path / "CHANGELOG").write_text("Unreleased\n- faster\n")

    turn = session.start("gated deploy.md")
    session.choose(session.question(1), "reject_once")
    live = session.question(2)
    assert not (tmp_path / "public").exists(), "a denied step must not touch anything"
    (tmp_path / "public").mkdir()
    session.choose(live, "allow_once")

    assert session.end_of(turn) == "end_turn"
    assert (tmp_path / "public/site.txt").read_text() == "release 1.4\n"
    assert (tmp_path / "CHANGELOG").read_text() == "1.4\n- faster\n"
    assert ("Announce (skipped)", "completed") in session.plan()
    assert "The build leaves its result in `build/`." in session.spoken()
    assert "cat build/site.txt" in session.spoken()


def test_a_failing_step_stops_the_runbook_and_continue_tries_it_again(
    session: PipedSession, tmp_path: Path
) -> None:
    text = (
        "title: T\nsteps:\n"
        "  - {name: First, run: echo once >> log}\n"
        "  - {name: Gate, check: test -e ready}\n"
        "  - {name: Last, run: echo last >> log}\n"
    )
    assert session.work(text) == "end_turn"
    assert session.plan() == [
        ("First", "completed"),
        ("Gate (failed)", "pending"),
        ("Last", "pending"),
    ]
    assert "Stopped: step 2 “Gate” failed: exit code 1." in session.spoken()

    (tmp_path / "ready").touch()
    assert session.work("Continue.") == "end_turn"
    assert (tmp_path / "log").read_text() == "once\nlast\n"


def test_continue_on_error_goes_on_and_does_not_try_again(
    session: PipedSession, tmp_path: Path
) -> None:
    text = (
        "title: T\nsteps:\n"
        "  - {name: Shaky, run: echo try >> log; exit 3, continue_on_error: true}\n"
        "  - {name: Next, run: echo next >> log}\n"
    )
    session.work(text)
    session.work("continue")
    assert (tmp_path / "log").read_text() == "try\nnext\n"
    assert session.spoken().count("1 done, 1 failed") == 2


def test_a_command_over_its_time_is_ended_with_its_children(
    session: PipedSession, tmp_path: Path
) -> None:
    text = (
        "title: T\nsteps:\n  - {name: Slow, run: 'sleep 300 & echo $! > child; wait', timeout: 3}\n"
    )
    session.work(text)
    (call,) = session.calls()
    assert call["status"] == "failed"
    assert call["rawOutput"]["timed_out"] is True
    child = int((tmp_path / "child").read_text())
    eventually(lambda: not _lives(child), what="the child's end")


def test_a_command_that_leaves_something_in_the_background_is_not_waited_for(
    session: PipedSession, tmp_path: Path
) -> None:
    session.work("title: T\nsteps:\n  - {name: A, run: 'sleep 300 & echo $! > child; echo ok'}\n")
    child = int((tmp_path / "child").read_text())
    try:
        (call,) = session.calls()
        assert call["content"][0]["content"]["text"] == "ok\n"
        assert _lives(child)
    finally:
        os.kill(child, signal.SIGKILL)


def test_long_output_is_cut_in_the_middle(session: PipedSession) -> None:
    session.work(
        "title: T\nsteps:\n  - name: A\n    run: |\n"
        "      echo begin; head -c 1000000 /dev/zero | tr '\\0' x; echo; echo end\n"
    )
    (call,) = session.calls()
    output = call["content"][0]["content"]["text"]
    assert output.startswith("begin\nxxx") and output.endswith("xxx\nend\n")
    assert "bytes left out" in output
    assert len(output) < 201 * 1024
    assert call["rawOutput"] == {"exit_code": 0, "output_bytes": 1_000_011, "truncated": True}


@pytest.mark.parametrize(
    "step",
    [
        "write: {path: ../out.txt, content: x}",
        "write: {path: /etc/out.txt, content: x}",
        "write: {path: link/out.txt, content: x}",
        "edit: {path: ../secret, find: a, replace: b}",
        "run: touch here\n    cwd: ..",
    ],
)
def test_a_step_that_leads_outside_fails_before_anything(
    agent: AgentPipe, tmp_path: Path, step: str
) -> None:
    inner, outer = tmp_path / "inner", tmp_path / "outer"
    inner.mkdir()
    outer.mkdir()
    (tmp_path / "secret").write_text("a")
    (inner / "link").symlink_to(outer)
    session = agent.session(inner)

    session.work(f"title: T\nsteps:\n  - name: Out\n    {step}\n    ask: true\n")

    (call,) = session.calls()
    assert call["status"] == "failed"
    assert "leads outside" in call["content"][0]["content"]["text"]
    assert session.question_count() == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["inner", "link", "outer", "secret"]
    assert (tmp_path / "secret").read_text() == "a"


@pytest.mark.parametrize(("text", "reason"), [("b", "is not in"), ("aa a", "is 3 times in")])
def test_an_edit_wants_its_text_exactly_once(
    session: PipedSession, tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "f").write_text(text)
    session.work("title: T\nsteps:\n  - {name: E, edit: {path: f, find: a, replace: c}}\n")
    (call,) = session.calls()
    assert reason in call["content"][0]["content"]["text"]
    assert (tmp_path / "f").read_text() == text


def test_a_written_file_keeps_its_mode(session: PipedSession, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("old")
    (tmp_path / "tool").chmod(0o751)
    session.work("title: T\nsteps:\n  - {name: W, write: {path: tool, content: new}}\n")
    assert (tmp_path / "tool").read_text() == "new"
    assert (tmp_path / "tool").stat().st_mode & 0o777 == 0o751


def test_a_fifo_in_place_of_a_file_fails_and_does_not_hang(
    session: PipedSession, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    session.work("title: T\nsteps:\n  - {name: W, write: {path: pipe, content: new}}\n")
    (call,) = session.calls()
    assert "not a regular file" in json.dumps(call)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
