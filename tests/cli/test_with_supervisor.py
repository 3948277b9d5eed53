"""The command line over a real supervisor and a real agent: started on demand, killed, ended."""

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Qd
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

RUNBOOK = """\
title: Ask once
steps:
  - name: Make a file
    run: printf done > made.txt
    ask: true
"""


@pytest.fixture
def real(qd: Qd) -> Iterator[Qd]:
    yield qd
    ended = qd("down", "--agents")
    assert ended.returncode == 0, ended.stderr


def test_from_the_first_prompt_to_the_end(real: Qd) -> None:
    """Every command of the contract once, each started on demand (DESIGN §11)."""
    made = real.json("new", "--agent", "runbook", "--title", "Ask once", RUNBOOK)
    assert made.keys() == {"session_id", "run_id", "command_id"}
    short = made["session_id"][-8:]
    waiting = real.json("wait", short, "--until", "waiting", "--timeout", "60")
    assert (waiting["session_id"], waiting["open_approvals"]) == (made["session_id"], 1)
    assert [row["state"] for row in real.json("ls", "--state", "waiting")] == ["waiting"]
    (open_one,) = real.json("approvals")
    assert real.error("approve", open_one["approval_id"], "--sha256", "0" * 64)[0] == 3
    decision = real.json("approve", open_one["approval_id"][-8:])
    assert (decision["state"], decision["run_id"]) == ("approved", made["run_id"])
    assert real.error("deny", open_one["approval_id"])[1]["code"] == "not_pending"
    assert real.json("wait", short, "--until", "idle", "--timeout", "60")["state"] == "idle"
    assert (real.home / "made.txt").read_text() == "done"
    events = [json.loads(line) for line in real("trace", short, "--json").stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {"approval.requested", "approval.decided"} <= {event["type"] for event in events}
    assert "turn ended: end_turn" in real("output", short).stdout
    assert real.json("mark-read", short)["session_id"] == made["session_id"]
    assert real.json("show", short)["attention"] == "read"
    assert real.json("close", short)["kind"] == "close"
    assert real.json("wait", short, "--until", "closed", "--timeout", "60")["state"] == "closed"
    assert real("trace", short, "--follow").returncode == 0


def test_wait_outlives_a_killed_supervisor(real: Qd) -> None:
    """One that was killed is started again by whoever waits, and nothing is lost."""
    made = real.json("new", "--agent", "runbook", RUNBOOK)
    session = made["session_id"]
    real.json("wait", session, "--until", "waiting", "--timeout", "60")
    process = real.start("wait", session, "--until", "idle", "--timeout", "90", "--json")
    first = real.json("status")["pid"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: real.json("status")["pid"] not in (None, first), within=60)
    (open_one,) = real.json("approvals")
    real.json("approve", open_one["approval_id"])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["state"] == "idle"


def test_up_in_the_foreground_beside_another_is_4(real: Qd) -> None:
    """D1."""
    real.json("up")
    assert real("up", "--foreground").returncode == 4
    assert real.json("status")["running"] is True


def test_down_and_at_once_up_again(real: Qd) -> None:
    """D5: the lock is free once `qd down` returned."""
    first = real.json("up")["pid"]
    assert real.json("down")["stopped"] is True
    assert not real.places.socket.exists()
    assert real.json("up")["pid"] != first


def test_a_store_of_a_newer_version_is_6_with_the_reason(qd: Qd) -> None:
    import sqlite3

    qd.places.state.mkdir(mode=0o700)
    with sqlite3.connect(qd.places.database) as db:
        db.execute("PRAGMA user_version = 9999")
        db.execute("CREATE TABLE t (x)")
    db.close()
    code, error = qd.error("up")
    assert (code, error["code"]) == (6, "cannot_start")
    assert "newer" in error["message"]
