"""Which process is which, and when it has ended (DESIGN §4, keeper rules 9 and 10)."""

import asyncio
import dataclasses
import os
import secrets
import subprocess
import sys

import pytest

from quarterdeck.agents import process
from quarterdeck.agents.process import ProcessIdentity, identify, is_alive
from tests.agents.held_agent import state_of
from tests.support.waiting import eventually

NAP = [sys.executable, "-I", "-S", "-c", "import time\ntime.sleep(1000)"]


@pytest.fixture
def sleeper():
    child = subprocess.Popen(NAP)
    yield child
    child.kill()
    child.wait()


def identity_of(pid: int) -> ProcessIdentity:
    identity = identify(pid)
    assert identity is not None
    return identity


def test_a_process_is_itself(sleeper):
    identity = identity_of(sleeper.pid)
    assert identity.pid == sleeper.pid
    assert identity == identify(sleeper.pid)
    assert is_alive(identity)


def test_a_pid_that_came_to_mean_another_is_dead(sleeper):
    identity = identity_of(sleeper.pid)
    assert not is_alive(dataclasses.replace(identity, start_time=identity.start_time - 100))


def test_a_process_of_another_boot_is_dead(sleeper):
    identity = identity_of(sleeper.pid)
    assert not is_alive(dataclasses.replace(identity, boot_id="another"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_zombie_is_dead(sleeper):
    """Signal 0 would still reach it."""
    identity = identity_of(sleeper.pid)
    sleeper.kill()
    eventually(lambda: state_of(sleeper.pid) == "Z")
    os.kill(sleeper.pid, 0)
    assert not is_alive(identity)
    assert identify(sleeper.pid) is None


def test_a_name_full_of_parentheses_confuses_nothing(tmp_path):
    program = tmp_path / "a) S 1 ("
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "1000"]) as child:
        identity = identity_of(child.pid)
        assert is_alive(identity)
        child.kill()
    assert not is_alive(identity)


async def test_the_end_of_a_process_is_awaited(sleeper):
    identity = identity_of(sleeper.pid)
    waiting = asyncio.create_task(process.wait_gone(identity))
    await asyncio.sleep(0)
    assert not waiting.done()
    sleeper.kill()
    await asyncio.wait_for(waiting, 60)
    await asyncio.wait_for(process.wait_gone(identity), 60)


async def test_without_pidfd_the_end_is_found_by_looking(sleeper, monkeypatch):
    """As on a system that has none, or when no descriptor is left."""
    monkeypatch.setattr(process, "_open_pidfd", lambda _: None)
    monkeypatch.setattr(process, "POLL_SECONDS", 0.01)
    identity = identity_of(sleeper.pid)
    waiting = asyncio.create_task(process.wait_gone(identity))
    await asyncio.sleep(0)
    sleeper.kill()
    await asyncio.wait_for(waiting, 60)


async def test_a_watch_given_up_says_nothing(sleeper):
    identity = identity_of(sleeper.pid)
    said = []
    second = asyncio.Event()
    stop = process.watch(identity, lambda: said.append("first"))
    process.watch(identity, second.set)
    stop()
    stop()
    sleeper.kill()
    await asyncio.wait_for(second.wait(), 60)
    await process.wait_gone(identity)
    assert said == []


def test_a_sweep_ends_what_carries_the_mark_and_what_descends_from_it(sleeper):
    """A descendant executed with an empty environment is found through its parent."""
    run_id = f"run_test_{secrets.token_hex(8)}"
    script = "env -i sleep 1000 & echo $!; wait"
    marked = subprocess.Popen(
        ["sh", "-c", script],
        env={"QUARTERDECK_RUN": run_id, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
    )
    assert marked.stdout is not None
    unmarked = int(marked.stdout.readline())
    eventually(lambda: process.survivors(run_id) == [marked.pid], what="env to be emptied")
    assert process.survivors(run_id[:-1]) == []
    assert process.sweep(run_id) == {marked.pid, unmarked}
    marked.wait()
    marked.stdout.close()
    eventually(lambda: identify(unmarked) is None)
    assert is_alive(identity_of(sleeper.pid))
    assert process.sweep(run_id) == set()


def test_survivors_are_told_by_run():
    ids = [f"run_test_{secrets.token_hex(8)}" for _ in range(2)]
    children = [
        subprocess.Popen(NAP, env={"A": "b", "QUARTERDECK_RUN": run_id, "C": "d"}) for run_id in ids
    ]
    try:
        expected = {run_id: [child.pid] for run_id, child in zip(ids, children, strict=True)}
        eventually(lambda: expected.items() <= process.survivors_by_run().items())
    finally:
        for child in children:
            child.kill()
            child.wait()
