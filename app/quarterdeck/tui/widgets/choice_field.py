"""A field with a few values, of which left, right or space takes the next one."""

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from quarterdeck.model.hostile_text import clean

UNSET = "–"


class ChoiceField(Widget, can_focus=True):
    """Shows one value of several; labels are an agent's words and only text."""

    DEFAULT_CSS = """
    ChoiceField { height: 1; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "turn(1)", "next value", show=False),
        Binding("left", "turn(-1)", "previous value", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice-field--arrow", "choice-field--value"}

    def __init__(
        self, choices: list[tuple[Any, str]], value: Any = None, *, id: str | None = None
    ) -> None:
        """Show one of `choices`.

        Args:
            choices: Value and label of each.
            value: Which one to begin with, if it is among them; else the first.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._choices = choices
        values = [known for known, _ in choices]
        self._at = values.index(value) if value in values else 0

    @property
    def value(self) -> Any:
        """The value that is shown."""
        return self._choices[self._at][0]

    def action_turn(self, step: int) -> None:
        """Take the next value, around the end."""
        self._at = (self._at + step) % len(self._choices)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Take the next value."""
        self.action_turn(1)

    def render(self) -> Content:
        """Render the value between its arrows."""
        arrow = self.get_visual_style("choice-field--arrow")
        label = clean(self._choices[self._at][1], strict=True).replace("\n", "⏎")
        shown = Content.styled(label, self.get_visual_style("choice-field--value"))
        told = Content.styled("‹ ", arrow) + shown + Content.styled(" ›", arrow)
        return told.truncate(self.size.width, ellipsis=True)
