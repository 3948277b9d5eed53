"""Reaching the supervisor and starting one (D1, issue: on demand, detached)."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from quarterdeck.client import link
from quarterdeck.model.errors import Exit, QuarterdeckError
from quarterdeck.model.places import Places
from tests.support.scripted_server import ScriptedServer

STUB = """\
import os, pathlib, socket, sys, time
state = pathlib.Path(os.environ["QUARTERDECK_STATE_DIR"])
with (state / "starts").open("a") as file:
    file.write(f"{os.getpid()} {os.getsid(0)} {os.getcwd()}\\n")
{then}
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "config")


@pytest.fixture
def supervisor_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a function that puts a program in the place of `python -m quarterdeck.supervisor`."""

    def put(then: str) -> None:
        program = tmp_path / "supervisor"
        program.write_text(f"#!{sys.executable}\n" + STUB.replace("{then}", then))
        program.chmod(0o755)
        monkeypatch.setattr(link.sys, "executable", str(program))

    return put


SERVE = """\
server = socket.socket(socket.AF_UNIX)
server.bind(str(state / "supervisor.sock"))
server.listen()
server.settimeout(20)
server.accept()
"""


def starts(places: Places) -> list[list[str]]:
    return [line.split() for line in (places.state / "starts").read_text().splitlines()]


async def test_without_leave_to_start_one_it_is_unreachable(places: Places) -> None:
    with pytest.raises(QuarterdeckError) as raised:
        await link.open_link(places, start=False)
    assert raised.value.code == "unreachable"
    assert not places.state.exists()


@pytest.mark.parametrize(
    "left",
    [b"", b"\n", b"-5\n", b"\xff\xfe", b"9" * 400, b"9" * 5000],
    ids=["empty", "blank", "negative", "garbled", "huge", "no number to Python"],
)
async def test_a_lock_file_that_names_nobody_is_no_supervisor(places: Places, left: bytes) -> None:
    """It is empty while a supervisor that has just taken it writes its pid, and torn ever after
    if that was killed then."""
    places.state.mkdir()
    places.lock.write_bytes(left)
    with pytest.raises(QuarterdeckError) as raised:
        await link.open_link(places, start=False)
    assert raised.value.code == "unreachable"


async def test_one_is_started_in_a_session_of_its_own(places: Places, supervisor_is) -> None:
    """It outlives the terminal it was started from."""
    supervisor_is(SERVE)
    _, writer = await link.open_link(places, start=True)
    writer.close()
    ((pid, sid, cwd),) = starts(places)
    assert pid == sid != str(os.getsid(0)) and cwd == "/"
    assert places.state.stat().st_mode & 0o777 == 0o700


async def test_one_that_cannot_start_is_reported_with_its_words(
    places: Places, supervisor_is
) -> None:
    supervisor_is("sys.exit('the disk is on fire')")
    with pytest.raises(QuarterdeckError, match="the disk is on fire") as raised:
        await link.open_link(places, start=True)
    assert raised.value.code == "cannot_start"
    assert raised.value.kind.exit == Exit.CANNOT_START
    assert len(starts(places)) == 1


async def test_one_that_is_going_down_is_followed_by_another(places: Places, supervisor_is) -> None:
    """The first start finds the lock still held (exit code 4) by one that will not serve again."""
    supervisor_is("if len((state / 'starts').read_text().splitlines()) == 1: sys.exit(4)\n" + SERVE)
    _, writer = await link.open_link(places, start=True)
    writer.close()
    assert len(starts(places)) == 2


async def test_a_state_directory_that_cannot_be_made_is_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(QuarterdeckError) as raised:
        await link.open_link(Places(tmp_path / "file", tmp_path), start=True)
    assert raised.value.code == "cannot_start"


async def test_a_socket_left_by_a_dead_supervisor_is_none(places: Places) -> None:
    server = ScriptedServer(places)
    await server.start()
    await server.stop(leave_socket=True)
    with pytest.raises(QuarterdeckError) as raised:
        await link.open_link(places, start=False)
    assert raised.value.code == "unreachable"


async def test_the_socket_is_reached_at_a_path_longer_than_the_kernel_takes(
    tmp_path: Path,
) -> None:
    places = Places(tmp_path / ("d" * 120), tmp_path)
    server = ScriptedServer(places)
    await server.start()
    _, writer = await asyncio.wait_for(link.open_link(places, start=False), 60)
    writer.close()
    await server.stop()
