"""Printing: JSON for scripts; for people cleaned text, and tables where there is a terminal."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quarterdeck.model.clock import from_iso, now_ms
from quarterdeck.model.hostile_text import clean, clean_line


@dataclass(frozen=True)
class Output:
    """Results go to stdout, everything else to stderr."""

    json: bool

    def emit(self, value: Any, text: str) -> None:
        """Print a result: `value` as one line of JSON, or `text`, cleaned."""
        self.line(json.dumps(value) if self.json else clean(text))

    def note(self, text: str) -> None:
        """Print a message for the person, on stderr."""
        print(clean(text), file=sys.stderr, flush=True)  # noqa: T201

    def line(self, text: str) -> None:
        """Print one line or block on stdout as it is, at once."""
        print(text, flush=True)  # noqa: T201

    def write(self, text: str) -> None:
        """Print a piece of text on stdout as it is, at once, with no newline of ours."""
        print(text, end="", flush=True)  # noqa: T201

    def table(self, value: Any, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print `value` as JSON, or rows: a table on a terminal, else fields between tabs."""
        if self.json:
            self.line(json.dumps(value))
        elif sys.stdout.isatty():
            _draw(head, rows)
        else:
            for row in rows:
                self.line("\t".join(clean_line(cell) for cell in row))


def _draw(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[:-1]:
        column.no_wrap = True
    for row in rows:
        # Text, not str: what an agent wrote is never read as markup (DESIGN §5).
        table.add_row(*(Text(clean_line(cell)) for cell in row))
    Console(highlight=False, emoji=False).print(table)


def age(at: str) -> str:
    """Return how long ago an ISO time was, in its greatest unit: `5s`, `3m`, `2h`, `4d`."""
    seconds = max(0, (now_ms() - from_iso(at)) // 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def short_id(identifier: str) -> str:
    """Return an id as a person gets it: short on a terminal, whole where it is piped on."""
    from quarterdeck.model.ids import short

    return short(identifier) if sys.stdout.isatty() else identifier
