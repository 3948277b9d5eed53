"""When a session counts as read: its end was on the screen and stayed there for a moment (A9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer

if TYPE_CHECKING:
    from quarterdeck.tui.deck_app import DeckApp

READ_AFTER_S = 0.5
"""How long a session's end must stay on screen to count as read: passing it by does not."""
End = tuple[str, int]
"""A session, and the version of it whose end is on the screen."""


class ReadMarks:
    """Marks sessions as read for whoever sits here."""

    def __init__(self, app: DeckApp, after: float) -> None:
        """Mark through `app`, after so many seconds."""
        self._app, self._after = app, after
        self._waiting: tuple[End, Timer] | None = None
        self._marked: End | None = None
        self.left_unread: str | None = None
        """The session that was marked unread, until another one is looked at."""

    def end_seen(self, session_id: str, version: int) -> None:
        """Hear that the end of a session came on the screen."""
        end = session_id, version
        if session_id == self.left_unread:
            return
        self.left_unread = None
        if end == self._marked:
            return
        if self._waiting is not None:
            known, timer = self._waiting
            if known == end:
                return
            timer.stop()
        self._waiting = end, self._app.set_timer(self._after, self._mark)

    def _mark(self) -> None:
        app = self._app
        if self._waiting is None or not app.screen_stack:  # a timer may outlive the screens
            return
        (session_id, version), _ = self._waiting
        self._waiting = None
        opened = app.main.selected
        looking = app.app_focus and app.screen is app.main and app.board.current
        if looking and opened and opened.session_id == session_id:
            self._marked = session_id, version
            app.do(lambda deck: deck.mark_read(session_id, version))
