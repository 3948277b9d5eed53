"""What a keeper costs, what it bounds, and that a full disk loses nothing (rules 6, 8, 12)."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quarterdeck.agents import holding
from tests.agents.held_agent import ECHO, HeldAgent, state_of, status_number
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

COUNT = "import sys\nfor n in range(2000):\n    print(f'{n:>500}')\nsys.exit(5)\n"
COUNTED = b"".join(b"%500d\n" % n for n in range(2000))


@pytest.fixture
def held(tmp_path):
    agent = HeldAgent(tmp_path)
    yield agent
    agent.end()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 512 KiB, which grows by remounting it."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def enlarge(disk: Path) -> None:
    grow = ["mount", "-o", "remount,size=16m", str(disk)]
    subprocess.run(grow, check=True, capture_output=True)


async def test_a_full_disk_holds_the_agent_up_and_loses_nothing(small_disk):
    """The agent blocks, then goes on; status and journal are whole in the end."""
    held = HeldAgent(small_disk)
    try:
        await held.start(COUNT)
        eventually(lambda: os.statvfs(small_disk).f_bavail == 0, what="a full disk")
        eventually(lambda: state_of(held.info.agent.pid) == "S", what="a blocked agent")
        assert holding.read_exit(held.run_dir) is None
        assert len(held.said()) < len(COUNTED)
        enlarge(small_disk)
        assert held.wait_exit().code == 5
        assert held.said() == COUNTED
    finally:
        held.end()


async def test_an_agent_that_ends_on_a_full_disk_keeps_its_last_words(held):
    """The exit status waits for the journal. A limit on file sizes stands in for the disk."""
    await held.start("import sys\nsys.stdin.readline()\nprint('w' * 20000)\nsys.exit(5)\n")
    hard = resource.prlimit(held.info.keeper.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(held.info.keeper.pid, resource.RLIMIT_FSIZE, (4096, hard))
    held.send(b"go\n")
    eventually(lambda: state_of(held.info.agent.pid) == "", what="the agent's end")
    eventually(lambda: len(held.said()) == 4096, what="what there is room for")
    assert holding.read_exit(held.run_dir) is None
    resource.prlimit(held.info.keeper.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert held.wait_exit().code == 5
    assert held.said() == b"w" * 20000 + b"\n"


async def test_a_keeper_is_small(held):
    """At most 12 MB resident, after it has relayed a megabyte."""
    await held.start(ECHO)
    for _ in range(20):
        held.send(b"m" * 50_000 + b"\n")
    held.wait_said(20)
    assert status_number(held.info.keeper.pid, "VmRSS") <= 12 * 1000
    assert status_number(held.info.keeper.pid, "Threads") == 1


async def test_an_idle_keeper_never_wakes(held):
    """No timer runs while nothing happens, and a pipe that could be written wakes nobody."""
    await held.start(ECHO)
    held.send(b"long enough to fill a pipe" * 10_000 + b"\n")
    held.wait_said(1)
    keeper = held.info.keeper.pid
    names = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")

    def switches() -> list[int]:
        return [status_number(keeper, name) for name in names]

    def unchanged_for(seconds: float) -> bool:
        before = switches()
        time.sleep(seconds)
        return switches() == before

    # Whatever woke it again and again would do so within this, after the start as well.
    eventually(lambda: unchanged_for(1.2), what="the start to be over, and nothing after it")


async def test_stderr_is_bounded_and_its_end_is_kept(held):
    """Two files of 64 KiB in turn, however much an agent complains."""
    await held.start("import sys\nfor n in range(20000):\n    print(f'{n:>50}', file=sys.stderr)\n")
    held.wait_exit()
    said = b"".join(b"%50d\n" % n for n in range(20000))
    kept = [held.run_dir.path / name for name in ("err.0", "err.1")]
    assert all(path.stat().st_size <= 64 * 1024 for path in kept)
    assert holding.read_stderr(held.run_dir, 64 * 1024) == said[-64 * 1024 :]
    assert holding.read_stderr(held.run_dir, 100) == said[-100:]
    assert held.said() == b""


async def test_a_terminal_keeps_its_last_output_and_has_no_stdin(held):
    """stdout and stderr in the order they were written, bounded, with an exit status."""
    code = """
import os, sys
assert sys.stdin.read() == ""
for n in range(20000):
    os.write(1 + n % 2, b"%20d\\n" % n)
sys.exit(9)
"""
    await held.start(code, mode="terminal", output_bytes=100_000)
    assert held.wait_exit().code == 9
    said = b"".join(b"%20d\n" % n for n in range(20000))
    assert holding.read_output(held.run_dir, 100_000) == (said[-100_000:], True)
    kept = sum((held.run_dir.path / name).stat().st_size for name in ("out.0", "out.1"))
    assert kept <= 200_000
    assert not held.run_dir.journal.exists()
    assert not (held.run_dir.path / "in.offset").exists()


async def test_a_short_terminal_output_is_whole(held):
    await held.start(["sh", "-c", "echo out; echo err >&2"], mode="terminal")
    held.wait_exit()
    assert holding.read_output(held.run_dir, 1000) == (b"out\nerr\n", False)


async def test_a_terminal_is_stopped_with_all_it_started(held):
    await held.start(["sh", "-c", "setsid sleep 1000 & echo $!; wait"], mode="terminal")
    eventually(lambda: holding.read_output(held.run_dir, 100)[0].endswith(b"\n"))
    child = int(holding.read_output(held.run_dir, 100)[0])
    holding.request_stop(held.run_dir, 0, 0)
    assert held.wait_exit().reason == "stopped"
    assert not Path(f"/proc/{child}").exists()
