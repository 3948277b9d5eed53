"""The keeper relays, outlives its supervisor, and ends the whole tree (keeper rules 1-9, D2)."""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from quarterdeck.agents import holding, process
from quarterdeck.agents.holding import Bell
from tests.agents.held_agent import ECHO, NAP, HeldAgent, state_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# Starts a process that left the session, was orphaned by a double fork, has no mark in its
# environment and ignores what can be ignored; then says its pid.
ESCAPE = """
import os, signal, sys
read_end, write_end = os.pipe()
os.set_inheritable(write_end, True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execve("/bin/sh", ["sh", "-c", "echo $$ >&%d; exec sleep 1000" % write_end], {})
    os._exit(0)
print(os.read(read_end, 100).decode().strip())
"""

UNTIL_EOF = "import sys\nprint('ready')\nsys.stdin.read()\nsys.exit(7)\n"

DEAF = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("told to end"))
print("ready")
while True:
    time.sleep(1000)
"""


@pytest.fixture
def held(tmp_path):
    agent = HeldAgent(tmp_path)
    yield agent
    agent.end()


async def test_every_byte_is_relayed_both_ways(held):
    """Lines of all sizes, beyond chunk and pipe, go through spool and journal unchanged."""
    await held.start(ECHO)
    dice = random.Random(4)
    sizes = [0, 1, 65_535, 70_000, *(dice.randrange(600) for _ in range(250))]
    lines = [json.dumps({"n": n, "text": dice.randbytes(s).hex()[:s]}) for n, s in enumerate(sizes)]
    rows = [line.encode() + b"\n" for line in lines]
    sent = b"".join(rows)
    assert len(sent) > 200_000
    for row in rows:
        held.send(row)
    eventually(lambda: len(held.said()) >= len(sent), what="all echoed")
    assert held.said() == sent
    assert holding.forwarded_offset(held.run_dir) == len(sent)
    assert held.spool.backlog() == 0


@pytest.mark.parametrize("cut", [4, 150_000])
async def test_an_unfinished_line_is_not_forwarded_and_appended_again_once(held, cut):
    """A crash in the middle of an append repeats nothing and skips nothing."""
    await held.start(ECHO)
    rows = [(0, b'{"n":1}\n'), (8, b'{"n":2,' + b'"' * 200_000 + b"}\n")]
    held.spool.append(rows[:1])
    with held.run_dir.spool.open("ab") as file:
        file.write(rows[1][1][:cut])
    holding.ring_spool(held.run_dir)
    held.wait_said(1)
    assert held.spool.append(rows) == rows[1:]
    assert held.spool.append(rows) == []
    holding.ring_spool(held.run_dir)
    held.wait_said(2)
    held.send(b"last\n")
    held.wait_said(3)
    assert held.said() == rows[0][1] + rows[1][1] + b"last\n"


async def test_what_was_spooled_before_the_start_is_forwarded(held):
    """No bell is needed for what lay in the spool already."""
    held.spool.append([(0, b"early\n")])
    await held.start(ECHO)
    assert held.wait_said(1) == [b"early"]


async def test_a_spool_cut_below_what_was_forwarded_ends_the_agent(held):
    """Bytes that the agent saw are gone from the file, so its places mean nothing any more."""
    await held.start(UNTIL_EOF)
    held.send(b"one\n")
    eventually(lambda: holding.forwarded_offset(held.run_dir) == 4)
    os.truncate(held.run_dir.spool, 0)
    holding.ring_spool(held.run_dir)
    status = held.wait_exit()
    assert (status.code, status.reason) == (7, "spool_damaged")


async def test_an_agent_that_closed_its_stdin_is_still_heard(held):
    """A broken pipe toward the agent is survived."""
    await held.start("import os\nos.close(0)\nprint('shut')\nimport time\ntime.sleep(1000)")
    held.wait_said(1)
    held.send(b"x" * 100 + b"\n")
    held.send(b"y\n")
    assert holding.request_stop(held.run_dir, 0, 0)
    assert held.wait_exit().reason == "stopped"
    assert held.said() == b"shut\n"


async def test_the_bell_rings_for_start_output_and_end(held):
    """Whoever sleeps on the bell alone misses nothing."""
    await held.start(ECHO)
    eventually(lambda: held.run_id in held.bell.drain()[0], what="the start")
    held.send(b"hello\n")
    held.wait_said(1)
    eventually(lambda: held.run_id in held.bell.drain()[0], what="the line")
    holding.request_stop(held.run_dir)
    held.wait_exit()
    assert held.bell.drain() == ({held.run_id}, False)


async def test_the_agent_outlives_the_supervisor_and_finds_the_new_bell(held):
    """D2: kill -9 of what started it; the next one reads on and is rung for."""
    code = f"""
import asyncio, os, signal
from pathlib import Path
from quarterdeck.agents.holding import KeeperSpec, RunDirectory, spawn
spec = KeeperSpec([{sys.executable!r}, "-I", "-S", "-c", {ECHO!r}], Path("/"), {{}},
                  {held.run_id!r}, Path({str(held.bell.path)!r}))
asyncio.run(spawn(RunDirectory(Path({str(held.run_dir.path)!r})), spec))
os.kill(0, signal.SIGKILL)
"""
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, start_new_session=True
    )
    assert await supervisor.wait() == -signal.SIGKILL
    info = holding.read_info(held.run_dir)
    assert info is not None
    assert process.is_alive(info.keeper)
    assert process.is_alive(info.agent)
    old = held.bell
    held.bell = Bell(old.path)
    held.send(b"still there\n")
    assert held.wait_said(1) == [b"still there"]
    eventually(lambda: held.run_id in held.bell.drain()[0], what="the new bell")
    old.close()
    assert held.bell.path.exists()


async def test_nobody_listening_disturbs_nothing(held):
    """The bell is only a hint: without a supervisor the relay goes on."""
    held.bell.close()
    await held.start(ECHO)
    held.send(b"unheard\n")
    assert held.wait_said(1) == [b"unheard"]


async def test_an_agent_that_obeys_the_end_of_its_stdin_has_its_own_exit_code(held):
    await held.start(UNTIL_EOF)
    held.wait_said(1)
    assert holding.request_stop(held.run_dir, 600_000, 600_000)
    status = held.wait_exit()
    assert (status.code, status.signal, status.reason) == (7, None, "stopped")
    assert not holding.request_stop(held.run_dir)
    assert not holding.ring_spool(held.run_dir)


async def test_what_was_spooled_is_said_before_a_stop_shuts_stdin(held):
    """A cancel that was spooled just before the stop still reaches the agent."""
    await held.start("import sys\nprint(repr(sys.stdin.read()))")
    held.spool.append([(0, b"cancel\n")])
    assert holding.request_stop(held.run_dir, 600_000, 600_000)
    assert held.wait_exit().code == 0
    assert held.said() == b"'cancel\\n'\n"


async def test_an_agent_that_ignores_sigterm_is_killed(held):
    await held.start(DEAF)
    held.wait_said(1)
    holding.request_stop(held.run_dir, 50, 600_000)
    assert held.wait_said(2)[1] == b"told to end"
    holding.request_stop(held.run_dir, 0, 0)
    status = held.wait_exit()
    assert (status.code, status.signal, status.reason) == (None, signal.SIGKILL, "stopped")


async def test_an_agent_that_closed_its_output_has_time_to_end_by_itself(held):
    """Many close it first and end then: that is an end as any other."""
    code = "import os, sys\nos.close(1)\nsys.stdin.read()\nos._exit(7)"
    await held.start(code, stop_grace_ms=600_000)
    eventually(lambda: not Path(f"/proc/{held.info.agent.pid}/fd/1").exists())
    held.send(b"still fed\n")
    eventually(lambda: holding.forwarded_offset(held.run_dir) == 10)
    assert holding.request_stop(held.run_dir, 600_000, 600_000)
    status = held.wait_exit()
    assert (status.code, status.reason) == (7, "stopped")


async def test_an_agent_that_closed_its_output_and_lives_on_is_ended(held):
    """V5: nothing more can come of it; nobody asked for the end."""
    code = "import os, time\nprint('last words')\nos.close(1)\ntime.sleep(1000)"
    await held.start(code, stop_grace_ms=50)
    status = held.wait_exit()
    assert (status.signal, status.reason) == (signal.SIGTERM, "output_closed")
    assert held.said() == b"last words\n"


async def test_sigterm_to_the_keeper_is_a_stop(held):
    await held.start(UNTIL_EOF)
    held.wait_said(1)
    os.kill(held.info.keeper.pid, signal.SIGHUP)
    os.kill(held.info.keeper.pid, signal.SIGINT)
    os.kill(held.info.keeper.pid, signal.SIGTERM)
    assert (held.wait_exit().code, held.wait_exit().reason) == (7, "stopped")


@pytest.mark.parametrize("ending", ["stop", "exit", "crash"])
async def test_no_descendant_outlives_the_agent(held, ending):
    """setsid, a double fork and an emptied environment hide nothing from the keeper."""
    last = "sys.exit(3)\n" if ending == "exit" else NAP
    await held.start(ESCAPE + last)
    escaped = int(held.wait_said(1)[0])
    if ending == "stop":
        holding.request_stop(held.run_dir, 0, 0)
    elif ending == "crash":
        os.kill(held.info.agent.pid, signal.SIGSEGV)
    status = held.wait_exit()
    assert process.identify(escaped) is None
    assert process.identify(held.info.agent.pid) is None
    # SIGTERM comes first, and may be enough for the agent itself.
    signals = {"stop": {signal.SIGTERM, signal.SIGKILL}, "crash": {signal.SIGSEGV}}
    assert status.signal in signals.get(ending, {None})
    assert status.code == (3 if ending == "exit" else None)
    assert status.reason == {"stop": "stopped", "exit": "exited", "crash": "killed"}[ending]


async def test_a_tree_that_keeps_growing_is_ended(held):
    """Every process of it starts others for ever, in sessions of their own."""
    bomb = """
import os, time
print("ready")
for depth in range(3):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            break
while True:
    if os.fork() == 0:
        time.sleep(0.05)
        os._exit(0)
    os.wait()
"""
    await held.start(bomb)
    held.wait_said(1)
    eventually(lambda: len(process.survivors(held.run_id)) > 6, what="a crowd")
    holding.request_stop(held.run_dir, 0, 0)
    held.wait_exit()
    assert process.survivors(held.run_id) == []


async def test_a_paused_tree_stands_still_goes_on_and_can_be_ended(held):
    await held.start(ESCAPE + UNTIL_EOF)
    tree = [held.info.agent.pid, int(held.wait_said(2)[0])]
    assert holding.pause(held.run_dir)
    eventually(lambda: [state_of(pid) for pid in tree] == ["T", "T"], what="stopped")
    assert holding.resume(held.run_dir)
    eventually(lambda: [state_of(pid) for pid in tree] == ["S", "S"], what="going on")
    assert holding.pause(held.run_dir)
    eventually(lambda: [state_of(pid) for pid in tree] == ["T", "T"], what="stopped again")
    holding.request_stop(held.run_dir, 600_000, 600_000)
    assert held.wait_exit().code == 7
    assert process.identify(tree[1]) is None


async def test_the_agent_dies_with_its_keeper_and_a_sweep_finds_the_rest(held):
    """Rule 9: nothing runs unseen after kill -9 of the keeper."""
    marked = ESCAPE.replace("], {})", "], os.environ)")
    await held.start(marked + NAP)
    escaped = int(held.wait_said(1)[0])
    os.kill(held.info.keeper.pid, signal.SIGKILL)
    await asyncio.wait_for(process.wait_gone(held.info.keeper), 60)
    await asyncio.wait_for(process.wait_gone(held.info.agent), 60)
    assert process.survivors(held.run_id) == [escaped]
    assert process.sweep(held.run_id) == {escaped}
    eventually(lambda: process.identify(escaped) is None)
    assert holding.read_exit(held.run_dir) is None


async def test_the_agent_gets_only_what_is_its_own(held, tmp_path):
    """Its environment is the spec's, its signals are the defaults, and no descriptor leaks."""
    shell = 'env; pwd; ls /proc/self/fd; grep -E "SigIgn|SigBlk" /proc/self/status; umask'
    await held.start(
        ["sh", "-c", shell + "; cat /proc/self/oom_score_adj"],
        env={"SECRET_TOKEN": "s3cr3t"},
        cwd=tmp_path,
    )
    status = held.wait_exit()
    text = held.said().decode()
    assert status.code == 0
    lines = text.split()
    assert {"SECRET_TOKEN=s3cr3t", f"QUARTERDECK_RUN={held.run_id}", str(tmp_path)} <= set(lines)
    assert "HOME=" not in text
    assert text.split("\n0\n")[1].startswith("1\n2\n3\nSigBlk")
    assert lines.count("0000000000000000") == 2
    mask = os.umask(0o022)
    os.umask(mask)
    assert int(lines[-2], 8) == mask
    assert int(lines[-1]) >= 500


async def test_no_secret_is_left_where_others_may_look(held, monkeypatch):
    """Neither the spec's environment nor the supervisor's is in the run's files or in /proc."""
    monkeypatch.setenv("SUPERVISOR_TOKEN", "s3cr3t")
    await held.start(NAP, env={"SECRET_TOKEN": "s3cr3t"})
    proc = Path(f"/proc/{held.info.keeper.pid}")
    places = [*held.run_dir.path.iterdir(), proc / "environ", proc / "cmdline"]
    files = [place for place in places if not place.is_socket()]
    assert all(b"s3cr3t" not in place.read_bytes() for place in files)
    assert all(place.stat().st_mode & 0o777 == 0o600 for place in held.run_dir.path.iterdir())
    assert held.run_dir.path.stat().st_mode & 0o777 == 0o700
    targets = {fd.readlink().name for fd in (proc / "fd").iterdir()}
    assert {str(fd.name) for fd in (proc / "fd").iterdir()} >= {"0", "1", "2"}
    assert (proc / "fd" / "1").readlink() == Path("/dev/null")
    assert "out.jsonl" in targets


async def test_an_agent_that_forks_away_its_output_holds_nothing_up(held):
    """A descendant that keeps stdout open does not delay the exit status."""
    await held.start(["sh", "-c", "sleep 1000 & echo done"])
    assert held.wait_exit().code == 0
    assert held.said() == b"done\n"
