"""A line view that can stay at its growing end."""

from dataclasses import dataclass
from typing import Any

from textual.message import Message
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip

from quarterdeck.tui.widgets.findable_view import FindableView, with_places

MAX_SELECTED = 5_000
"""Lines of a selection that are copied."""


class FollowView(FindableView):
    """Follows its end until the person scrolls up; subclasses bind the key that follows again."""

    follow: var[bool] = var(True, init=False)
    """Whether the view stays at the end."""

    @dataclass
    class FollowChanged(Message):
        """Following went on or off, or something new came below while it is off."""

        view: "FollowView"
        follow: bool
        new_below: bool = False

        @property
        def control(self) -> "FollowView":
            """The view."""
            return self.view

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.new_below = False
        """Whether lines came below the screen since following went off."""

    def watch_follow(self, follow: bool) -> None:
        """Say so; what came below is then either seen or not there yet."""
        self.new_below = False
        self.tell(self.FollowChanged(self, follow))
        if follow:
            self.to_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when the person scrolls up; clamping to a new end is no scrolling."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and round(new_value) < self.max_scroll_y:
            self.follow = False

    def to_end(self) -> None:
        """Show the last lines with the next frame.

        Where a scroll bar comes with them only the layout tells how many there is room for: once
        that was done they are shown again, if that is still wanted by then.
        """
        self._end_if_followed()
        self.call_after_refresh(self._end_if_followed)

    def _end_if_followed(self) -> None:
        if self.follow and self.page > 0:
            self.scroll_to(y=self.max_scroll_y, force=True, immediate=True)

    def tell_new_below(self) -> None:
        """Note that something came which is not on the screen; told once until followed."""
        if not self.follow and not self.new_below:
            self.new_below = True
            self.tell(self.FollowChanged(self, False, new_below=True))

    # Selecting with the mouse

    def line_text(self, line: int) -> str:
        """Return the text a line is drawn with, as far as it is known."""
        return ""

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen from which Textual learns what is under the mouse.

        A place is a style of its own to Textual and Rich, and they keep thousands of those. So
        no line is painted with its places: they are for the mouse, which asks for one line.
        """
        strip, line = self.painted_line(y), self.top + y
        return strip.apply_offsets(0, line) if line < self.virtual_size.height else strip

    def with_selected(self, strip: Strip, line: int) -> Strip:
        """Return a drawn line with what is selected of it marked."""
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        if span is None:
            return strip
        end = len(strip.text) if span[1] < 0 else span[1]
        look = self.screen.get_component_rich_style("screen--selection", partial=True)
        return with_places(strip, [(span[0], end, look)])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text; of a very long selection its first lines."""
        start, end = selection
        first = start.y if start is not None else 0
        last = end.y if end is not None else self.virtual_size.height - 1
        found: list[str] = []
        for line in range(max(0, first), min(last + 1, first + MAX_SELECTED)):
            span = selection.get_span(line)
            if span is not None:
                text = self.line_text(line)
                found.append((text[span[0] :] if span[1] < 0 else text[slice(*span)]).rstrip())
        return ("\n".join(found), "\n") if found else None

    def selection_updated(self, selection: Selection | None) -> None:
        """Repaint what is selected now, and what was."""
        self.refresh()

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        if self.follow:
            self.to_end()
        self.follow = True
