"""D2 on screen: what the supervisor's start found stays until this reader dismisses it."""

from typing import Any

from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.app import QuarterdeckApp
from quarterdeck.tui.dialogs.recovery_report import RecoveryReportDialog
from quarterdeck.tui.widgets.recovery_band import RecoveryBand
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import app_of, deck_of_six
from tests.support.scripted_deck import ScriptedSupervisor, ago, no_recovery


def line(title: str, reason: str) -> dict[str, Any]:
    return {"session_id": f"ses_{title}", "title": title, "agent": "opencode", "reason": reason}


def report(report_id: str = "start-2") -> dict[str, Any]:
    return {
        "id": report_id,
        "at": ago(120),
        "version": "0.2.0",
        "done": True,
        "re-attached": [line(f"Session {n}", "its agent is alive") for n in range(3)],
        "resumed": [line("Port the importer", "its agent was started again")],
        "failed": [line("Bisect \x1b[2Jthe query", "no conversation with that id")],
        "swept": [line("Rotate the logs", "its agent ran on though its run had ended")],
        "unfinished": [],
        "reports": [],
    }


def recovered() -> ScriptedSupervisor:
    box = deck_of_six()
    told = report()
    box.answers["recovery.get"] = {"report": told, "open": [told]}
    box.answers["recovery.dismiss"] = {"dismissed": 1}
    return box


async def band_shown(pilot: Pilot[None], shown: bool = True) -> None:
    await until(
        pilot, lambda: pilot.app.screen_stack[0].query_one(RecoveryBand).display is shown, "band"
    )


async def test_the_band_names_the_worst_and_how_many_there_are() -> None:
    app = app_of(recovered())
    async with app.run_test(size=(80, 24)) as pilot:
        await band_shown(pilot)
        await until_shown(pilot, "W report")
        text = screen_text(pilot.app)
        assert "1 failed, 1 resumed, 1 swept, 3 re-attached" in text
        assert "✗ failed: Bisect" in text and "no conversation with that id" in text
        assert "… 2 more" in text


async def test_the_dialog_has_every_session_and_dismisses() -> None:
    box = recovered()
    app = app_of(box)
    async with app.run_test(size=(120, 40)) as pilot:
        await band_shown(pilot)
        await pilot.press("W")
        await until_shown(pilot, "Session 2")
        text = screen_text(pilot.app)
        for words in ("Session 0", "Session 2", "its agent was started again", "Rotate the logs"):
            assert words in text
        assert "\x1b" not in text
        box.answers["recovery.get"] = {"report": report(), "open": []}
        await pilot.press("d")
        await band_shown(pilot, False)
    assert ("recovery.dismiss", {"report_id": "start-2"}) in box.calls


async def test_leaving_the_dialog_keeps_the_band() -> None:
    box = recovered()
    app = app_of(box)
    async with app.run_test() as pilot:
        await band_shown(pilot)
        await pilot.press("W", "escape")
        await pilot.pause(0.1)
        await band_shown(pilot)
    assert not [method for method, _ in box.calls if method == "recovery.dismiss"]


async def test_dismissed_elsewhere_it_goes_here_too() -> None:
    box = recovered()
    app = app_of(box)
    async with app.run_test() as pilot:
        await band_shown(pilot)
        box.answers["recovery.get"] = {"report": report(), "open": []}
        box.push()
        await band_shown(pilot, False)


async def test_a_restart_that_found_every_agent_alive_is_one_quiet_line() -> None:
    """As after `qd upgrade`: said once, and nothing stays on the screen."""
    box = deck_of_six()
    app = app_of(box)
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: app.board.fetched)
        assert not notes(app)
        anew = no_recovery("start-2")
        anew["report"] |= {"version": "0.2.0", "re-attached": [line("A", "its agent is alive")]}
        box.answers["recovery.get"] = anew
        box.lose(down=False)
        await until(pilot, lambda: notes(app))
        assert notes(app) == ["The supervisor was started anew (version 0.2.0): 1 re-attached."]
        await band_shown(pilot, False)


def notes(app: QuarterdeckApp) -> list[str]:
    return [note.message for note in app._notifications]


async def test_an_older_supervisor_without_reports_is_no_trouble() -> None:
    box = deck_of_six()
    refused = QuarterdeckError("unknown_method", "no method 'recovery.get'")
    box.refusals["recovery.get"] = [refused]
    app = app_of(box)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.board.fetched)
        await pilot.press("W")
        assert isinstance(app.screen, RecoveryReportDialog)
        await until_shown(pilot, "Nothing to report")
        assert app.board.problem == ""
