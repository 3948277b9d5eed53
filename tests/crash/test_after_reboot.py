"""After a reboot every noted process is gone, whoever has its number now."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from quarterdeck.agents.holding import RunDirectory, read_info
from tests.support.deckhouse import Deckhouse, approval_of, said, session_in, whole_trace
from tests.support.waiting import eventually

OTHER_BOOT = "00000000-0000-4000-8000-000000000000"


class Innocent:
    """A process that has nothing to do with any run, and tells whether it was signalled."""

    def __enter__(self) -> "Innocent":
        script = "trap 'echo told; exit 1' TERM INT HUP USR1 CONT; echo up; read _; echo well"
        self._process = subprocess.Popen(
            ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout and self._process.stdout.readline() == "up\n"
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def start_time(self) -> int:
        return int(Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[19])

    def __exit__(self, *_: object) -> None:
        assert Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"
        out = self._process.communicate("go\n", timeout=20)[0]
        assert out == "well\n", "an innocent process was signalled"


async def put_down(house: Deckhouse, run_id: str) -> Path:
    """End supervisor and agent as the loss of power does; return the run's keeper.json."""
    info = read_info(RunDirectory(house.places.runs / run_id))
    assert info is not None
    house.kill_supervisor()
    # The agent first: a keeper that lived would still say how it ended.
    os.kill(info.keeper.pid, signal.SIGSTOP)
    for pid in (info.agent.pid, info.keeper.pid):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{info.keeper.pid}").exists())
    return house.places.runs / run_id / "keeper.json"


def rewrite(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_bytes()) | values))


async def test_a_pid_that_is_another_process_after_a_reboot_is_left_alone(
    deckhouse: Deckhouse,
) -> None:
    """D2, DESIGN §4: boot id, pid and start time; even the same pid and start time are no proof."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "count 5\nask touch it", wait=True)
    before = await approval_of(deck, ids["session_id"])
    noted = await put_down(deckhouse, ids["run_id"])
    with Innocent() as innocent:
        started = innocent.start_time()
        rewrite(
            noted,
            boot_id=OTHER_BOOT,
            pid=innocent.pid,
            start_time=started,
            agent_pid=innocent.pid,
            agent_start_time=started,
        )
        deckhouse.places.lock.write_text(f"{innocent.pid}\n")
        deck = await deckhouse.deck()
        view = await session_in(deck, ids["session_id"], "idle")
        assert view.run_id != ids["run_id"]
        report = (await deck.status())["recovery"]
        assert [line["session_id"] for line in report["resumed"]] == [ids["session_id"]]
        assert (await deck.approval(before.approval_id)).state == "orphaned"
        assert said(await whole_trace(deck, ids["session_id"])) == "#1 #2 #3 #4 #5 "
        await deckhouse.end_supervisor()


async def test_a_pid_used_again_in_the_same_boot_is_left_alone(deckhouse: Deckhouse) -> None:
    """Same boot, same number, another start: another process (keeper rule 10)."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    noted = await put_down(deckhouse, ids["run_id"])
    with Innocent() as innocent:
        rewrite(noted, pid=innocent.pid, agent_pid=innocent.pid)
        deck = await deckhouse.deck()
        await session_in(deck, ids["session_id"], "idle")
        await deck.close_session(ids["session_id"])
        await session_in(deck, ids["session_id"], "closed")
        await deckhouse.end_supervisor()


async def test_what_cannot_be_resumed_after_a_reboot_is_failed_with_the_reason(
    deckhouse: Deckhouse,
) -> None:
    """D3: within ten seconds a person knows what to decide on."""
    deckhouse.configure(SCRIPTED_NO_LOAD="1")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello\nhang", wait=True)
    noted = await put_down(deckhouse, ids["run_id"])
    with Innocent() as innocent:
        rewrite(noted, boot_id=OTHER_BOOT, pid=innocent.pid, agent_pid=innocent.pid)
        deck = await deckhouse.deck()
        view = await session_in(deck, ids["session_id"], "failed_needs_human", within=10)
        assert view.failure
        await deckhouse.end_supervisor()


async def test_stale_lock_and_sockets_of_a_dead_supervisor_are_no_hindrance(
    deckhouse: Deckhouse,
) -> None:
    """D1: files do not hold a lock; clients without the right to start one are told so."""
    deckhouse.places.runs.mkdir(parents=True, mode=0o700)
    deckhouse.places.lock.write_text("1\n")
    for path, kind in (
        (deckhouse.places.socket, socket.SOCK_STREAM),
        (deckhouse.places.bell, socket.SOCK_DGRAM),
    ):
        with socket.socket(socket.AF_UNIX, kind) as stale:
            stale.bind(str(path))
    out = await asyncio.to_thread(deckhouse.qd, "status", "--json")
    assert json.loads(out)["running"] is False
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
