"""The supervisor's side: starts that fail, the spool's rules, the bell (DESIGN §4)."""

import asyncio
import json
import os
import socket
import subprocess
import sys

import pytest

from quarterdeck.agents import holding, keeper_files, process
from quarterdeck.agents.holding import (
    Bell,
    JournalShorter,
    RunDirectory,
    SpawnFailed,
    Spool,
    SpoolDamaged,
)
from tests.agents.held_agent import ECHO, NAP, HeldAgent
from tests.support.waiting import eventually


@pytest.fixture
def held(tmp_path):
    agent = HeldAgent(tmp_path)
    yield agent
    agent.end()


@pytest.fixture
def spool(tmp_path):
    run_dir = RunDirectory(tmp_path / "run")
    run_dir.create()
    return Spool(run_dir)


async def test_a_program_that_is_not_there_is_reported(held):
    with pytest.raises(SpawnFailed, match="'no-such-agent'") as caught:
        await held.start(["no-such-agent"])
    assert caught.value.errno == "ENOENT"
    assert process.survivors(held.run_id) == []
    assert holding.read_keeper(held.run_dir) is None


async def test_a_program_that_may_not_be_executed_is_reported(held, tmp_path):
    (tmp_path / "agent").write_text("#!/bin/sh\n")
    with pytest.raises(SpawnFailed) as caught:
        await held.start([str(tmp_path / "agent")])
    assert caught.value.errno == "EACCES"
    assert process.survivors(held.run_id) == []


async def test_a_directory_that_is_not_there_is_reported(held, tmp_path):
    with pytest.raises(SpawnFailed, match=r"directory '.*gone'") as caught:
        await held.start(["true"], cwd=tmp_path / "gone")
    assert caught.value.errno == "ENOENT"


async def test_an_impossible_environment_is_reported(held):
    with pytest.raises(SpawnFailed) as caught:
        await held.start(["true"], env={"A=B": "c"})
    assert caught.value.errno == "EINVAL"
    assert process.survivors(held.run_id) == []


async def test_a_start_that_failed_may_be_tried_again_in_place(held):
    with pytest.raises(SpawnFailed):
        await held.start(["no-such-agent"])
    await held.start(ECHO)
    held.send(b"now\n")
    assert held.wait_said(1) == [b"now"]


@pytest.mark.parametrize("cut", [0, 1, -1])
def test_a_spec_cut_short_starts_nothing(held, cut):
    """The supervisor died while it wrote the spec."""
    whole = held.spec(NAP).to_json(held.run_dir)
    command = [sys.executable, "-I", "-S", str(holding.KEEPER), str(held.run_dir.path)]
    done = subprocess.run(
        command,
        input=whole[:cut],
        capture_output=True,
        env={"QUARTERDECK_RUN": held.run_id},
        check=False,
    )
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"], answer["errno"]) == (1, False, "EINVAL")
    assert process.survivors(held.run_id) == []


@pytest.mark.parametrize("name", ["argv", "cwd", "env", "bell", "bell_id", "mode", "stop_grace_ms"])
def test_a_wrong_spec_is_named(held, name):
    spec = json.loads(held.spec(NAP).to_json(held.run_dir)) | {name: [0]}
    command = [sys.executable, "-I", "-S", str(holding.KEEPER), str(held.run_dir.path)]
    done = subprocess.run(
        command, input=json.dumps(spec).encode(), capture_output=True, check=False
    )
    assert name in json.loads(done.stdout)["error"]


async def test_a_run_has_one_keeper(held):
    """A second one is refused, and the first does not notice."""
    await held.start(ECHO)
    with pytest.raises(SpawnFailed) as caught:
        await holding.spawn(held.run_dir, held.spec(ECHO))
    assert caught.value.errno == "EEXIST"
    held.send(b"mine\n")
    assert held.wait_said(1) == [b"mine"]


async def test_a_cancelled_spawn_leaves_nothing_running(held):
    task = asyncio.create_task(holding.spawn(held.run_dir, held.spec(NAP)))
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    info = holding.read_info(held.run_dir)
    assert info is not None
    assert not process.is_alive(info.agent)
    assert process.survivors(held.run_id) == []


async def test_an_agent_is_known_by_its_directory(held):
    info = await held.start(NAP)
    assert holding.read_info(held.run_dir) == info
    assert holding.read_keeper(held.run_dir) == info.keeper
    assert process.is_alive(info.agent)
    assert holding.read_exit(held.run_dir) is None


async def test_a_long_state_directory_works(tmp_path):
    """Socket addresses hold 107 bytes; paths may be longer."""
    held = HeldAgent(tmp_path.joinpath(*["a-rather-long-name"] * 8))
    try:
        await held.start(ECHO)
        held.send(b"far away\n")
        assert held.wait_said(1) == [b"far away"]
        assert holding.request_stop(held.run_dir, 60_000, 60_000)
        assert held.wait_exit().code == 0
        eventually(lambda: held.run_id in held.bell.drain()[0])
    finally:
        held.end()


async def test_a_bell_far_from_the_run_is_found(tmp_path):
    """The way from the run's directory to the bell is too long for an address too."""
    held = HeldAgent(tmp_path)
    away = tmp_path.joinpath(*["another-long-name"] * 8)
    away.mkdir(parents=True)
    held.bell.close()
    held.bell = Bell(away / "bell")
    try:
        await held.start(NAP)
        eventually(lambda: held.run_id in held.bell.drain()[0])
    finally:
        held.end()


def test_a_run_directory_is_private_and_made_once(tmp_path):
    run_dir = RunDirectory(tmp_path / "runs" / "run_1")
    run_dir.create()
    assert run_dir.path.stat().st_mode & 0o777 == 0o700
    assert run_dir.spool.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        run_dir.create()


def test_nothing_is_known_of_a_run_that_never_started(tmp_path):
    run_dir = RunDirectory(tmp_path / "run_1")
    run_dir.create()
    assert holding.read_keeper(run_dir) is None
    assert holding.read_exit(run_dir) is None
    assert holding.forwarded_offset(run_dir) == 0
    assert holding.read_stderr(run_dir, 10) == b""
    assert holding.read_journal(run_dir.journal, 0, 10) == b""
    assert not holding.request_stop(run_dir)


def test_damaged_status_files_are_no_status(tmp_path):
    run_dir = RunDirectory(tmp_path / "run_1")
    run_dir.create()
    (run_dir.path / "keeper.json").write_text('{"pid": 1}')
    (run_dir.path / "exit.json").write_text("[]")
    assert holding.read_info(run_dir) is None
    assert holding.read_exit(run_dir) is None


def test_a_pair_that_turns_while_it_is_read_is_read_again(tmp_path, monkeypatch):
    """Else the same part would be shown twice, and the newest not at all."""
    run_dir = RunDirectory(tmp_path / "run_1")
    run_dir.create()
    current, previous = run_dir.path / "err.0", run_dir.path / "err.1"
    current.write_bytes(b"first ")
    read = keeper_files._read_with_inode

    def read_and_turn(path):
        result = read(path)
        if path == current and not previous.exists():
            current.rename(previous)
            current.write_bytes(b"second")
        return result

    monkeypatch.setattr(keeper_files, "_read_with_inode", read_and_turn)
    assert holding.read_stderr(run_dir, 100) == b"first second"


def test_a_journal_is_read_by_place(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"0123456789")
    assert holding.read_journal(path, 2, 3) == b"234"
    assert holding.read_journal(path, 10, 3) == b""


@pytest.mark.parametrize("exists", [True, False])
def test_a_journal_shorter_than_what_was_read_is_flagged(tmp_path, exists):
    """Rule 3: a loss of power; going back in the file would repeat events."""
    path = tmp_path / "out.jsonl"
    if exists:
        path.write_bytes(b"0123")
    with pytest.raises(JournalShorter) as caught:
        holding.read_journal(path, 5, 3)
    assert (caught.value.size, caught.value.offset) == (4 if exists else 0, 5)


def test_rows_are_appended_once_whatever_there_is_of_them(spool):
    """DESIGN §4: each cut of the file gives the same file again."""
    rows = [(0, b"one\n"), (4, b"two\n"), (8, b"three\n")]
    assert spool.append(rows) == rows
    whole = b"one\ntwo\nthree\n"
    path = spool._run_dir.spool
    for size in range(len(whole) + 1):
        os.truncate(path, size)
        spool.append(rows)
        assert path.read_bytes() == whole
    assert spool.append(rows) == []


def test_a_row_beyond_the_end_is_refused(spool):
    """The file lost what lay before it: a hole of zeros would reach the agent."""
    with pytest.raises(SpoolDamaged):
        spool.append([(4, b"two\n")])
    assert spool.size() == 0


def test_a_row_that_was_partly_forwarded_is_never_cut(spool):
    spool.append([(0, b"one\n")])
    os.truncate(spool._run_dir.spool, 3)
    (spool._run_dir.path / "in.offset").write_bytes(b"%020d\n" % 2)
    with pytest.raises(SpoolDamaged):
        spool.append([(0, b"one\n")])
    assert spool.size() == 3


@pytest.mark.parametrize("payload", [b"", b"no newline", b"two\nlines\n", b"\n\n"])
def test_only_single_lines_may_be_spooled(spool, payload):
    with pytest.raises(ValueError, match="one line"):
        spool.append([(0, payload)])
    assert spool.size() == 0


def test_a_bell_replaces_what_a_dead_supervisor_left(tmp_path):
    path = tmp_path / "bell"
    dead = Bell(path)
    bell = Bell(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as keeper:
        keeper.sendto(b"run_1", str(path))
    assert bell.drain() == ({"run_1"}, False)
    dead.close()
    assert path.exists()
    bell.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("rings", "flooded"), [(7, False), (8, True)])
def test_many_rings_at_once_mean_that_some_may_be_lost(tmp_path, rings, flooded):
    """Rule 4: eight or more, so look at every journal."""
    bell = Bell(tmp_path / "bell")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as keeper:
        for _ in range(rings):
            keeper.sendto(b"run_1", str(bell.path))
    assert bell.drain() == ({"run_1"}, flooded)
    assert bell.drain() == (set(), False)
    bell.close()
