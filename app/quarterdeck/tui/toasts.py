"""What is said at the bottom of the screen: a few toasts at a time, all of it to be read later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.notifications import Notification, SeverityLevel

from quarterdeck.model.hostile_text import clean_line

if TYPE_CHECKING:
    from quarterdeck.tui.deck_app import DeckApp

KEPT = 200
"""Messages that can be read later."""
FEW, SOME = 1, 3
"""Toasts at a time: on a small screen, and where there is room."""
ROOM = (100, 30)
"""Cells and lines from which on there is room."""
FOLDED = 3
"""Messages of one toast into which older ones were folded."""
LONGEST, SHORTER = 400, 120
"""Characters of a message that a toast shows, and of one among others."""
ENDING = 20
"""Characters of its end that stay where one is cut: there stands how it is undone."""
SIGNS: dict[SeverityLevel, str] = {"information": "·", "warning": "!", "error": "✗"}
_GRAVITY: list[SeverityLevel] = ["information", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Said:
    """One message."""

    text: str
    """Safe, of one line."""
    severity: SeverityLevel
    at: int
    """Unix milliseconds."""
    times: int = 1

    @property
    def words(self) -> str:
        """The message, and how often it was said if more than once."""
        return f"{self.text} (×{self.times})" if self.times > 1 else self.text


@dataclass(slots=True)
class _Toast:
    messages: list[Said]
    notification: Notification
    more: int = 0
    """Messages that had no place any more."""


class Toasts:
    """Shows messages; the same one again is counted, and too many are folded into the latest."""

    def __init__(self, app: DeckApp, clock: Callable[[], int]) -> None:
        """Say nothing yet; `clock` returns Unix milliseconds."""
        self._app, self._clock = app, clock
        self._shown: list[_Toast] = []
        self.said: deque[Said] = deque(maxlen=KEPT)
        """What was said, the latest last."""

    def say(self, text: str, severity: SeverityLevel, timeout: float) -> None:
        """Show a message for some seconds; whatever the text holds, it is only text."""
        said = Said(clean_line(text), severity, self._clock())
        self._remember(said)
        alive = self._app._notifications
        self._shown = [toast for toast in self._shown if toast.notification in alive]
        messages, more = [said], 0
        for toast in list(self._shown):
            same = [one for one in toast.messages if _same(one, said)]
            if same:
                messages = [replace(said, times=same[0].times + 1)]
                toast.messages.remove(same[0])
                if toast.messages:
                    self._show(toast, _left(toast))
                else:
                    self._take_off(toast)
        while len(self._shown) >= self._most:
            oldest = self._shown[0]
            timeout = max(timeout, _left(oldest))
            messages, more = oldest.messages + messages, more + oldest.more
            self._take_off(oldest)
        while len(messages) > FOLDED:
            # The latest stays, of the others the grave ones.
            least = min(messages[:-1], key=lambda one: _gravity(one.severity))
            messages.remove(least)
            more += 1
        toast = _Toast(messages, Notification(""), more)
        self._shown.append(toast)
        self._show(toast, timeout)

    @property
    def _most(self) -> int:
        width, height = self._app.size
        return SOME if width >= ROOM[0] and height >= ROOM[1] else FEW

    def _remember(self, said: Said) -> None:
        if self.said and _same(self.said[-1], said):
            said = replace(said, times=self.said.pop().times + 1)
        self.said.append(said)

    def _show(self, toast: _Toast, timeout: float) -> None:
        """Show a toast anew, as it is now."""
        self._app._unnotify(toast.notification, refresh=False)
        severity = max(toast.messages, key=lambda one: _gravity(one.severity)).severity
        toast.notification = Notification(_words(toast), "", severity, timeout, markup=False)
        self._app._notifications.add(toast.notification)
        self._app._refresh_notifications()

    def _take_off(self, toast: _Toast) -> None:
        self._shown.remove(toast)
        self._app._unnotify(toast.notification)


def _same(one: Said, other: Said) -> bool:
    return (one.text, one.severity) == (other.text, other.severity)


def _gravity(severity: SeverityLevel) -> int:
    return _GRAVITY.index(severity)


def _left(toast: _Toast) -> float:
    return max(0.1, toast.notification.time_left)


def _words(toast: _Toast) -> str:
    """Return what a toast says; of several messages each by its sign."""
    if len(toast.messages) == 1 and not toast.more:
        return _cut(toast.messages[0].words, LONGEST)
    words = [f"{SIGNS[one.severity]} {_cut(one.words, SHORTER)}" for one in toast.messages]
    if toast.more:
        words.insert(0, f"{toast.more} more: L shows what was said")
    return "\n".join(words)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - ENDING]} … {text[-ENDING:]}"
