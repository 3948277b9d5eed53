"""How a person left the screen: kept in the state directory, a hint and never more than that.

What cannot be read of it is left out and said; what cannot be written is said once.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quarterdeck.tui.listed import Grouping, Order
from quarterdeck.tui.own_file import NO_FILE, OwnFile

SHARES = (20, 80)
"""The least and the most that the list has of the screen, in percent."""
FOLDED_LIMIT = 1_000
SIZE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """What is remembered from one start to the next."""

    theme: str = ""
    """Empty as long as none was chosen."""
    zoomed: bool = False
    pane: str = "output"
    split: str = ""
    """The pane shown beside it; empty if the screen is not split."""
    order: Order = Order.ATTENTION
    grouping: Grouping = Grouping.NONE
    folded: tuple[str, ...] = ()
    """Keys of the groups of which only the header is shown."""
    share: int = 0
    """How much of the screen the list has, in percent; 0 for what the style sheet gives it."""


class LayoutFile:
    """Where the layout of one state directory lies."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read before it is asked for."""
        self._file = OwnFile(path, "the layout", size_limit=SIZE_LIMIT)

    def read(self) -> tuple[Layout, str]:
        """Return the layout, and what was wrong with the file; a broken one changes nothing."""
        given, problem = self._file.read()
        return _taken(given), problem

    def write(self, layout: Layout) -> str:
        """Replace the file; return what went wrong, or nothing."""
        return self._file.write(asdict(layout))


class NoLayoutFile(LayoutFile):
    """Remembers nothing: every start is the first."""

    def __init__(self) -> None:
        super().__init__(NO_FILE)


def _taken(given: dict[str, Any]) -> Layout:
    """Return the layout of a file, leaving out what is not as it should be."""
    least, most = SHARES
    share, folded = given.get("share"), given.get("folded")
    return Layout(
        theme=_text(given.get("theme")),
        zoomed=given.get("zoomed") is True,
        pane=_text(given.get("pane")) or Layout().pane,
        split=_text(given.get("split")),
        order=_one_of(Order, given.get("order"), Order.ATTENTION),
        grouping=_one_of(Grouping, given.get("grouping"), Grouping.NONE),
        folded=tuple(key for key in folded if isinstance(key, str))[:FOLDED_LIMIT]
        if isinstance(folded, list)
        else (),
        share=share if type(share) is int and least <= share <= most else 0,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 100 else ""


def _one_of(kind: Any, value: Any, otherwise: Any) -> Any:
    return kind(value) if isinstance(value, str) and value in list(kind) else otherwise
