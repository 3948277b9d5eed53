"""Driving Quarterdeck's screen in a real terminal, as a person does."""

import re
import time

from quarterdeck.tui.dialogs.arming import SETTLE_S
from tests.support.tmux import Terminal
from tests.support.waiting import eventually

DIALOG = "exact text"
SENDING = "sending your answer"
NONE_WAITS = re.compile(r"\b0 waiting")
ARMED_S = 2 * SETTLE_S
"""Nothing on a screen tells that it is armed; a key that comes too early is refused."""
SETTLED = re.compile(r"0 waiting +✗ 0 failed +● 0 active")


def open_dialog(terminal: Terminal) -> str | None:
    """Open the approval that the dock names; None if it was settled in that moment."""
    terminal.send_keys("a")
    screen = terminal.wait_for(lambda s: DIALOG in s or NONE_WAITS.search(s))
    return screen if DIALOG in screen else None


def answer(terminal: Terminal, key: str) -> None:
    """Read the open dialog to its end and press `key` once it is armed, again if it was not yet.

    A key that was taken is not pressed again: it would go to what comes after the dialog.
    """

    def done() -> bool:
        if SENDING not in terminal.capture():
            terminal.send_keys("End")
            time.sleep(ARMED_S)
            terminal.send_keys(key)
        try:
            terminal.wait_for(lambda screen: DIALOG not in screen, within=5)
        except AssertionError:
            return False
        return True

    eventually(done, within=90, what="the dialog closes")


def approve_in_dialog(terminal: Terminal) -> str:
    """Go to the next session that needs a person and approve; return the screen that was read."""
    terminal.send_keys("n")
    screen = open_dialog(terminal)
    assert screen is not None
    answer(terminal, "a")
    return screen


def answer_everything(terminal: Terminal, *, deny: str) -> list[str]:
    """Answer every approval by keys alone until nothing waits or works.

    Args:
        terminal: Shows Quarterdeck.
        deny: What is to be denied: approvals whose exact text contains it.

    Returns:
        The dialogs as they were read.
    """
    read: list[str] = []
    while True:
        screen = terminal.wait_for(
            lambda s: SETTLED.search(s) or re.search(r"◆ [1-9]\d* approvals? wait", s), within=90
        )
        if SETTLED.search(screen):
            return read
        terminal.send_keys("n")
        dialog = open_dialog(terminal)
        if dialog is not None:
            read.append(dialog)
            answer(terminal, "d" if deny in dialog else "a")
