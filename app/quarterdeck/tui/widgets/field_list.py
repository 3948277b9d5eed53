"""Labelled values, one under the other, folded so that nothing of a value is cut."""

from typing import ClassVar

from textual.content import Content
from textual.widget import Widget

from quarterdeck.tui.folding import wrap

LABEL_CELLS = 11


class FieldList(Widget):
    """What stands above the text of an approval."""

    DEFAULT_CSS = """
    FieldList { height: auto; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"field-list--label", "field-list--value"}

    def __init__(self, fields: tuple[tuple[str, str], ...], *, id: str | None = None) -> None:
        """Show `fields`: pairs of label and value."""
        super().__init__(id=id)
        self._fields = fields

    def show(self, fields: tuple[tuple[str, str], ...]) -> None:
        """Replace the fields."""
        if fields != self._fields:
            self._fields = fields
            self.refresh(layout=True)

    def rows_at(self, width: int) -> int:
        """Return how many rows the fields take in `width` cells."""
        return sum(len(_folded(value, width)) for _, value in self._fields)

    def render(self) -> Content:
        """Render labels in one column, values in the other."""
        label_style = self.get_visual_style("field-list--label")
        value_style = self.get_visual_style("field-list--value")
        rows: list[Content] = []
        for label, value in self._fields:
            for index, part in enumerate(_folded(value, self.size.width)):
                name = "" if index else label
                rows.append(
                    Content.styled(name.ljust(LABEL_CELLS), label_style)
                    + Content.styled(part, value_style)
                )
        return Content("\n").join(rows)


def _folded(value: str, width: int) -> list[str]:
    return wrap(value, width - LABEL_CELLS)
