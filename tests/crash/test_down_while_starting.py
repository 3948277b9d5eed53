"""`qd down` and `qd status` in the second in which a supervisor is just starting."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from quarterdeck.agents import process
from tests.support.deckhouse import Deckhouse
from tests.support.waiting import eventually


@pytest.fixture
def starting(deckhouse: Deckhouse):
    """A supervisor that was stopped as soon as it had the lock, before it had a socket."""
    started = deckhouse.start_supervisor(QUARTERDECK_FAILPOINT="stop:socket.bind.before:1")
    eventually(lambda: _state(started.pid) == "T")
    assert deckhouse.places.lock.read_text().strip() == str(started.pid)
    yield started
    started.kill()
    started.wait()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_down_waits_for_a_supervisor_that_is_just_starting(
    deckhouse: Deckhouse, starting: "subprocess.Popen[bytes]"
) -> None:
    """V6: it must not say that none runs and leave one behind."""
    asking = asyncio.create_task(asyncio.to_thread(deckhouse.qd, "down", "--json"))
    done, _ = await asyncio.wait([asking], timeout=1.5)
    assert not done, "it has not said anything while the other was on its way"
    starting.send_signal(signal.SIGCONT)
    assert json.loads(await asking)["stopped"] is True
    assert starting.wait(60) == 0


async def test_down_of_one_that_ends_during_its_start_says_that_none_runs(
    deckhouse: Deckhouse, starting: "subprocess.Popen[bytes]"
) -> None:
    asking = asyncio.create_task(asyncio.to_thread(deckhouse.qd, "down", "--json"))
    await asyncio.wait([asking], timeout=1.0)
    starting.kill()
    starting.wait()
    assert json.loads(await asking) == {"running": False, "stopped": False}


async def test_a_pid_left_in_the_lock_is_not_waited_for(deckhouse: Deckhouse) -> None:
    """The number may be anybody's by now, even another supervisor's that started later."""
    deckhouse.places.state.mkdir(mode=0o700)
    deckhouse.places.lock.write_text(f"{os.getpid()}\n")
    assert process.identify(os.getpid()) is not None
    out = await asyncio.to_thread(deckhouse.qd, "down", "--json")
    assert json.loads(out) == {"running": False, "stopped": False}
    assert not Path(deckhouse.places.socket).exists()
