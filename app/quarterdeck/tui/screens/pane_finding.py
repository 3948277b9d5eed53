"""Finding text in the panes of a session: the line that asks, and the way from hit to hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.screen import Screen

from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.widgets.findable_view import FindableView

if TYPE_CHECKING:
    from quarterdeck.tui.widgets.find_line import FindLine


class PaneFinding(Screen[None]):
    """The part of the main screen that finds; its line is made when it is first wanted."""

    def __init__(self) -> None:
        """Look for nothing yet."""
        super().__init__()
        self._find: FindLine | None = None

    async def action_find(self) -> None:
        """Find text in the pane that keys are about."""
        view = self.query_one(SessionPanes).findable
        if view is None:
            self.app.notify("There is nothing to find here.", markup=False)
            return
        if self._find is None:
            from quarterdeck.tui.widgets.find_line import FindLine

            self._find = FindLine(id="find")
            await self.mount(self._find, before="#keys")
        self._find.begin(view)

    @on(FindableView.FindAsked)
    async def _find_asked(self) -> None:
        await self.action_find()

    @on(FindableView.HitsTold)
    def _hits_told(self, message: FindableView.HitsTold) -> None:
        if self._find is not None:
            self._find.told(message.view, message.count)

    def action_hit(self, step: int) -> None:
        """Go to the next thing found in the pane, or to the one before."""
        view = self.query_one(SessionPanes).findable
        if self._find is None or not self._find.step(step, view):
            self.app.notify("Nothing is looked for: F finds in the pane.", markup=False)

    @on(SessionPanes.Turned)
    def end_find_if_gone(self) -> None:
        """Look for nothing any more if its pane is not on the screen now."""
        if self._find is not None:
            self._find.end_if_gone()

    def end_find(self) -> bool:
        """Look for nothing any more; return whether something was looked for."""
        return self._find is not None and self._find.end()
