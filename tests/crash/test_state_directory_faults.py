"""State directories that are missing, not ours, not writable, too open or on a network."""

import asyncio
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quarterdeck.agents import process
from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.file_systems import file_system, is_network
from tests.support.deckhouse import Deckhouse, said, session_in, whole_trace
from tests.support.waiting import eventually

NOBODY = 65534
ROOT = os.geteuid() == 0


def start_as(house: Deckhouse, *before: str, **more: object) -> "subprocess.CompletedProcess[str]":
    """Run a supervisor in the foreground until it gives up."""
    return subprocess.run(
        [*before, sys.executable, "-P", "-m", "quarterdeck.supervisor"],
        env=house.environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
        **more,  # pyright: ignore[reportArgumentType, reportCallIssue]
    )


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what a refused supervisor said: a reason and a remedy, in words."""
    assert done.returncode == 6, done
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) >= 2, done.stderr
    return done.stderr


def test_a_state_directory_of_somebody_else_is_refused_untouched(deckhouse: Deckhouse) -> None:
    """DESIGN §4: nothing is written into it and nothing changed about it."""
    if not ROOT:
        pytest.skip("only root can give a directory away")
    state = deckhouse.places.state
    state.mkdir(mode=0o700)
    os.chown(state, NOBODY, NOBODY)
    assert f"belongs to user {NOBODY}" in refusal(start_as(deckhouse))
    assert list(state.iterdir()) == []
    assert state.stat().st_uid == NOBODY


def test_a_state_directory_without_the_right_to_write_is_refused(deckhouse: Deckhouse) -> None:
    """The reason and the remedy are told, and nothing is changed."""
    state = deckhouse.places.state
    state.mkdir(mode=0o500)
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if ROOT else []
    if bound and shutil.which("setpriv") is None:
        pytest.skip("root writes everywhere, and there is no setpriv to take that away")
    assert str(state) in refusal(start_as(deckhouse, *bound))
    assert list(state.iterdir()) == []


def test_a_state_directory_on_a_read_only_file_system_is_refused(deckhouse: Deckhouse) -> None:
    """A store that is there already is left as it is."""
    state = deckhouse.places.state
    state.mkdir(mode=0o700)
    script = f'mount -t tmpfs -o ro,mode=700 none {shlex.quote(str(state))} && exec "$@"'
    laid = ["unshare", "-m", "sh", "-c", script, "sh"]
    if not ROOT or subprocess.run([*laid, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount")
    assert "Read-only file system" in refusal(start_as(deckhouse, *laid))


@pytest.mark.parametrize("mode", [0o777, 0o755, 0o1777])
async def test_a_state_directory_open_to_others_is_closed_to_them(
    deckhouse: Deckhouse, mode: int
) -> None:
    """It is ours, so it is tightened to 0700 and used; what is made in it is 0600 or 0700."""
    state = deckhouse.places.state
    state.mkdir()
    state.chmod(mode)
    deck = await deckhouse.deck()
    await deckhouse.new(deck, "say hello", wait=True)
    for path in [state, *state.rglob("*")]:
        open_to_others = stat.S_IMODE(path.lstat().st_mode) & 0o077
        assert not open_to_others, f"{path} is {stat.S_IMODE(path.lstat().st_mode):o}"


@pytest.mark.parametrize("what", ["symlink", "dangling symlink", "directory", "fifo"])
def test_a_lock_that_is_no_file_is_refused(deckhouse: Deckhouse, tmp_path: Path, what: str) -> None:
    """D1: whoever follows such a lock would hold another one than the next supervisor."""
    deckhouse.places.state.mkdir(mode=0o700)
    lock, aim = deckhouse.places.lock, tmp_path / "aim"
    if what == "symlink":
        aim.write_text("mine")
    if "symlink" in what:
        lock.symlink_to(aim)
    elif what == "directory":
        lock.mkdir()
    else:
        os.mkfifo(lock)
    assert str(lock) in refusal(start_as(deckhouse))
    assert not aim.exists() or aim.read_text() == "mine"
    assert not deckhouse.places.database.exists()


async def test_a_client_says_why_no_supervisor_comes_up(deckhouse: Deckhouse) -> None:
    """A16: `cannot_start` with what the supervisor said, not a time-out."""
    deckhouse.places.state.mkdir(mode=0o700)
    deckhouse.places.lock.mkdir()
    with pytest.raises(QuarterdeckError) as caught:
        await deckhouse.deck()
    assert caught.value.code == "cannot_start"
    assert "lock" in caught.value.message


def test_network_file_systems_are_known_from_local_ones(tmp_path: Path) -> None:
    assert all(map(is_network, ["nfs", "nfs4", "cifs", "fuse.sshfs", "smb3"]))
    assert not any(map(is_network, ["ext4", "xfs", "tmpfs", "overlay", "btrfs", "fuse", ""]))
    assert not is_network(file_system(tmp_path))


def test_a_state_directory_on_nfs_is_refused(deckhouse: Deckhouse, tmp_path: Path) -> None:
    """Made by laying a mount table over the kernel's that says NFS where the directory lies."""
    if not ROOT or shutil.which("unshare") is None:
        pytest.skip("needs unshare and the right to mount")
    state = deckhouse.places.state
    state.mkdir(mode=0o700)
    table = tmp_path / "mounts"
    table.write_text(f"rootfs / ext4 rw 0 0\nbox:/export {state} nfs4 rw 0 0\n")
    script = 'mount --bind "$1" /proc/$$/mounts && shift && exec "$@"'
    laid = ["unshare", "-m", "sh", "-c", script, "sh", str(table)]
    if subprocess.run([*laid, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel does not let a file of /proc be laid over")
    assert "network file system (nfs4)" in refusal(start_as(deckhouse, *laid))
    assert list(state.iterdir()) == []


async def test_a_state_directory_removed_while_stopped_is_made_anew(deckhouse: Deckhouse) -> None:
    """What was in it is gone by a person's hand; agents left over from it are nobody's."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    await deckhouse.end_supervisor()
    shutil.rmtree(deckhouse.places.state)
    deck = await deckhouse.deck()
    assert await deck.sessions(state="all") == ([], None)
    ids = await deckhouse.new(deck, "say again", wait=True)
    await session_in(deck, ids["session_id"], "idle")


async def test_a_state_directory_removed_while_running_ends_the_supervisor(
    deckhouse: Deckhouse,
) -> None:
    """It says so and goes with its agents, so that the next client gets a sound deck."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "hang", wait=True)
    await session_in(deck, ids["session_id"], "running")
    supervisor = deck.hello["pid"]
    info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
    assert info is not None
    shutil.rmtree(deckhouse.places.state)
    await asyncio.wait_for(deck.wait_closed(), 60)
    eventually(lambda: process.identify(supervisor) is None, what="the supervisor's end")
    eventually(lambda: not process.is_alive(info.agent), what="the agent's end")
    assert process.survivors(ids["run_id"]) == []
    deck = await deckhouse.deck()
    assert deck.hello["pid"] != supervisor
    ids = await deckhouse.new(deck, "say again", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    assert said(await whole_trace(deck, ids["session_id"])) == "again"
