"""The top line: how many sessions need whom, and whether the supervisor can be asked."""

from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.states import Attention
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.widgets.glyphs import UNICODE

_COUNTED = (Attention.WAITING, Attention.FAILED, Attention.ACTIVE)
_SELDOM = (Attention.UNKNOWN,)
"""Counted only where there are any."""
_LINK = {
    LinkState.CONNECTING: ("connecting", "○", "connecting to the supervisor"),
    LinkState.UP: ("up", "✓", "supervisor"),
    LinkState.GONE: ("gone", "✗", "supervisor gone – reconnecting"),
}


class StatusBar(Widget):
    """Counts on the left, the supervisor's health and the host on the right."""

    DEFAULT_CSS = """
    StatusBar { height: 1; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status-bar--name",
        "status-bar--waiting",
        "status-bar--failed",
        "status-bar--active",
        "status-bar--unknown",
        "status-bar--none",
        "status-bar--up",
        "status-bar--connecting",
        "status-bar--gone",
        "status-bar--host",
    }

    def __init__(self, host: str, *, id: str | None = None) -> None:
        """Show nothing yet; `host` is the machine's name."""
        super().__init__(id=id)
        self._host = clean_line(host)
        self._shown: tuple[object, ...] = ()
        self._board = Board()
        self._counts: dict[Attention, int] = {}

    def show(self, board: Board) -> None:
        """Show the counts and the link of `board`."""
        counts = tuple(board.count(attention) for attention in (*_COUNTED, *_SELDOM))
        cut = len(board.sessions) if board.cut else 0
        broken = (board.rules_problem, board.config_problem, bool(board.problem))
        shown = (counts, board.link, cut, board.fetched, broken)
        self._counts = dict(zip((*_COUNTED, *_SELDOM), counts, strict=True))
        self._board = board
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def _styled(self, text: str, name: str) -> Content:
        return Content.styled(text, self.get_visual_style(f"status-bar--{name}"))

    def render(self) -> Content:
        """Render both ends; host and name go first where there is no room."""
        width = self.size.width
        name = self._styled("quarterdeck   ", "name")
        left = Content("")
        stale = self._board.fetched and self._board.link is not LinkState.UP
        for attention in (*_COUNTED, *_SELDOM):
            count = self._counts.get(attention, 0)
            if not count and attention in _SELDOM:
                continue
            glyph = UNICODE.stale if stale else UNICODE.for_attention(attention)
            tone = attention.value if count and not stale else "none"
            left += self._styled(f"{glyph} {count} {attention.value}   ", tone)
        style, glyph, words = _LINK[self._board.link]
        right = self._styled(f"{glyph} {words}", style)
        if self._board.problem and self._board.link is LinkState.UP:
            right = self._styled("✗ supervisor answers with an error", "failed")
        elif self._board.rules_problem and self._board.link is LinkState.UP:
            right = self._styled("✗ rules unusable: asking about all", "failed")
        elif self._board.config_problem and self._board.link is LinkState.UP:
            right = self._styled("✗ config.toml unusable: as before", "failed")
        left = self._with_extent(left, width - right.cell_length)
        host = self._styled(f"  {self._host}", "host")
        if name.cell_length + left.cell_length + right.cell_length <= width:
            left = name + left
        if left.cell_length + right.cell_length + host.cell_length <= width:
            right += host
        room = width - left.cell_length - right.cell_length
        if room < 1:
            return left.truncate(max(width - right.cell_length - 1, 0)).pad_right(1) + right
        return left.pad_right(room) + right

    def _with_extent(self, left: Content, room: int) -> Content:
        """Say of how many sessions the counts are, if not of all, as long as there is room."""
        if not self._board.cut:
            return left
        number = len(self._board.sessions)
        for words in (f"first {number} sessions   ", f"first {number}   "):
            if left.cell_length + len(words) <= room:
                return left + self._styled(words, "none")
        return left
