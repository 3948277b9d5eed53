"""How the main screen is arranged: room of list and panes, order and groups; remembered."""

from dataclasses import replace

from textual import on
from textual.screen import Screen

from quarterdeck.tui import messages
from quarterdeck.tui.layout import SHARES, Layout
from quarterdeck.tui.screens.halves import Halves
from quarterdeck.tui.screens.session_panes import SessionPanes
from quarterdeck.tui.widgets.pane_bar import PANES
from quarterdeck.tui.widgets.session_list import SessionList

SHARE_STEP = 10


class RoomSharing(Screen[None]):
    """The part of the main screen that divides its room between the list and the panes."""

    def __init__(self, layout: Layout | None) -> None:
        """Begin with how the screen was left, if that is known."""
        super().__init__()
        self._layout = layout or Layout()
        self._listing = True

    def show_arranged(self) -> None:
        """Show list and session anew, as they are to be arranged now."""
        raise NotImplementedError

    def take_layout(self) -> None:
        """Arrange the screen as it was left."""
        layout = self._layout
        self.share_room()
        rows = self.query_one(SessionList)
        rows.set_arrangement(layout.order, layout.grouping, layout.folded)
        panes = self.query_one(SessionPanes)
        known = {name for name, _, _ in PANES}
        first = layout.pane if layout.pane in known else panes.halves.first
        second = layout.split if layout.split in known - {first} else ""
        if (first, second) != (panes.halves.first, panes.halves.second):
            panes.show_halves(Halves(first, second))

    def share_room(self) -> None:
        """Divide the room between list and panes; zoomed, the side with the focus has it all.

        A class of the screen would say so too, and have every widget on it styled anew.
        """
        rows, panes = self.query_one(SessionList), self.query_one(SessionPanes)
        if self.focused is not None:  # as it is before the list has the focus first
            self._listing = isinstance(self.focused, SessionList)
        zoomed, listing = self._layout.zoomed, self._listing
        rows.display = listing or not zoomed
        panes.display = not (listing and zoomed)
        shares = range(SHARES[0], SHARES[1] + 1, SHARE_STEP)
        classes = {f"-share-{share}": share == self._layout.share for share in shares}
        rows.update_classes(classes | {"-alone": listing and zoomed})

    def _change_layout(self, layout: Layout) -> None:
        if layout != self._layout:
            self._layout = layout
            self.take_layout()
            self.show_arranged()
            self.post_message(messages.LayoutChanged(layout))

    @on(SessionPanes.Turned)
    def _pane_turned(self, message: SessionPanes.Turned) -> None:
        message.stop()
        self._change_layout(
            replace(self._layout, pane=message.halves.first, split=message.halves.second)
        )

    @on(SessionList.Folded)
    def _groups_folded(self, message: SessionList.Folded) -> None:
        self._change_layout(replace(self._layout, folded=tuple(sorted(message.folded))))

    def action_order(self) -> None:
        """Sort the list by the next thing: attention, last activity, title, agent."""
        self._change_layout(replace(self._layout, order=self._layout.order.following))

    def action_group(self) -> None:
        """Group the list by the next thing: nothing, project, agent, host."""
        grouping = self._layout.grouping.following
        self._change_layout(replace(self._layout, grouping=grouping, folded=()))

    def action_share(self, step: int) -> None:
        """Give the list more or less of the screen; `step` is 1 or -1."""
        rows, (least, most) = self.query_one(SessionList).size, SHARES
        now = self._layout.share
        if not now:
            across = self.has_class("-wide")
            now = 100 * (rows.width if across else rows.height)
            now //= max(1, self.size.width if across else self.size.height)
            now = round(now / SHARE_STEP) * SHARE_STEP
        share = max(least, min(now + step * SHARE_STEP, most))
        self._change_layout(replace(self._layout, share=share))

    def action_zoom(self) -> None:
        """Give the focused side all the room, or share it again."""
        self._change_layout(replace(self._layout, zoomed=not self._layout.zoomed))

    def action_split(self) -> None:
        """Show two panes of the session at once, or again only one."""
        self.query_one(SessionPanes).split()
