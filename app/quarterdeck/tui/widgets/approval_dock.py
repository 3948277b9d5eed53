"""The dock at the bottom: names what waits for a person, and the key that answers it."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from quarterdeck.model.approval_text import headline
from quarterdeck.model.clock import now_ms
from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import ApprovalView
from quarterdeck.model.states import Attention
from quarterdeck.tui.board import Board, kind_words
from quarterdeck.tui.expiring import expiry_text, next_change
from quarterdeck.tui.widgets.glyphs import UNICODE

SUBJECT_SHOWN = 400


class ApprovalDock(Widget):
    """Two lines about the approval that would be answered; gone when nothing waits."""

    DEFAULT_CSS = """
    ApprovalDock { height: 2; display: none; }
    ApprovalDock.-waiting { display: block; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "approval-dock--count",
        "approval-dock--session",
        "approval-dock--kind",
        "approval-dock--subject",
        "approval-dock--key",
    }

    def __init__(self, *, clock: Callable[[], int] = now_ms, id: str | None = None) -> None:
        """Show nothing yet.

        Args:
            clock: Unix milliseconds, for when the approval expires.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._clock = clock
        self._count = 0
        self._view: ApprovalView | None = None
        self._timer: Timer | None = None

    def show(self, board: Board, session_id: str | None) -> None:
        """Show what `a` would answer while `session_id` is selected."""
        view, count = board.to_answer(session_id), len(board.approvals)
        if view != self._view or count != self._count:
            self._view, self._count = view, count
            self.set_class(view is not None, "-waiting")
            self._repaint()

    def _repaint(self) -> None:
        """Paint now, and again when the words about expiry change: at most once a minute."""
        self.refresh()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        expires_at = self._view.expires_at if self._view else None
        seconds = next_change(expires_at, self._clock())
        if seconds is not None:
            self._timer = self.set_timer(seconds, self._repaint)

    def _styled(self, text: str, name: str) -> Content:
        return Content.styled(text, self.get_visual_style(f"approval-dock--{name}"))

    def render(self) -> Content:
        """Render count, session and kind, and under it the beginning of the exact text."""
        view = self._view
        if view is None:
            return Content("")
        width = self.size.width
        count = "1 approval waits" if self._count == 1 else f"{self._count} approvals wait"
        who = f"{view.session_title or view.session_id} · {view.agent}"
        left = expiry_text(view.expires_at, self._clock())
        first = (
            self._styled(f"{UNICODE.for_attention(Attention.WAITING)} {count}", "count")
            + self._styled(f"   {left}" if left else "", "key")
            + self._styled(f"   {kind_words(view.kind)}", "kind")
            + self._styled(f"   {clean_line(who)}", "session")
        )
        line = headline(view.subject)[:SUBJECT_SHOWN]
        more = " …" if len(line) < len(view.subject) else ""
        key = self._styled("a answer", "key")
        room = max(width - key.cell_length - 2, 0)
        exact = clean(line, strict=True).replace("\t", "    ")
        subject = self._styled(f"  {exact}{more}", "subject")
        subject = subject.truncate(room, ellipsis=True).pad_right(
            max(room - subject.cell_length, 0) + 2
        )
        return first.truncate(width, ellipsis=True) + Content("\n") + subject + key

    async def on_click(self, event: events.Click) -> None:
        """Open the approval."""
        await self.screen.run_action("answer")
