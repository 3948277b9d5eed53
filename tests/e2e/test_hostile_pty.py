"""DESIGN §5: whatever an agent says, wherever it is shown, the terminal gets none of it raw."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.deckhouse import Deckhouse, approval_of, session_in
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

EVIL = (
    "\x1b]0;PWNTITLE\x07\x1b]52;c;UFdO\x07\x1b[2J\x1b[31mPWNRED\x9b35m\x1bPq#PWN\x1b\\"
    "\x07\x08\x00\x7f\u202ePWNBIDI\u202c\u2066x\u2069\u200b\u200e\u2028"
    "[@click=app.quit]PWNCLICK[/][bold]B[/bold][/nope]"
    "👩\u200d👩\u200d👧 漢字 e\u0301\u0302 \U000e0041 \ue000"
)
WIDE = "漢" * 200 + EVIL
HUGE = "L" * 1_000_000


def update(**members: object) -> str:
    return "update " + json.dumps(members)


def instructions() -> str:
    """Have the scripted agent say hostile things in every kind of update."""
    text = {"type": "text", "text": f"# {EVIL}\n\n- {EVIL}\n\n```{EVIL}\n{EVIL}\n```\n{WIDE}"}
    call = {"toolCallId": f"t{EVIL}", "title": f"tool {EVIL}", "kind": "execute"}
    output = [{"type": "content", "content": {"type": "text", "text": f"out {EVIL}\n{WIDE}"}}]
    diff = [{"type": "diff", "path": f"/p{EVIL}", "oldText": EVIL, "newText": f"{WIDE}\n{EVIL}"}]
    lines = [
        update(sessionUpdate="agent_message_chunk", content=text),
        update(sessionUpdate="agent_thought_chunk", content=text),
        update(sessionUpdate="agent_message_chunk", content={"type": "text", "text": HUGE}),
        update(sessionUpdate="tool_call", status="pending", rawInput={"command": EVIL}, **call),
        update(sessionUpdate="tool_call_update", status="completed", content=output, **call),
        update(sessionUpdate="tool_call_update", status="failed", content=diff, **call),
        update(
            sessionUpdate="plan",
            entries=[{"content": EVIL, "priority": "high", "status": "in_progress"}],
        ),
        update(
            sessionUpdate="available_commands_update",
            availableCommands=[{"name": f"cmd{EVIL}", "description": EVIL}],
        ),
        update(sessionUpdate="current_mode_update", currentModeId=f"mode{EVIL}"),
        update(sessionUpdate="session_info_update", title=EVIL),
        update(sessionUpdate=f"unheard{EVIL}", x=EVIL),
        f"raw {json.dumps(EVIL)[1:-1]} garbage",
    ]
    return "\n".join([*lines, f"ask echo {json.dumps(EVIL)[1:-1]}"])


def make_worktree(top: Path) -> None:
    """Make a repository whose files have hostile names and contents."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    git = ["git", "-C", str(top), *who]
    (top / "a.txt").write_text("a\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *arguments], check=True)
    (top / f"evil{EVIL[:30].replace('/', '').replace(chr(0), '')}").write_text(EVIL)
    (top / "a.txt").write_text(f"{EVIL}\n{WIDE}\n")


@contextmanager
def on_terminal(deckhouse: Deckhouse, size: tuple[int, int]) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "quarterdeck"]
    terminal = Terminal(command, env=deckhouse.environment, size=size)
    try:
        yield terminal
    finally:
        terminal.close()


WALK = (
    # Every pane alone, and an event in full.
    *("1", "G", "g", "2", "\t", "\r", "\x1b", "\x1b", "3", "4", "5"),
    # Two at once: each beside or below the output, and an event in full below both.
    *("1", "|", "\t", "\t", "G", "\r", "\x1b", "3", "4", "5", "1", "|", "\x1b"),
    # What asks, and what names the session.
    *("a", "G", "\x1b", "I", "\x1b", "Q", "\x1b", "C", "\x1b", "T", "\x1b"),
    *("R", "\x1b", "D", "\x1b", "X", "\x1b", "E", "\x1b", "$", "t", "s", "p", "\x1b"),
    *("c", "\x1b", "!", "\x1b", "#", "P", "P", "2", "\t", "t", "\x1b", "\x1b", "1"),
    *("b", "b", "b", "O", "v", "v", "v", "v", "v", "v", "v", "v"),
    # What finds it, and what completes what is typed.
    *("S", "PWNRED\r", "\x1b", "\x1b", "/", "PWN", "\r", "\x1b"),
    *("i", "/", "\x1b", "\x7f", "\x1b"),
    *("\x10", "mode", "\x1b", "N", "5", "1", "n", "n"),
)
"""Keys that show every pane, split pane, screen and dialog with an agent's words in it."""


def walk(terminal: Terminal) -> None:
    """Go everywhere; what is found by its words, and the table of keys, last."""
    terminal.until("supervisor", "a answer")
    for keys in WALK:
        terminal.press(keys)
        terminal.settle()
    terminal.press("?")
    terminal.until("type to filter")
    terminal.press("approv")
    terminal.settle()


def paste(text: str) -> str:
    """Return what a terminal sends that wraps what is pasted and takes nothing out of it."""
    return f"\x1b[200~{text}\x1b[201~"


def find_and_read(terminal: Terminal) -> None:
    """Find hostile text in each pane that has it, and read what was said at the bottom."""
    terminal.until("supervisor", "turn ended", "PWNTITLE")
    for pane in "12":
        terminal.press(f"{pane}\r")
        terminal.settle()
        terminal.press("/")
        terminal.settle()
        terminal.press(paste(PASTED))
        terminal.until("find", "PWNBIDI", ". next hit")
        terminal.press("\r")
        terminal.until(" of ")
        for key in (".", ",", ","):
            terminal.press(key)
            terminal.settle()
        terminal.press("/")
        terminal.settle()
        terminal.press(paste(NOWHERE))
        terminal.until("not found")
        for key in ("\x1b", "\x1b"):
            terminal.press(key)
            terminal.settle()
    terminal.press("A")
    terminal.until("is archived")
    terminal.press("L")
    terminal.until("What was said", "PWNRED", "esc closes")
    for key in ("G", "g", "L", "q"):
        terminal.press(key)
        terminal.settle()


PASTED = "\u202ePWNBIDI\u202c\u2066x\u2069\u200b"
"""What of `EVIL` is looked for: found where it is shown, with its code points spelled out."""
NOWHERE = "\x9b31m\u202e[@click=app.quit]PWNCLICK[/][/nope]\x1b]52;c;UFdO\x07"
"""What is looked for in vain."""


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_no_raw_control_reaches_the_terminal_from_anywhere(
    deckhouse: Deckhouse, size: tuple[int, int]
):
    """The bytes of the pty are read: no escape of an agent's, no action run, no layout broken."""
    await asyncio.to_thread(make_worktree, deckhouse.project)
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, instructions(), title=f"T{EVIL}".replace("\x00", ""))
    await approval_of(deck, made["session_id"])
    failed = await deckhouse.new(deck, f"die 3\n{EVIL}", title="fails")
    await session_in(deck, failed["session_id"], "failed_needs_human", "idle", "waiting")
    with on_terminal(deckhouse, size) as terminal:
        await asyncio.to_thread(walk, terminal)
        assert terminal.unsafe() == []
        for content in terminal.commands():
            assert b"PWN" not in content and b"UFdO" not in content, content
        assert b"PWNRED" in terminal.written
        assert len(terminal.lines) == size[1]
        terminal.press("\x1b")
        terminal.settle()
        assert terminal.lines[0].startswith(" quarterdeck")
    assert (await deck.session(made["session_id"])).state == "waiting"
    assert deckhouse.answers() == []


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_no_raw_control_reaches_the_terminal_from_finding_or_past_messages(
    deckhouse: Deckhouse, size: tuple[int, int]
):
    """The bytes of the pty: of what is pasted, found and counted, and of what was said of it.

    Red without the last filter (tui/deck_app.py, `get_line_filters`): a pasted escape is written.
    """
    deck = await deckhouse.deck()
    said = {"type": "text", "text": f"one {EVIL} and {EVIL}"}
    says = update(sessionUpdate="agent_message_chunk", content=said)
    made = await deckhouse.new(deck, says, title=f"T{EVIL}".replace("\x00", ""))
    await session_in(deck, made["session_id"], "idle")
    with on_terminal(deckhouse, size) as terminal:
        await asyncio.to_thread(find_and_read, terminal)
        assert terminal.unsafe() == []
        for content in terminal.commands():
            assert b"PWN" not in content and b"UFdO" not in content, content
