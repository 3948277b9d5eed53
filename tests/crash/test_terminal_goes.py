"""The terminal hangs up, the SSH link drops, Ctrl-Z: nothing is decided, nothing is lost."""

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from quarterdeck.model.records import ApprovalView
from tests.support import terminal as terminals
from tests.support.deckhouse import Deckhouse, approval_of, session_in, trace
from tests.support.screen import DIALOG, open_dialog
from tests.support.sshd import ssh_server
from tests.support.tmux import Terminal
from tests.support.waiting import eventually, eventually_async

pytestmark = pytest.mark.slow
QD = [sys.executable, "-m", "quarterdeck"]
SHELL = ["bash", "--norc", "-i"]
TAKEN = b"\x1b[?2004h"
"""Written once the terminal is in our hands."""
LEFT = b"\x1b[?1049l"
"""Written when it is given back."""


async def asked(house: Deckhouse) -> ApprovalView:
    deck = await house.deck()
    ids = await house.new(deck, "ask touch asked\nsay after", wait=True)
    return await approval_of(deck, ids["session_id"])


async def show_dialog(terminal: Terminal) -> None:
    """Wait for the screen and open the dialog on the approval that waits."""
    await asyncio.to_thread(terminal.wait_for, "1 approval waits", within=60)
    assert await asyncio.to_thread(open_dialog, terminal) is not None


async def undecided(house: Deckhouse, approval: ApprovalView) -> None:
    """Nothing was decided by what happened to the terminal."""
    deck = await house.deck()
    assert (await deck.approval(approval.approval_id)).state == "pending"
    assert house.answers() == []
    assert not (house.project / "asked").exists()


async def answer_elsewhere(house: Deckhouse, approval: ApprovalView) -> None:
    """Another terminal still can answer it, once."""
    await undecided(house, approval)
    await asyncio.to_thread(house.qd, "approve", approval.approval_id)
    deck = await house.deck()
    await session_in(deck, approval.session_id, "idle")
    assert len(house.answers()) == 1


async def test_a_terminal_closed_in_mid_dialog_decides_nothing(deckhouse: Deckhouse) -> None:
    """DESIGN §4: SIGHUP and the loss of the pty while the question is on the screen."""
    approval = await asked(deckhouse)
    supervisor = deckhouse.supervisor_pid()
    with Terminal(QD, width=110, height=30, env=deckhouse.environment) as terminal:
        await show_dialog(terminal)
        screen = terminal.pid()
        terminal.kill()
    eventually(lambda: not Path(f"/proc/{screen}").exists(), what="the end of the screen")
    assert deckhouse.supervisor_pid() == supervisor
    await answer_elsewhere(deckhouse, approval)


async def test_a_screen_killed_in_mid_dialog_decides_nothing(deckhouse: Deckhouse) -> None:
    """The keys pressed before the dialog was armed are gone with it."""
    approval = await asked(deckhouse)
    with Terminal(QD, width=110, height=30, env=deckhouse.environment) as terminal:
        await show_dialog(terminal)
        os.kill(terminal.pid(), signal.SIGKILL)
        assert await asyncio.to_thread(terminal.wait_exit) == 128 + signal.SIGKILL
    await answer_elsewhere(deckhouse, approval)


async def test_an_ssh_link_that_drops_in_mid_dialog_decides_nothing(
    deckhouse: Deckhouse, tmp_path: Path
) -> None:
    """The screen at the other end goes away with the link; the supervisor there does not."""
    approval = await asked(deckhouse)
    supervisor = deckhouse.supervisor_pid()
    (tmp_path / "sshd").mkdir()
    with ssh_server(tmp_path / "sshd") as server:
        env = {k: v for k, v in deckhouse.environment.items() if k.startswith("QUARTERDECK_")}
        env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        words = ["env", *(f"{key}={value}" for key, value in env.items()), *QD]
        argv = [*server.argv(terminal=True), shlex.join(words)]
        with Terminal(argv, width=110, height=30) as terminal:
            await show_dialog(terminal)
            os.kill(terminal.pid(), signal.SIGKILL)
            await asyncio.to_thread(terminal.wait_exit)
            eventually(lambda: not _screens(deckhouse), what="the end of the screen over there")
    assert deckhouse.supervisor_pid() == supervisor
    await answer_elsewhere(deckhouse, approval)


def _screens(house: Deckhouse) -> list[int]:
    """Return the pids of full screens on this deckhouse."""
    mine = f"QUARTERDECK_STATE_DIR={house.places.state}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if command[1:3] == [b"-m", b"quarterdeck"] and mine in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


async def test_ctrl_z_and_fg_bring_the_screen_back(deckhouse: Deckhouse) -> None:
    """The shell gets its terminal, the supervisor and the agents go on, `fg` paints all anew."""
    approval = await asked(deckhouse)
    supervisor = deckhouse.supervisor_pid()
    env = deckhouse.environment | {"PS1": "shell> "}
    with Terminal(SHELL, width=110, height=30, env=env) as terminal:
        await asyncio.to_thread(terminal.wait_for, "shell>")
        terminal.send_text(shlex.join(QD) + "\n")
        await show_dialog(terminal)
        terminal.send_keys("Escape")
        await asyncio.to_thread(terminal.wait_for, lambda screen: DIALOG not in screen)
        terminal.send_keys("C-z")
        shown = await asyncio.to_thread(
            terminal.wait_for, lambda screen: "Stopped" in screen or "suspended" in screen
        )
        assert "approval waits" not in shown, "the shell's own screen is back"
        terminal.send_text("echo typed-$((6*7))\n")
        await asyncio.to_thread(terminal.wait_for, "typed-42")
        assert deckhouse.supervisor_pid() == supervisor
        await undecided(deckhouse, approval)
        await asyncio.to_thread(deckhouse.qd, "approve", approval.approval_id)
        deck = await deckhouse.deck()
        await session_in(deck, approval.session_id, "idle")
        terminal.send_text("fg\n")
        await asyncio.to_thread(
            terminal.wait_for,
            lambda screen: "✓ supervisor" in screen and "approval waits" not in screen,
        )
        terminal.send_keys("q")
        await asyncio.to_thread(
            terminal.wait_for, lambda screen: screen.rstrip().endswith("shell>")
        )
        terminal.send_text("stty -a | grep -c ' echo ' ; exit\n")
        assert await asyncio.to_thread(terminal.wait_exit) == 0
        assert "\n1\n" in terminal.capture(), "the terminal echoes as before"


async def test_a_screen_ends_with_a_terminal_that_does_not_control_it(
    deckhouse: Deckhouse,
) -> None:
    """The kernel tells a process only of the terminal it is controlled by; this one is not."""
    approval = await asked(deckhouse)
    terminal = terminals.Terminal(QD, env=deckhouse.environment)
    try:
        await asyncio.to_thread(terminal.until, "1 approval waits")
        assert await asyncio.to_thread(terminal.hang_up) == 128 + signal.SIGHUP
    finally:
        terminal.close()
    await answer_elsewhere(deckhouse, approval)


def of_ada(house: Deckhouse) -> dict[str, str]:
    """Return an environment in which drafts are Ada's."""
    return house.environment | {"QUARTERDECK_READER": "ada"}


async def drafted(house: Deckhouse, text: str) -> None:
    """Wait until the supervisor has this draft of the one session."""
    deck = await house.deck(reader="ada")
    (view,), _ = await deck.sessions()

    async def has_it() -> bool:
        return await deck.draft(view.session_id) == text

    await eventually_async(has_it, what=f"the draft {text!r}")


async def test_what_is_being_written_when_the_terminal_hangs_up_is_kept(
    deckhouse: Deckhouse,
) -> None:
    await asked(deckhouse)
    terminal = terminals.Terminal(QD, env=of_ada(deckhouse))
    try:
        await asyncio.to_thread(terminal.until, "1 approval waits")
        terminal.press("ihalf a thought")
        await asyncio.to_thread(terminal.until, "half a thought")
        assert await asyncio.to_thread(terminal.hang_up) == 128 + signal.SIGHUP
    finally:
        terminal.close()
    await drafted(deckhouse, "half a thought")


async def test_sigterm_ends_a_screen_as_a_key_does(deckhouse: Deckhouse) -> None:
    """With what is being written saved, and with the terminal given back."""
    await asked(deckhouse)
    terminal = terminals.Terminal(QD, env=of_ada(deckhouse))
    try:
        await asyncio.to_thread(terminal.until, "1 approval waits")
        terminal.press("ihalf a thought")
        await asyncio.to_thread(terminal.until, "half a thought")
        terminal.signal(signal.SIGTERM)
        assert await asyncio.to_thread(terminal.wait_exit) == 128 + signal.SIGTERM
        assert terminal.written.count(LEFT) == 1
    finally:
        terminal.close()
    await drafted(deckhouse, "half a thought")


async def test_what_is_written_while_the_supervisor_is_gone_is_there_at_the_next_start(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    await deckhouse.new(deck, "say ready", wait=True)
    terminal = terminals.Terminal(QD, env=of_ada(deckhouse))
    try:
        await asyncio.to_thread(terminal.until, "ready", "✓ supervisor")
        await asyncio.to_thread(deckhouse.qd, "down")
        await asyncio.to_thread(terminal.until, "supervisor gone")
        terminal.press("ihalf a thought")
        await asyncio.to_thread(terminal.until, "half a thought")
        terminal.press("\x03")
        assert await asyncio.to_thread(terminal.wait_exit) == 0
    finally:
        terminal.close()
    again = terminals.Terminal(QD, env=of_ada(deckhouse))
    try:
        await asyncio.to_thread(again.until, "half a thought", "✓ supervisor")
        await drafted(deckhouse, "half a thought")
    finally:
        again.close()


async def test_a_stopped_screen_goes_on_and_still_ends(deckhouse: Deckhouse) -> None:
    """SIGSTOP cannot be caught, so nothing was given back before; all is painted anew after it."""
    await asked(deckhouse)
    terminal = terminals.Terminal(QD, env=deckhouse.environment)
    try:
        await asyncio.to_thread(terminal.until, "1 approval waits")
        for _ in range(8):
            taken = terminal.written.count(TAKEN)
            for number in (signal.SIGSTOP, signal.SIGCONT):
                terminal.signal(number)
            await asyncio.to_thread(terminal.until_written, TAKEN, taken + 1)
        began = terminal.written.rindex(TAKEN)
        await asyncio.to_thread(terminal.until_written, b"1 approval waits", 1, since=began)
        terminal.press("/key")
        await asyncio.to_thread(terminal.until, "key", "esc end")
        terminal.press("\x1b")
        await asyncio.to_thread(terminal.settle)
        terminal.press("q")
        assert await asyncio.to_thread(terminal.wait_exit) == 0
    finally:
        terminal.close()


def demo_of(folder: Path) -> dict[str, str]:
    """Return the environment of a demo that makes all it makes in `folder`."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("QUARTERDECK_")}
    return env | {"HOME": str(folder), "TMPDIR": str(folder)}


def demo_supervisor(folder: Path) -> int:
    """Return the pid of the demo's supervisor."""
    return int(next(folder.glob("quarterdeck-demo-*/**/supervisor.lock")).read_text())


def nothing_left(folder: Path, supervisor: int) -> bool:
    """Tell whether the demo has ended its supervisor, and so the agents, and removed its folder."""
    return not Path(f"/proc/{supervisor}").exists() and not [*folder.glob("quarterdeck-demo-*")]


async def test_the_demo_ends_with_its_terminal_and_leaves_nothing(tmp_path: Path) -> None:
    """The kernel sends SIGHUP when a terminal is closed, and SIGCONT after it."""
    with Terminal([*QD, "demo"], width=110, height=30, env=demo_of(tmp_path)) as terminal:
        await asyncio.to_thread(terminal.wait_for, "✓ supervisor", within=60)
        screen, supervisor = terminal.pid(), demo_supervisor(tmp_path)
        terminal.kill()
    await asyncio.to_thread(eventually, lambda: not Path(f"/proc/{screen}").exists())
    await asyncio.to_thread(eventually, lambda: nothing_left(tmp_path, supervisor))


async def test_a_screen_that_is_told_to_go_on_after_its_end_does_not(tmp_path: Path) -> None:
    """Nor does the program that still has to clear away what the screen was for."""
    terminal = terminals.Terminal([*QD, "demo"], env=demo_of(tmp_path))
    try:
        await asyncio.to_thread(terminal.until, "✓ supervisor")
        supervisor = demo_supervisor(tmp_path)
        terminal.signal(signal.SIGTERM)
        await asyncio.to_thread(terminal.until_written, LEFT, 1)
        terminal.signal(signal.SIGCONT)
        await asyncio.to_thread(terminal.wait_exit)
        await asyncio.to_thread(eventually, lambda: nothing_left(tmp_path, supervisor))
    finally:
        terminal.close()


async def test_sighup_does_not_end_the_supervisor(deckhouse: Deckhouse) -> None:
    """A logout sends it; agents and supervisor belong to no terminal."""
    approval = await asked(deckhouse)
    pid = deckhouse.supervisor_pid()
    os.kill(pid, signal.SIGHUP)
    assert os.getsid(pid) == pid, "a session of its own"
    assert deckhouse.supervisor_pid() == pid
    await answer_elsewhere(deckhouse, approval)


@pytest.mark.parametrize("pause", [0.0, 0.3, 0.6])
async def test_a_command_killed_in_mid_way_and_repeated_prompts_once(
    deckhouse: Deckhouse, pause: float
) -> None:
    """A4: with the same --key the second `qd send` finds the first, wherever that was killed."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "wait go", wait=True)
    arguments = ["send", ids["session_id"], "say once", "--key", "mine", "--json"]
    first = subprocess.Popen(
        [*QD, *arguments],
        env=deckhouse.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    await asyncio.sleep(pause)
    first.kill()
    first.wait()
    for _ in range(2):
        await asyncio.to_thread(deckhouse.qd, *arguments)
    (deckhouse.project / "go").touch()
    await asyncio.to_thread(eventually, lambda: len(deckhouse.prompts()) == 2)
    await session_in(deck, ids["session_id"], "idle")
    assert deckhouse.prompts() == ["wait go", "say once"]
    said = [e for e in await trace(deck, ids["session_id"]) if e.type == "user_message"]
    assert len(said) == 2


async def test_a_session_begun_twice_with_one_key_is_one(deckhouse: Deckhouse) -> None:
    """A4: `qd new --key` after a `qd new` that was killed."""
    deck = await deckhouse.deck()
    arguments = ["new", "--agent", "scripted", "--cwd", str(deckhouse.project)]
    arguments += ["--key", "mine", "say hello"]
    first = subprocess.Popen(
        [*QD, *arguments],
        env=deckhouse.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    await asyncio.to_thread(eventually, deckhouse.prompts)
    first.kill()
    first.wait()
    out = await asyncio.to_thread(deckhouse.qd, *arguments)
    sessions, _ = await deck.sessions(state="all")
    assert [view.session_id for view in sessions] == [out.strip()]
