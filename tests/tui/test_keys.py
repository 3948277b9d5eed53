"""Keys, palette and help are made from one table, and the screens can do what it names."""

import re

import pytest

from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.dialogs.approval import ApprovalDialog, RecoveryDialog
from quarterdeck.tui.dialogs.ask_line import AskLine
from quarterdeck.tui.dialogs.checkpoints import CheckpointsDialog
from quarterdeck.tui.dialogs.choose import ChooseDialog
from quarterdeck.tui.dialogs.confirm import ConfirmDialog
from quarterdeck.tui.dialogs.form import FormDialog
from quarterdeck.tui.dialogs.new_session import NewSessionDialog
from quarterdeck.tui.dialogs.queue import QueueDialog
from quarterdeck.tui.dialogs.recovery_report import RecoveryReportDialog
from quarterdeck.tui.dialogs.usage import UsageDialog
from quarterdeck.tui.keys import KEYS, Where, keys_of
from quarterdeck.tui.palette import DeckCommands
from quarterdeck.tui.screens import help as help_screen
from quarterdeck.tui.screens.inbox import InboxScreen
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.screens.search import SearchScreen
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.prompt_line import PromptInput
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of, deck_of_six

DOERS = {
    Where.MAIN: MainScreen,
    Where.DIFF: DiffView,
    Where.PROMPT: PromptInput,
    Where.INBOX: InboxScreen,
    Where.APPROVAL: ApprovalDialog,
    Where.RECOVERY: RecoveryDialog,
    Where.FORM: FormDialog,
    Where.QUEUE: QueueDialog,
    Where.SEARCH: SearchScreen,
    Where.LINE: AskLine,
    Where.CHECKPOINTS: CheckpointsDialog,
    Where.CHOOSE: ChooseDialog,
    Where.USAGE: UsageDialog,
    Where.READING: ApprovalDialog,
    Where.REPORT: RecoveryReportDialog,
    Where.HELP: help_screen.HelpScreen,
    Where.NEW: NewSessionDialog,
    Where.CONFIRM: ConfirmDialog,
    Where.EVERYWHERE: QuarterdeckApp,
}


@pytest.mark.parametrize("entry", [entry for entry in KEYS if entry.action], ids=str)
def test_every_action_of_the_table_can_be_done_where_it_says(entry):
    doer = QuarterdeckApp if entry.action.startswith("app.") else DOERS[entry.where]
    name = re.match(r"(?:app\.)?(\w+)", entry.action)
    assert name
    assert hasattr(doer, f"action_{name.group(1)}"), entry


def test_the_help_has_every_place_but_itself_and_yes_or_no():
    shown = {place for places in help_screen._COLUMNS for place in places}
    assert shown == set(Where) - {Where.HELP, Where.CONFIRM}


@pytest.mark.parametrize(("key", "place"), [("", Where.MAIN), ("I", Where.INBOX)])
async def test_the_palette_has_every_action_of_the_screen(key, place):
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        if key:
            await pilot.press(key)
            await until_shown(pilot, "exact text")
        provider = DeckCommands(pilot.app.screen)
        offered = [hit.text async for hit in provider.discover()]
    assert offered == [entry.help for entry in keys_of(place) if entry.action]


async def test_typing_in_the_help_leaves_only_what_matches():
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("question_mark")
        await until_shown(pilot, "Inbox: every approval")
        await pilot.press(*"rename")
        await until(pilot, lambda: "Inbox: every approval" not in screen_text(pilot.app))
        assert "Rename the session" in screen_text(pilot.app)
