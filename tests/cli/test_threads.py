"""The commands about sessions as threads and about queues, against a real supervisor (C1, A1)."""

import asyncio
import json
import os
import pty
import subprocess
import sys
from typing import Any

from tests.support.deckhouse import Deckhouse


def run(house: Deckhouse, *arguments: str) -> tuple[int, Any]:
    """Run qd with --json and return its exit code and what it printed, or its error."""
    done = subprocess.run(
        [sys.executable, "-m", "quarterdeck", *arguments, "--json"],
        env=house.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        return done.returncode, json.loads(done.stderr.splitlines()[-1])["error"]
    return 0, json.loads(done.stdout)


def value(house: Deckhouse, *arguments: str) -> Any:
    code, told = run(house, *arguments)
    assert code == 0, told
    return told


async def test_c1_a_threads_life_on_the_command_line(deckhouse: Deckhouse) -> None:
    await asyncio.to_thread(_life, deckhouse)


def _life(house: Deckhouse) -> None:
    new = ("new", "--agent", "scripted", "--cwd", str(house.project), "say hello")
    session_id = value(house, *new)["session_id"]
    value(house, "wait", session_id, "--until", "idle", "--timeout", "30")
    assert value(house, "rename", session_id, "a title")["title"] == "a title"
    code, error = run(house, "rename", session_id, "x" * 201)
    assert (code, error["code"]) == (2, "invalid_params")
    assert value(house, "pin", session_id)["pinned"] is True
    assert value(house, "mark-all-read")["marked"] == 1
    assert [s["session_id"] for s in value(house, "ls")] == [session_id]
    value(house, "unpin", session_id)
    assert value(house, "ls") == []
    value(house, "mark-unread", session_id)
    assert value(house, "ls")[0]["attention"] == "unread"
    value(house, "checkpoint", session_id, "here")
    names = {point["name"] for point in value(house, "checkpoints", session_id)}
    assert names == {"here", "latest"}
    fork = value(house, "fork", session_id, "--checkpoint", "here", "say more")
    value(house, "wait", fork["session_id"], "--until", "idle", "--timeout", "30")
    value(house, "checkpoint", session_id, "here", "--delete")
    code, error = run(house, "fork", session_id, "--checkpoint", "here")
    assert (code, error["code"]) == (5, "unknown_checkpoint")
    assert value(house, "projects")[0]["sessions"] == 2
    value(house, "archive", fork["session_id"])
    assert [s["session_id"] for s in value(house, "ls", "--archived")] == [fork["session_id"]]
    value(house, "unarchive", fork["session_id"])
    code, error = run(house, "delete", session_id)
    assert (code, error["code"]) == (1, "session_live")
    value(house, "close", session_id)
    value(house, "wait", session_id, "--until", "closed", "--timeout", "30")
    value(house, "delete", session_id)
    assert [s["session_id"] for s in value(house, "ls", "--deleted")] == [session_id]
    code, error = run(house, "send", session_id, "say x")
    assert (code, error["code"]) == (1, "session_deleted")
    value(house, "restore", session_id)
    assert {s["session_id"] for s in value(house, "ls", "--project", str(house.project))} == {
        session_id,
        fork["session_id"],
    }
    code, error = run(house, "ls", "--archived", "--deleted")
    assert (code, error["code"]) == (2, "invalid_params")
    _asks_before_it_deletes(house, session_id)


def _asks_before_it_deletes(house: Deckhouse, session_id: str) -> None:
    """On a terminal `qd delete` asks; anything but yes leaves everything as it is."""
    for answer, deleted in (("n\n", False), ("y\n", True)):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "quarterdeck", "delete", session_id],
            env=house.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        seen = b""
        while b"Delete it?" not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, answer.encode())
        try:
            while os.read(ours, 4096):
                pass
        except OSError:
            pass
        process.wait(60)
        os.close(ours)
        assert b"a title" in seen
        assert (process.returncode == 0) is deleted
        assert bool(value(house, "show", session_id)["deleted_at"]) is deleted


async def test_a1_a_queue_on_the_command_line(deckhouse: Deckhouse) -> None:
    deckhouse.configure(SCRIPTED_MODELS="1")
    await asyncio.to_thread(_queue, deckhouse)


def _queue(house: Deckhouse) -> None:
    new = ("new", "--agent", "scripted", "--cwd", str(house.project), "wait go")
    session_id = value(house, *new)["session_id"]
    value(house, "wait", session_id, "--until", "running", "--timeout", "30")
    one, two = (value(house, "send", session_id, f"say {n}")["command_id"] for n in (1, 2))
    value(house, "move", two, "--before", one)
    value(house, "edit", one, "say ONE")
    assert [c["text"] for c in value(house, "queue", session_id)] == ["say 2", "say ONE"]
    assert value(house, "unqueue", two)["state"] == "cancelled"
    assert value(house, "set-mode", session_id, "plan")["kind"] == "set_mode"
    assert value(house, "set-model", session_id, "large")["kind"] == "set_model"
    code, error = run(house, "send", session_id, "say x", "--agent", "runbook")
    assert (code, error["code"]) == (2, "agent_mismatch")
    assert value(house, "send", session_id, "say now", "--interrupt")["kind"] == "steer"
    value(house, "wait", session_id, "--until", "idle", "--timeout", "30")
    assert house.prompts() == ["wait go", "say now", "say ONE"]
    run_ = value(house, "cancel", session_id, "--run", "--reason", "enough")
    assert (run_["state"], run_["reason"]) == ("cancelled", "enough")
    code, error = run(house, "cancel", session_id, "--reason", "enough")
    assert (code, error["code"]) == (2, "invalid_params")
    code, error = run(house, "edit", two[-8:] + "zz", "say x")
    assert (code, error["code"]) == (5, "unknown_command")
