"""The new-session dialog."""

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.dialogs.new_session import NewSessionDialog
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.widgets.session_list import SessionList
from tests.support.piloting import until, until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import ScriptedSupervisor, session


async def opened(pilot: Pilot[None]) -> None:
    await until_shown(pilot, "c new")
    await pilot.press("c")
    await until_shown(pilot, "New session")
    await until_shown(pilot, "runbook")


async def test_a_session_is_created_with_the_agents_variables_and_selected(tmp_path: Path):
    box = ScriptedSupervisor()
    box.add(session(1, title="Older"))
    box.profiles = [
        {"name": "absent", "command": ["no-such"], "found": False, "env_names": []},
        {"name": "runbook", "command": ["qd"], "found": True, "env_names": ["API_KEY", "NONE"]},
    ]
    async with app_of(box).run_test() as pilot:
        await opened(pilot)
        pilot.app.screen.query_one("#new-cwd", Input).value = str(tmp_path)
        await pilot.press("tab", "tab", *"Nightly", "tab", *"run it", "ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        rows = pilot.app.screen.query_one(SessionList)
        await until(pilot, lambda: rows.selected and rows.selected.title == "Nightly")
    (call,) = box.called("new")
    assert call.pop("key")
    assert call == {
        "agent": "runbook",
        "cwd": str(tmp_path),
        "prompt": "run it",
        "env": {"API_KEY": "k-1"},
        "title": "Nightly",
        "wait": False,
    }


async def test_what_is_wrong_is_said_in_the_dialog_and_nothing_is_created():
    box = ScriptedSupervisor()
    async with app_of(box).run_test() as pilot:
        await opened(pilot)
        await pilot.press("ctrl+g")
        await until_shown(pilot, "write what the agent should do")
        pilot.app.screen.query_one("#new-cwd", Input).value = "/no/such/place"
        await pilot.press("ctrl+g")
        await until_shown(pilot, "there is no directory")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert box.called("new") == []


async def test_agents_that_were_not_found_cannot_be_chosen():
    box = ScriptedSupervisor()
    box.profiles = [{"name": "runbook", "command": ["/opt/agent"], "found": False}]
    async with app_of(box).run_test() as pilot:
        await opened(pilot)
        await until_shown(pilot, "not found: /opt/agent")
        await pilot.press("tab", "tab", "tab", *"go", "ctrl+g")
        await until_shown(pilot, "choose an agent whose program was found")
    assert box.called("new") == []


async def test_a_refusal_is_shown_and_the_form_stays():
    box = ScriptedSupervisor()
    box.refusals["new"] = [QuarterdeckError("unknown_agent", "no agent is called runbook")]
    async with app_of(box).run_test() as pilot:
        await opened(pilot)
        await pilot.press("tab", "tab", "tab", *"go", "ctrl+g")
        await until_shown(pilot, "no agent is called runbook")
        assert isinstance(pilot.app.screen, NewSessionDialog)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert len(box.called("new")) == 2


async def test_after_a_lost_link_the_same_form_is_sent_with_the_same_key():
    """A4: the first try may have been committed."""
    box = ScriptedSupervisor()
    box.refusals["new"] = [QuarterdeckError("unreachable", "the supervisor went away")]
    async with app_of(box).run_test() as pilot:
        await opened(pilot)
        await pilot.press("tab", "tab", "tab", *"go", "ctrl+g")
        await until_shown(pilot, "the supervisor went away")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    first, second = box.called("new")
    assert first["key"] == second["key"]
