"""A pane of text that is replaced as a session goes on, with the place one reads at kept."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from quarterdeck.model.hostile_text import clean
from quarterdeck.tui.widgets.folded_text import FoldedText


class ReadingView(FoldedText):
    """Folded text with the keys of the other panes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup", "scroll_page_up", "Page up", show=False),
        Binding("pagedown,space", "scroll_page_down", "Page down", show=False),
        Binding("home,g", "scroll_home", "First", show=False),
        Binding("end,G", "scroll_end", "Last", show=False),
    ]

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        """Show `text`."""
        super().__init__(text, id=id)
        self._put = text

    @property
    def text(self) -> str:
        """What is shown, as safe text."""
        return clean(self._put)

    def put(self, text: str, *, afresh: bool = False) -> None:
        """Show `text`; equal text costs nothing.

        Args:
            text: Raw text; it is cleaned when it is folded.
            afresh: Whether it is about something else, so that its top is shown.
        """
        if text == self._put and not afresh:
            return
        place = 0 if afresh else self.scroll_offset.y
        self._put = text
        self.show(text)
        if place:
            self.scroll_to(y=place)
