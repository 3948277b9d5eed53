"""Keys, palette and help are made from one table, and the screens can do what it names."""

import importlib
import itertools
import re
from pathlib import Path

import pytest
import typer

from quarterdeck.cli.program import COMMANDS
from quarterdeck.tui import twins
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
from quarterdeck.tui.twins import twin_of
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.key_table import KeyTable
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from quarterdeck.tui.widgets.trace_view import TraceView
from quarterdeck.tui.widgets.welcome import Welcome
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.situations import deck_with_a_diff

DOERS = {
    Where.MAIN: MainScreen,
    Where.OUTPUT: OutputView,
    Where.TRACE: TraceView,
    Where.DIFF: DiffView,
    Where.PROMPT: PromptEditor,
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
    Where.FIRST: Welcome,
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


@pytest.mark.parametrize("entry", KEYS, ids=str)
def test_every_entry_has_a_key_a_line_of_help_and_a_twin_or_the_reason_why_not(entry):
    assert entry.shown, "no key"
    assert entry.help, "no line in the help"
    twin = twin_of(entry)
    assert twin, f"tui/twins.py has nothing for {entry.id}"
    if not twin.startswith("qd "):
        return
    _, name, *options = twin.split()
    if name == "--help":
        return
    assert name in COMMANDS, twin
    module = importlib.import_module(f"quarterdeck.cli.{COMMANDS[name]}")
    command = typer.main.get_group(module.commands).commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(options) <= known, twin


def test_the_twins_are_of_entries_there_are():
    ids = {entry.id for entry in KEYS}
    labels = {name.partition(".")[2] for name in ids}
    assert set(twins._OF_ENTRY) <= ids
    assert set(twins._OF_LABEL) <= labels


def test_the_readme_has_the_keys_of_the_main_screen_and_no_others():
    lines = (Path(__file__).parents[2] / "README.md").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| key | does |"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    cells = [row.strip("|").split(" | ") for row in rows]
    told = {key for row in cells for cell in row[::2] for key in re.findall(r"`([^`]+)`", cell)}
    told = {key.removeprefix("\\") for key in told}  # in a table `|` is written `\|`
    everywhere = {entry.shown for entry in KEYS if entry.where is Where.EVERYWHERE}
    main = {entry.shown for entry in KEYS if entry.where is Where.MAIN}
    assert told <= main | everywhere
    assert main - told == set()


async def test_the_palette_says_key_and_command():
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        offered = [hit.help async for hit in DeckCommands(pilot.app.screen).discover()]
        brought = [command.help for command in pilot.app.get_system_commands(pilot.app.screen)]
    assert "key x · qd cancel" in offered
    assert all(help.startswith("key ") for help in offered if help)
    assert brought
    assert all(help.startswith("no key: ") for help in brought)


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        ((), "Tour"),
        (("2", "tab"), "Here: Trace pane"),
        (("3", "tab", "tab"), "Here: Diff pane"),
        (("I",), "Here: Inbox"),
    ],
)
async def test_the_help_begins_with_the_keys_of_where_one_is(keys: tuple[str, ...], first: str):
    async with app_of(deck_with_a_diff()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.press("question_mark")
        await until_shown(pilot, "type to filter")
        tables = list(pilot.app.screen.query(KeyTable))
        assert str(tables[0].render()).splitlines()[0] == first
        headings = [str(table.render()).splitlines()[0] for table in tables]
        assert len(set(headings)) == len(headings)
        told = [heading.removeprefix("Here: ") for heading in headings]
        assert {"Tour", *(place.value for place in Where)} - set(told) == {"Help", "Question"}


async def test_typing_in_the_help_leaves_only_what_matches():
    async with app_of(deck_of_six()).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("question_mark")
        await until_shown(pilot, "Inbox: every approval")
        await pilot.press(*"rename")
        await until(pilot, lambda: "Inbox: every approval" not in screen_text(pilot.app))
        assert "Rename the session" in screen_text(pilot.app)
