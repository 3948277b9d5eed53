"""Toasts: a few at a time, the same one counted, older ones folded, all of it to be read later."""

from typing import Any, cast

import pytest
from textual.notifications import Notification, Notifications

from quarterdeck.tui.dialogs.past_messages import PastMessages
from quarterdeck.tui.toasts import Toasts
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import app_of, deck_of_six

SMALL, LARGE = (80, 24), (160, 45)


class Screen:
    """Stands for the app: holds what is shown."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._notifications = Notifications()

    def _unnotify(self, notification: Notification, refresh: bool = True) -> None:
        del self._notifications[notification]

    def _refresh_notifications(self) -> None:
        pass

    @property
    def shown(self) -> list[str]:
        return [told.message for told in self._notifications]


def said(screen: Screen, *messages: str | tuple[str, str]) -> Toasts:
    toasts = Toasts(cast("Any", screen), lambda: 0)
    for message in messages:
        text, severity = message if isinstance(message, tuple) else (message, "information")
        toasts.say(text, cast("Any", severity), 60)
    return toasts


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (SMALL, ["· a\n· b\n· c"]),
        (LARGE, ["a", "b", "c"]),
    ],
)
def test_a_small_screen_has_one_toast_and_a_large_one_three(
    size: tuple[int, int], shown: list[str]
):
    screen = Screen(size)
    toasts = said(screen, "a", "b", "c")
    assert screen.shown == shown
    toasts.say("d", "information", 60)
    more = ["1 more: L shows what was said\n· b\n· c\n· d"]
    assert screen.shown == (more if size == SMALL else ["b", "c", "· a\n· d"])


def test_the_same_message_again_is_counted_where_it_is_shown_last():
    screen = Screen(LARGE)
    toasts = said(screen, "a", "b", "a", "a")
    assert screen.shown == ["b", "a (×3)"]
    assert [one.words for one in toasts.said] == ["a", "b", "a (×2)"]


def test_a_folded_toast_keeps_the_grave_ones_and_says_where_the_others_are():
    screen = Screen(SMALL)
    bad = ("disk full", "error")
    toasts = said(screen, bad, *(f"note {number}" for number in range(9)))
    text = "\n".join(screen.shown)
    assert "✗ disk full" in text
    assert "note 8" in text
    assert "more: L shows what was said" in text
    assert len(text.splitlines()) == 4
    assert len(toasts.said) == 10


def test_a_toast_is_as_grave_as_the_gravest_it_holds():
    screen = Screen(SMALL)
    said(screen, ("broken", "error"), "a", "b")
    assert [told.severity for told in screen._notifications] == ["error"]


def test_what_is_long_or_hostile_is_cut_and_cleaned():
    screen = Screen(SMALL)
    said(screen, "\x1b[2J" + "x" * 5_000)
    (text,) = screen.shown
    assert text.startswith("\\x1b[2J")
    assert len(text) < 500


def test_where_a_message_is_cut_its_end_stays():
    screen = Screen(SMALL)
    said(screen, f"“{'long ' * 200}” is archived. U undoes it.", "another")
    assert screen.shown[0].splitlines()[0].endswith("U undoes it.")
    assert len(screen.shown[0]) < 200


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_dozen_messages_leave_most_of_the_screen_and_are_read_later(
    size: tuple[int, int],
):
    app = app_of(deck_of_six())
    async with app.run_test(size=size, notifications=True) as pilot:
        await until_shown(pilot, "Deploy api")
        for number in range(12):
            app.say(f"This is number {number:02}.", bad=number == 3)
        await until_shown(pilot, "number 11")
        await until_shown(pilot, "number 03")
        toasts = list(app.screen.query("Toast"))
        assert sum(toast.outer_size.height for toast in toasts) <= size[1] * 2 // 5
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, PastMessages))
        await until_shown(pilot, "number 00")
        lines = [line for line in screen_text(app).splitlines() if "number" in line]
        assert "number 11" in lines[0]
        await pilot.press("escape")
        await until_hidden(pilot, "What was said")


async def test_what_a_folded_toast_offers_is_still_undone_by_its_key():
    box = deck_of_six()
    wire = box.sessions[0].to_wire()
    box.answers |= {"session.archive": wire, "session.unarchive": wire}
    app = app_of(box)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("A")
        await until_shown(pilot, "is archived")
        for number in range(3):
            app.say(f"note {number}")
        await until_shown(pilot, "U undoes it")
        await pilot.press("U")
        await until(pilot, lambda: box.called("session.unarchive"))


def test_a_message_that_is_gone_takes_no_place():
    screen = Screen(SMALL)
    toasts = said(screen, "a", "b")
    screen._notifications.clear()
    toasts.say("c", "information", 60)
    assert screen.shown == ["c"]
    assert [one.text for one in toasts.said] == ["a", "b", "c"]


async def test_nothing_said_is_said():
    async with app_of(deck_of_six()).run_test(size=SMALL) as pilot:
        await until_shown(pilot, "Deploy api")
        await pilot.press("L")
        await until_shown(pilot, "Nothing was said yet.")
