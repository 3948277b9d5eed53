"""A keeper pauses what nobody reads and ends what exceeds a limit, with no supervisor there."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from quarterdeck.agents import holding, process
from tests.agents.held_agent import ECHO, NAP, HeldAgent, state_of, status_number
from tests.support.waiting import eventually, eventually_async

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

MIB = 1024 * 1024
ALL = 1 << 40
FLOOD = """
import os, subprocess, sys
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
sys.stderr.write(f"{child.pid}\\n")
sys.stderr.flush()
out = open(1, "wb")  # it goes on with what a signal cut short
for n in range(%d):
    out.write(b"%%9d %%s\\n" %% (n, b"f" * 9989))
"""
FORKS = """
import os, time
for _ in range(30):
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
time.sleep(1000)
"""


@pytest.fixture
def held(tmp_path):
    agent = HeldAgent(tmp_path)
    yield agent
    agent.end()


async def start(held: HeldAgent, program: str, **limits) -> None:
    spec = held.spec(program)
    held._info = await holding.spawn(  # pyright: ignore[reportPrivateUsage]
        held.run_dir, holding.KeeperSpec(**{**vars(spec), **limits})
    )


def stopped(pid: int) -> bool:
    return state_of(pid) == "T"


async def test_a_journal_that_runs_ahead_stops_the_whole_tree_until_it_is_read(held):
    """Nothing is lost, at most one read more than allowed is written, and all goes on after."""
    lines = 600
    await start(held, FLOOD % lines, journal_ahead=MIB)
    eventually(lambda: holding.is_held_back(held.run_dir), what="the pause")
    child = int(holding.read_stderr(held.run_dir).split()[0])
    agent = held.info.agent.pid
    eventually(lambda: stopped(agent) and stopped(child), what="both stopped")
    size = held.run_dir.journal.stat().st_size
    assert MIB < size <= MIB + 64 * 1024
    assert holding.read_held_back(held.run_dir) == {"journal": size, "read": 0, "limit": MIB}
    assert holding.tell_read(held.run_dir, size // 4), "more than half is unread"
    assert stopped(agent)

    async def whole() -> bool:
        now = held.run_dir.journal.stat().st_size
        holding.tell_read(held.run_dir, now)
        await asyncio.sleep(0)
        return holding.read_exit(held.run_dir) is not None

    await eventually_async(whole)
    assert [int(line[:9]) for line in held.said().splitlines()] == list(range(lines))
    assert not holding.is_held_back(held.run_dir)


async def test_a_paused_agent_can_be_ended(held):
    """A stop lets it go on first, so that it hears of it; nothing stays behind stopped."""
    await start(held, FLOOD % 10_000, journal_ahead=MIB)
    eventually(lambda: holding.is_held_back(held.run_dir), what="the pause")
    holding.request_stop(held.run_dir, 0, 0)
    assert held.wait_exit().reason == "stopped"
    assert process.survivors(held.run_id) == []
    assert not holding.is_held_back(held.run_dir)


async def test_its_terminals_are_paused_and_go_on_with_it(held, tmp_path):
    """They have keepers of their own, which the agent's keeper tells."""
    terminal = holding.RunDirectory(held.run_dir.path / "terminals" / "term_1")
    terminal.create()
    spec = holding.KeeperSpec(
        ["sleep", "1000"],
        Path("/"),
        {"PATH": "/usr/bin:/bin"},
        held.run_id,
        held.bell.path,
        mode="terminal",
    )
    info = await holding.spawn(terminal, spec)
    await start(held, FLOOD % 300, journal_ahead=MIB)
    eventually(lambda: stopped(info.agent.pid), what="the terminal stopped")
    assert holding.tell_read(held.run_dir, ALL)
    eventually(lambda: not stopped(info.agent.pid), what="the terminal going on")


async def test_a_pause_that_was_asked_for_outlasts_the_reading(held):
    """Two reasons to stop: the tree goes on when both are gone."""
    await start(held, FLOOD % 300, journal_ahead=MIB)
    eventually(lambda: holding.is_held_back(held.run_dir), what="the pause")
    agent = held.info.agent.pid
    holding.pause(held.run_dir)
    assert holding.tell_read(held.run_dir, ALL)
    eventually(lambda: not holding.is_held_back(held.run_dir), what="the journal read")
    assert stopped(agent)
    holding.resume(held.run_dir)
    eventually(lambda: not stopped(agent), what="the agent going on")


async def test_too_many_processes_end_the_run(held):
    """However they detached; the reason names the limit and what was measured."""
    await start(held, FORKS, processes=10)
    status = held.wait_exit()
    assert status.reason == "limit"
    assert status.detail.startswith("the limit processes is 10, and there were ")
    assert int(status.detail.split()[-1]) > 10
    assert process.survivors(held.run_id) == []


async def test_too_much_memory_ends_the_run(held):
    """What counts is memory of its own, over the whole tree."""
    fat = "import time\nkept = [b'1' * 1_000_000 for _ in range(100)]\ntime.sleep(1000)\n"
    await start(held, fat, memory=50 * MIB)
    status = held.wait_exit()
    assert status.reason == "limit"
    assert status.detail.startswith("the limit memory is 50.0 MiB, and 1 process used ")
    assert float(status.detail.split()[-2]) > 50


async def test_a_run_that_takes_too_long_is_ended(held):
    """It is asked first, as for any stop: this one ends at the end of its stdin."""
    await start(held, "import sys\nsys.stdin.read()\nprint('bye', flush=True)\n", run_seconds=1)
    status = held.wait_exit()
    assert (status.reason, status.code) == ("limit", 0)
    assert status.detail == "the limit run_time is 1 s, and it ran for 1 s"
    assert held.said() == b"bye\n"


async def test_terminals_count_toward_the_limits_of_the_run(held):
    """The agent alone is within them."""
    terminal = holding.RunDirectory(held.run_dir.path / "terminals" / "term_1")
    terminal.create()
    many = "sleep 1000 & " * 6 + "wait"
    spec = holding.KeeperSpec(
        ["sh", "-c", many],
        Path("/"),
        {"PATH": "/usr/bin:/bin"},
        held.run_id,
        held.bell.path,
        mode="terminal",
    )
    info = await holding.spawn(terminal, spec)
    await start(held, NAP, processes=5)
    assert held.wait_exit().reason == "limit"
    eventually(lambda: not process.is_alive(info.agent), what="the terminal's end")


async def test_what_stays_within_its_limits_is_left_alone(held):
    """The keeper stays small though it looks again and again."""
    await start(held, ECHO, memory=500 * MIB, processes=5, run_seconds=1000)
    keeper = held.info.keeper.pid
    before = status_number(keeper, "voluntary_ctxt_switches")
    eventually(
        lambda: status_number(keeper, "voluntary_ctxt_switches") >= before + 3, what="three looks"
    )
    held.send(b"still here\n")
    assert held.wait_said(1) == [b"still here"]
    assert status_number(keeper, "VmRSS") <= 12 * 1000
    os.kill(held.info.agent.pid, 0)
