"""A line of keys with what they do now; a click does what the key does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

from quarterdeck.tui.keys import KeyAction, Where, keys_of

GAP = 3


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key as it stands on the line."""

    shown: str
    label: str
    action: str = ""
    """Run on the screen when clicked; empty for none."""
    ready: bool = True

    @classmethod
    def of(cls, entry: KeyAction, *, ready: bool = True) -> "KeyHint":
        """Make the hint of an action."""
        return cls(entry.shown, entry.label, entry.action, ready)

    @property
    def cells(self) -> int:
        """Cells the hint takes."""
        return cell_len(self.shown) + 1 + cell_len(self.label)


def line_hints(place: Where, done: str) -> list[KeyHint]:
    """Return the hints while a line of a dialog is written in, which takes its other keys.

    Args:
        place: Whose keys the dialog has; what leaves it leaves the line first.
        done: What enter does with the line, one or two words.
    """
    leaving = next(entry for entry in keys_of(place) if entry.action == "leave")
    return [KeyHint("enter", done), KeyHint(leaving.shown, "give up", leaving.action)]


def rows_of(hints: Iterable[KeyHint], width: int, gap: int = GAP) -> list[list[KeyHint]]:
    """Break hints into rows of at most `width` cells."""
    rows: list[list[KeyHint]] = [[]]
    used = 0
    for hint in hints:
        cells = hint.cells + (gap if rows[-1] else 0)
        if used + cells > width and rows[-1]:
            rows.append([])
            used, cells = 0, hint.cells
        rows[-1].append(hint)
        used += cells
    return rows


class KeyLine(Widget):
    """The footer, and the choices of a dialog."""

    DEFAULT_CSS = """
    KeyLine { height: 1; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "key-line--key",
        "key-line--label",
        "key-line--off",
    }

    def __init__(self, *, rows: int = 1, gap: int = GAP, id: str | None = None) -> None:
        """Show nothing yet.

        Args:
            rows: How many rows there may be; hints that do not fit are left out.
            gap: Cells between two hints.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._most, self._gap = rows, gap
        self._hints: tuple[KeyHint, ...] = ()

    def show(self, hints: Sequence[KeyHint]) -> None:
        """Show these hints, most important first."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.refresh()

    def _placed(self) -> list[list[KeyHint]]:
        return rows_of(self._hints, self.size.width, self._gap)[: self._most]

    def render(self) -> Content:
        """Render what fits."""
        lines: list[Content] = []
        for row in self._placed():
            parts: list[Content] = []
            for hint in row:
                key = "key" if hint.ready else "off"
                label = "label" if hint.ready else "off"
                parts.append(
                    Content.styled(hint.shown, self.get_visual_style(f"key-line--{key}"))
                    + Content.styled(f" {hint.label}", self.get_visual_style(f"key-line--{label}"))
                )
            lines.append(Content(" " * self._gap).join(parts))
        return Content("\n").join(lines)

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked key does."""
        offset = event.get_content_offset(self)
        rows = self._placed()
        if offset is None or not 0 <= offset.y < len(rows):
            return
        start = 0
        for hint in rows[offset.y]:
            if start <= offset.x < start + hint.cells and hint.action:
                await self.screen.run_action(hint.action)
                return
            start += hint.cells + self._gap
