"""A section of the help: a heading, and a line for each key, wrapped where it must be."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from quarterdeck.model.hostile_text import clean_line

KEY_ROOM = 8
"""Cells of the column of keys."""
LEAST_TEXT = 10


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One line of a section."""

    key: str
    text: str
    found_by: str
    """Lower-case words it is found by when a person types to filter."""


class KeyTable(Widget):
    """Draws a whole section by itself: a widget for each row would cost seconds to lay out."""

    DEFAULT_CSS = "KeyTable { height: auto; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "key-table--heading",
        "key-table--key",
        "key-table--text",
    }

    def __init__(self, heading: str, rows: Sequence[KeyRow]) -> None:
        """Show all `rows` under `heading`."""
        super().__init__()
        self._heading, self._all = heading, tuple(rows)
        self._rows = self._all

    @property
    def rows(self) -> tuple[KeyRow, ...]:
        """The rows shown."""
        return self._rows

    def narrow(self, words: Sequence[str]) -> None:
        """Show only the rows that are found by all words, and nothing if there is none."""
        rows = tuple(row for row in self._all if all(word in row.found_by for word in words))
        if rows != self._rows:
            self._rows = rows
            self.display = bool(rows)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines it takes at a width."""
        return 1 + sum(len(_wrapped(row.text, width)) for row in self._rows)

    def render(self) -> Content:
        """Render the heading and the rows."""
        heading, key, text = (
            self.get_visual_style(f"key-table--{name}") for name in ("heading", "key", "text")
        )
        lines = [Content.styled(self._heading, heading)]
        for row in self._rows:
            shown = clean_line(row.key)
            for part in _wrapped(row.text, self.content_size.width):
                column = shown + " " * max(KEY_ROOM - cell_len(shown), 1)
                lines.append(Content.styled(column, key) + Content.styled(part, text))
                shown = ""
        return Content("\n").join(lines)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(clean_line(text), max(width - KEY_ROOM, LEAST_TEXT)) or [""]
