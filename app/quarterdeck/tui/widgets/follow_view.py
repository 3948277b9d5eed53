"""A line view that can stay at its growing end."""

from dataclasses import dataclass
from typing import Any

from textual.message import Message
from textual.reactive import var

from quarterdeck.tui.widgets.line_view import LineView


class FollowView(LineView):
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
        """Show the last lines."""
        self.scroll_to(y=self.max_scroll_y, force=True)

    def tell_new_below(self) -> None:
        """Note that something came which is not on the screen; told once until followed."""
        if not self.follow and not self.new_below:
            self.new_below = True
            self.tell(self.FollowChanged(self, False, new_below=True))

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        if self.follow:
            self.to_end()
        self.follow = True
