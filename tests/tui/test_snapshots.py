"""Pictures of whole screens; each is first checked to show what it is meant to show."""

import pytest
from textual.pilot import Pilot

from tests.support.piloting import until_shown
from tests.support.scenes import app_of, deck_of_six

SIZES = [(80, 24), (200, 60)]


@pytest.mark.parametrize("size", SIZES)
def test_main_screen(snap_compare, size):
    async def wait(pilot: Pilot[None]) -> None:
        await until_shown(pilot, "3 approvals wait")
        await until_shown(pilot, "I ask first.")
        await pilot.pause()

    assert snap_compare(app_of(deck_of_six()), terminal_size=size, run_before=wait)


@pytest.mark.parametrize("size", SIZES)
def test_approval_of_an_edit(snap_compare, size):
    async def wait(pilot: Pilot[None]) -> None:
        await until_shown(pilot, "3 approvals wait")
        await until_shown(pilot, "I ask first.")
        await pilot.press("n")
        await until_shown(pilot, "opencode · waiting")
        await pilot.press("a")
        await until_shown(pilot, "+def backoff")
        await pilot.pause()

    assert snap_compare(app_of(deck_of_six()), terminal_size=size, run_before=wait)


@pytest.mark.parametrize("size", SIZES)
def test_help(snap_compare, size):
    async def wait(pilot: Pilot[None]) -> None:
        await until_shown(pilot, "I ask first.")
        await pilot.press("question_mark")
        await until_shown(pilot, "Sessions and panes")
        await pilot.pause()

    assert snap_compare(app_of(deck_of_six()), terminal_size=size, run_before=wait)


@pytest.mark.parametrize("size", SIZES)
def test_inbox(snap_compare, size):
    async def wait(pilot: Pilot[None]) -> None:
        await until_shown(pilot, "I ask first.")
        await pilot.press("I")
        await until_shown(pilot, "exact text")
        await until_shown(pilot, "kubectl changes a cluster")
        await pilot.pause()

    assert snap_compare(app_of(deck_of_six()), terminal_size=size, run_before=wait)
