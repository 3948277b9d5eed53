"""Completion while one writes: files after `@`, the agent's commands after a first `/`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual.binding import BindingType

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.tui.widgets.row_list import Cell, ListRow, RowList

MOST_ROWS = 6
_FILE = re.compile(r"(?:^|(?<=\s))@(\S*)$")
_COMMAND = re.compile(r"^/(\S*)$")
_NAME_CELLS = 24
_LONGEST_WORDS = 200


class Completes(StrEnum):
    """What is being completed."""

    FILE = "@"
    COMMAND = "/"


@dataclass(frozen=True, slots=True)
class Partial:
    """The unfinished word before the cursor."""

    kind: Completes
    row: int
    start: int
    """Column of its sign."""
    words: str
    """What stands after the sign."""

    @property
    def place(self) -> tuple[Completes, int, int]:
        """What stays the same while the word is written on."""
        return self.kind, self.row, self.start


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can stand for the unfinished word."""

    name: str
    """Safe and of one line: a name that is not could not be written in a prompt anyway."""
    about: str = ""


def partial_at(row: int, before: str) -> Partial | None:
    """Return the word to complete, if there is one.

    Args:
        row: The row of the cursor.
        before: The text before the cursor in its row.
    """
    kind = Completes.FILE
    found = _FILE.search(before)
    if found is None and row == 0:
        kind, found = Completes.COMMAND, _COMMAND.match(before)
    if found is None or len(found.group(1)) > _LONGEST_WORDS:
        return None
    return Partial(kind, row, found.start(1) - 1, found.group(1))


def commands_for(words: str, offered: Sequence[tuple[str, str]]) -> list[Choice]:
    """Return the commands that begin with `words`, then those that have it elsewhere."""
    wanted = words.lower()
    named = [Choice(clean_line(name), clean_line(about)) for name, about in offered if name]
    first = [choice for choice in named if choice.name.lower().startswith(wanted)]
    rest = [choice for choice in named if wanted in choice.name.lower() and choice not in first]
    return first + rest


class CompletionList(RowList, can_focus=False):
    """The choices, laid over the screen above the prompt; the editor keeps the focus."""

    DEFAULT_CSS = """
    CompletionList { overlay: screen; height: 1; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []

    @property
    def open(self) -> bool:
        """Whether it is shown and has choices."""
        return bool(self.display and self.rows)

    def offer(self, kind: Completes, choices: Sequence[Choice], problem: str = "") -> None:
        """Show choices, or why there are none; without either it is closed."""
        if not choices and not problem:
            self.close()
            return
        self.say_empty(problem)
        unique = {choice.name: choice for choice in choices}
        self.set_rows([_row(kind, choice) for choice in unique.values()])
        if choices:
            self.select(choices[0].name)
        rows = max(1, min(len(unique), MOST_ROWS))
        self.styles.height = rows
        self.styles.offset = (0, -rows)
        self.display = True

    def close(self) -> None:
        """Show it no longer."""
        if self.display:
            self.display = False


def _row(kind: Completes, choice: Choice) -> ListRow:
    if kind is Completes.FILE:
        return ListRow(choice.name, (Cell(choice.name, "text"),))
    name = Cell(f"/{choice.name}", "accent", _NAME_CELLS)
    return ListRow(choice.name, (name, Cell(choice.about, "muted")))
