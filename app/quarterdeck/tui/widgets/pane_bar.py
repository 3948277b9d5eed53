"""The head of the panes: which one is shown, and of which session."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.tui.widgets.ages import moment_text
from quarterdeck.tui.widgets.glyphs import UNICODE, state_word

PANES = (
    ("output", "1", "Output"),
    ("trace", "2", "Trace"),
    ("diff", "3", "Diff"),
    ("plan", "4", "Plan"),
    ("info", "5", "Info"),
)
"""Name, key and word of each pane, in order."""
TITLE_ROOM = 18
"""Cells the title keeps before since when, and known from what, the state is gets a place."""
ABOUT_ROOM = 34
"""Cells left for the session from which on every pane is named; below, only the one shown is."""
NAMES_ROOM = sum(len(f" {key} {word} ") for _, key, word in PANES)


class PaneBar(Widget):
    """One line: the panes with their keys, then the session's title, agent and state."""

    DEFAULT_CSS = """
    PaneBar { height: 1; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane-bar--shown",
        "pane-bar--other",
        "pane-bar--title",
        "pane-bar--about",
    }

    @dataclass
    class Chosen(Message):
        """A pane was clicked."""

        pane: str
        second: bool
        """Whether in the head of a second pane, which names no session."""

    def __init__(self, *, tz: tzinfo | None = None, id: str | None = None) -> None:
        """Show the Output of no session; times are of `tz`, None is the machine's."""
        super().__init__(id=id)
        self._tz = tz
        self._pane = PANES[0][0]
        self._session: tuple[str, str, str, str, str, str] | None = None
        self._note = ""
        self._stale = False

    def show(self, pane: str, session: SessionView | None, note: str) -> None:
        """Show which pane is open, of which session, and a note such as `paused`."""
        about = None
        if session is not None:
            title = session.title or session.session_id
            since = moment_text(session.state_since, self._tz)
            since = f" since {since}" if since else ""
            state = (session.state, since, session.state_source)
            about = (session.attention, title, session.agent, *state)
        if (pane, about, note) != (self._pane, self._session, self._note):
            self._pane, self._session, self._note = pane, about, note
            self.refresh()

    def say_stale(self, stale: bool) -> None:
        """Tell whether the state shown may no longer be true."""
        if stale != self._stale:
            self._stale = stale
            self.refresh()

    def _styled(self, text: str, name: str) -> Content:
        return Content.styled(text, self.get_visual_style(f"pane-bar--{name}"))

    def _tabs(self) -> list[tuple[str, str]]:
        about = (ABOUT_ROOM if self._session else 0) + len(self._note)
        wide = self.size.width - NAMES_ROOM >= about
        return [
            (pane, f"{key} {word}" if wide or pane == self._pane else key)
            for pane, key, word in PANES
        ]

    def render(self) -> Content:
        """Render panes, then session; the title gives way first."""
        line = Content("")
        for pane, words in self._tabs():
            line += self._styled(f" {words} ", "shown" if pane == self._pane else "other")
        if self._session is None:
            line += self._styled(f"  {self._note}", "about")
            return line.truncate(self.size.width, ellipsis=True)
        attention, title, agent, state, since, source = self._session
        note = f"  {self._note}" if self._note else ""
        was = "stale, was " if self._stale else ""
        words = f"  {clean_line(agent)} · {was}{state_word(state)}"
        about = self._styled(f"{words}{note} ", "about")
        for more in (f"{since}, by {clean_line(source)}" if source else since, since):
            longer = self._styled(f"{words}{more}{note} ", "about")
            if self.size.width - line.cell_length - longer.cell_length >= TITLE_ROOM:
                about = longer
                break
        room = self.size.width - line.cell_length - about.cell_length
        if room < 8:
            return line + about.truncate(max(self.size.width - line.cell_length, 0), ellipsis=True)
        glyph = UNICODE.stale if self._stale else UNICODE.for_attention(attention)
        title_part = self._styled(f"  {glyph} {clean_line(title)}", "title")
        title_part = title_part.truncate(room, ellipsis=True)
        return line + title_part.pad_right(max(room - title_part.cell_length, 0)) + about

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked pane."""
        offset = event.get_content_offset(self)
        start = 0
        for pane, words in self._tabs():
            end = start + len(words) + 2
            if offset is not None and start <= offset.x < end:
                self.post_message(self.Chosen(pane, self.id == "second-bar"))
            start = end
