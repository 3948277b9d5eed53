"""What a benchmark says: one row for each thing measured, and how a row is written down."""

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """What a row must keep, each part None where nothing is asked.

    Attributes:
        p50: Most at the median, in the row's unit.
        p99: Most at the 99th percentile, in the row's unit.
        ratio: Most of the value divided by the reference's, both taken in the same run.
        least: Least of the value, in the row's unit.
        least_ratio: Least of the value divided by the reference's.
    """

    p50: float | None = None
    p99: float | None = None
    ratio: float | None = None
    least: float | None = None
    least_ratio: float | None = None

    def __str__(self) -> str:
        said = (
            ("p50 ≤", self.p50, ""),
            ("p99 ≤", self.p99, ""),
            ("≤", self.ratio, " ×"),
            ("≥", self.least, ""),
            ("≥", self.least_ratio, " ×"),
        )
        return ", ".join(
            f"{sign} {value:g}{unit}" for sign, value, unit in said if value is not None
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured.

    Attributes:
        name: What, in words.
        unit: Of the figures.
        p50: The median, or the one figure there is.
        p99: The 99th percentile, or the one figure there is.
        count: How many times it was taken.
        limit: What it must keep.
        reference: The same of what it is compared with, in the same unit; None without one.
        against: What it is compared with.
        note: What has to be known to read the figures.
        load: Processes that wanted to run on this machine during the last minute.
    """

    name: str
    unit: str
    p50: float
    p99: float
    count: int = 1
    limit: Limit = Limit()
    reference: float | None = None
    against: str = ""
    note: str = ""
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    @property
    def ratio(self) -> float | None:
        """The median divided by the reference."""
        if not self.reference:
            return None
        return self.p50 / self.reference

    @property
    def met(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        asked, ratio = self.limit, self.ratio
        checks = [
            asked.p50 is None or self.p50 <= asked.p50,
            asked.p99 is None or self.p99 <= asked.p99,
            asked.least is None or self.p50 >= asked.least,
            asked.ratio is None or (ratio is not None and ratio <= asked.ratio),
            asked.least_ratio is None or (ratio is not None and ratio >= asked.least_ratio),
        ]
        return None if asked == Limit() else all(checks)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON writes it."""
        return asdict(self) | {"ratio": self.ratio, "met": self.met}


def row(name: str, unit: str, values: Sequence[float], **more: Any) -> Row:
    """Return the row of several measurements of the same thing."""
    if not values:
        raise ValueError(f"{name}: nothing was measured")
    return Row(name, unit, quantile(values, 0.5), quantile(values, 0.99), len(values), **more)


def quantile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that at least this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(max(math.ceil(part * len(ordered)) - 1, 0), len(ordered) - 1)]


HEADS = ("what", "unit", "p50", "p99", "n", "compared with", "ratio", "budget", "met", "load")


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as one Markdown table, notes below it."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    notes: list[str] = []
    for found in rows:
        name = found.name
        if found.note:
            if found.note not in notes:
                notes.append(found.note)
            name += f" [{notes.index(found.note) + 1}]"
        compared = "" if found.reference is None else f"{found.against} {_figure(found.reference)}"
        cells = (
            name,
            found.unit,
            _figure(found.p50),
            _figure(found.p99) if found.count > 1 else "",
            str(found.count),
            compared,
            "" if found.ratio is None else f"{found.ratio:.2f}",
            str(found.limit),
            {True: "yes", False: "**no**", None: ""}[found.met],
            f"{found.load:.1f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    said = [f"[{number}] {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*lines, "", *said]).rstrip() + "\n"


def _figure(value: float) -> str:
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
