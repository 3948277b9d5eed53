"""Every dialog and every screen while the terminal changes its size under them (issue 6)."""

from dataclasses import dataclass

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widget import Widget

from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.widgets.key_line import KeyLine
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, ago
from tests.support.situations import deck_with_a_diff
from tests.tui.test_form_dialog import a_form
from tests.tui.test_recovery_report import report

SIZES = [(40, 12), (300, 100), (80, 24), (200, 60), (100, 24)]
"""From a very small one to the largest that is promised, with leaps in both directions."""
LEAST = (80, 24)
"""The smallest that is promised; a smaller one may cut off, but must be survived."""


def everything() -> ScriptedSupervisor:
    """Sessions with something to show in every dialog."""
    box = deck_with_a_diff()
    told = report()
    box.answers["recovery.get"] = {"report": told, "open": [told]}
    first = box.sessions[0]
    waiting = {
        "command_id": "cmd_1",
        "session_id": first.session_id,
        "run_id": None,
        "text": "Next",
    }
    waiting |= {"kind": "turn", "state": "pending", "created_at": first.created_at}
    box.answers["session.queue"] = {"commands": [waiting]}
    point = {"session_id": first.session_id, "name": "before it", "run_id": "run_1", "seq": 1}
    box.answers["checkpoint.list"] = {"checkpoints": [point | {"at": ago(60)}]}
    box.answers["usage.report"] = {"usage": [], "cursor": None}
    return box


@dataclass(frozen=True)
class Dialog:
    """The keys that lead to a dialog, and its words."""

    keys: tuple[str, ...]
    shown: str
    closing: tuple[str, ...] = ("escape",)


DIALOGS = {
    "help": Dialog(("question_mark",), "Help"),
    "new session": Dialog(("c",), "New session"),
    "approval of a command": Dialog(("a",), "exact text"),
    "approval of an edit": Dialog(("n", "a"), "exact text"),
    "approval of a recovery": Dialog(("n", "n", "a"), "abandon"),
    "queue": Dialog(("Q",), "Queue"),
    "checkpoints": Dialog(("C",), "Checkpoints of"),
    "approval mode": Dialog(("E",), "normal"),
    "usage": Dialog(("dollar_sign",), "Usage"),
    "rename": Dialog(("R",), "Rename"),
    "close": Dialog(("X",), "Close session"),
    "stop all": Dialog(("exclamation_mark",), "Stop"),
    "report": Dialog(("W",), "resumed"),
    "types of events": Dialog(("2", "tab", "t"), "Events shown"),
    "palette": Dialog(("ctrl+p",), "Search"),
    "inbox": Dialog(("I",), "exact text"),
    "search": Dialog(("S",), "words"),
}


def inside(pilot: Pilot[None], widget: Widget) -> bool:
    """Whether all of a widget is on the screen."""
    return bool(widget.region.area) and widget.region in pilot.app.screen.region


def check(pilot: Pilot[None], name: str, size: tuple[int, int]) -> None:
    screen = pilot.app.screen
    lines = screen_text(pilot.app).split("\n")
    assert len(lines) == size[1]
    focused = screen.focused
    assert focused is None or focused.region.area, f"{name} at {size}: what has the keys is hidden"
    if isinstance(screen, ModalScreen):
        for child in screen.children:
            assert not child.display or child.region in screen.region, f"{name} at {size}: {child}"
    for keys in screen.query(KeyLine):
        assert inside(pilot, keys), f"{name} at {size}: the keys\n{screen_text(pilot.app)}"


async def through_the_sizes(pilot: Pilot[None], name: str, dialog: Dialog) -> None:
    app = pilot.app
    for key in dialog.keys:
        await pilot.press(key)
        await pilot.pause()
    await until(pilot, lambda: not isinstance(app.screen, MainScreen), f"{name} opens")
    await until_shown(pilot, dialog.shown)
    opened = app.screen
    for size in SIZES:
        await pilot.resize_terminal(*size)
        await until(pilot, lambda now=size: tuple(app.screen.size) == now)
        await pilot.pause()
        assert app.screen is opened, f"{name} at {size}: it is gone"
        if size >= LEAST:
            check(pilot, name, size)
    await until_shown(pilot, dialog.shown)
    for key in dialog.closing:
        await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, MainScreen), f"{name} closes")


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_dialog_keeps_its_keys_on_the_screen_at_every_size(name: str):
    async with app_of(everything()).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        await through_the_sizes(pilot, name, DIALOGS[name])


async def test_a_form_keeps_its_keys_on_the_screen_at_every_size():
    async with app_of(a_form()).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "a answer")
        await through_the_sizes(pilot, "form", Dialog(("a",), "Branch *"))


async def test_a_comment_keeps_its_keys_on_the_screen_at_every_size():
    async with app_of(everything()).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "3 approvals wait")
        await pilot.press("n", "3")
        await until_shown(pilot, "def backoff")
        await through_the_sizes(pilot, "comment", Dialog(("tab", "enter", "G", "m"), "Comment on"))
