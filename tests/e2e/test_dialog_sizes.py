"""Every dialog in a real terminal that changes its size under it (issue 6)."""

import asyncio
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.deckhouse import Deckhouse, approval_of, session_in
from tests.support.terminal import Terminal as BareTerminal
from tests.support.tmux import Terminal
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
SIZES = [(60, 18), (160, 45), (80, 24)]

Drawn = Callable[[str, int, int], bool]
"""Whether a screen of so many columns and rows is what a dialog looks like at that size."""


def framed(screen: str, width: int, height: int) -> bool:
    """Whether a frame is closed and stands in the middle."""
    rows = screen.splitlines()
    tops = [row for row in rows if "╭─" in row and "╮" in row]
    bottoms = [row for row in rows if "╰─" in row and "╯" in row]
    if len(rows) != height or len(tops) != 1 or len(bottoms) != 1:
        return False
    left, right = tops[0].index("╭"), tops[0].index("╮")
    there = (left, right) == (bottoms[0].index("╰"), bottoms[0].index("╯"))
    above, below = rows.index(tops[0]), height - 1 - rows.index(bottoms[0])
    return there and abs(left - (width - 1 - right)) <= 1 and abs(above - below) <= 2


def full(screen: str, width: int, height: int) -> bool:
    """Whether the rows below are the keys of a screen that fills the terminal."""
    rows = screen.splitlines()
    keys = any("enter" in row for row in rows[-3:])
    return len(rows) == height and keys and rows[0].strip() != ""


def across(screen: str, width: int, height: int) -> bool:
    """Whether the palette's upper edge, as the bar above it, goes from side to side."""
    rows = screen.splitlines()
    bar = "supervisor" in rows[0] and len(rows[0].rstrip()) >= width - 2
    return len(rows) == height and bar and rows[3] == "▔" * width


def alone(screen: str) -> bool:
    """Whether the main screen stands there with nothing before it and nothing cut off."""
    rows = screen.splitlines()
    below = "q quit" in rows[-1] and "ask touch file" in screen
    return rows[1].startswith("▌◆ Only") and below and not re.search("╭─|╯|▔|key a ", screen)


def ageless(terminal: BareTerminal) -> str:
    """What stands on the screen, without what time alone changes."""
    return re.sub(r"<?\d+m +", "", terminal.text)


def shows(terminal: BareTerminal, whole: str) -> None:
    """Wait until that, and nothing else, stands on the screen."""

    def there() -> bool:
        terminal.read(0.1)
        return ageless(terminal) == whole

    try:
        eventually(there, what=whole)
    except AssertionError as error:
        raise AssertionError(f"{error}\nbut\n{terminal.text}") from None


@dataclass(frozen=True)
class Dialog:
    """The key that opens a dialog, its words, and how it stands on the screen."""

    key: str
    words: str
    drawn: Drawn = framed


DIALOGS = {
    "help": Dialog("?", "type to filter"),
    "new session": Dialog("c", "New session"),
    "inbox": Dialog("I", "exact text", full),
    "search": Dialog("S", "Type words and press enter", full),
    "queue": Dialog("Q", "Nothing waits"),
    "checkpoints": Dialog("C", "Checkpoints of Only"),
    "usage": Dialog("$", "Usage by session"),
    "approval": Dialog("a", "exact text"),
    "close": Dialog("X", "Close session"),
    "rename": Dialog("R", "Rename"),
    "approval mode": Dialog("E", "ask_all"),
    "stop all": Dialog("!", "Stop"),
    "past messages": Dialog("L", "What was said"),
    "palette": Dialog("C-p", "Search for commands", across),
}


def at(dialog: Dialog, width: int, height: int) -> Callable[[str], bool]:
    """Return what tells whether a screen is the dialog, whole, at a size."""

    def whole(screen: str) -> bool:
        return (
            dialog.words in screen
            and max(map(len, screen.splitlines())) <= width
            and dialog.drawn(screen, width, height)
        )

    return whole


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_dialog_is_drawn_whole_at_every_size(deckhouse: Deckhouse, name: str):
    """Smaller, larger and back, the dialog is drawn whole; `esc` leaves it with nothing done."""
    dialog = DIALOGS[name]
    deck = await deckhouse.deck()
    # Something works, else there is nothing to stop.
    await deckhouse.new(deck, "wait never", title="Busy")
    made = await deckhouse.new(deck, "ask touch file", title="Only")
    await approval_of(deck, made["session_id"])

    def flow() -> None:
        # A size that somebody exported must not be believed.
        env = deckhouse.environment | {"LANG": "C.UTF-8", "COLUMNS": "80", "LINES": "24"}
        argv = [sys.executable, "-m", "quarterdeck"]
        with Terminal(argv, width=100, height=30, env=env, cwd=deckhouse.project) as terminal:
            terminal.wait_for("1 approval waits", within=60)
            terminal.send_keys(dialog.key)
            terminal.wait_for(at(dialog, 100, 30))
            for width, height in SIZES:
                terminal.resize(width, height)
                terminal.wait_for(at(dialog, width, height))
            terminal.send_keys("Escape")
            terminal.wait_for(lambda screen: dialog.words not in screen and alone(screen))
            terminal.send_keys("q")
            assert terminal.wait_exit(within=60) == 0

    await asyncio.to_thread(flow)
    assert len(await deck.approvals()) == 1
    assert deckhouse.answers() == []


async def test_a_size_that_went_and_came_back_leaves_no_damage(deckhouse: Deckhouse):
    """A terminal cuts off what no longer fits; all of it is painted again, once."""
    deck = await deckhouse.deck()
    made = await deckhouse.new(deck, "say all is done", title="Only", wait=True)
    await session_in(deck, made["session_id"], "idle")

    def flow() -> None:
        argv = [sys.executable, "-m", "quarterdeck"]
        terminal = BareTerminal(argv, env=deckhouse.environment, size=(100, 30))
        try:
            terminal.until("all is done", "supervisor", "▌· Only")
            for keys, words in (("", "all is done"), ("?", "type to filter")):
                terminal.press(keys)
                terminal.until(words)
                terminal.settle()
                whole = ageless(terminal)
                for sizes in ([(100, 30)], [(60, 18), (100, 30)]):
                    for columns, rows in sizes:
                        terminal.resize(columns, rows)
                    assert terminal.text.strip() == ""
                    shows(terminal, whole)
        finally:
            terminal.close()

    await asyncio.to_thread(flow)
