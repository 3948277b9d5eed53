"""Drawing what changed, and nothing else: Textual's compositor without what is covered.

For a partial update Textual has every widget that overlaps the union of all changed regions draw
itself, the containers behind included, and cuts up each of their lines. With a list, two bars and
a pane that is most of the screen for a scroll bar whose thumb grew by an eighth of a cell. Here a
widget draws only lines of which something is wanted that no widget in front of it has drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen
    from textual.strip import Strip

Spans = Mapping[int, Sequence[tuple[int, int]]]
"""By line of the screen, from which cell to before which something is wanted."""
Chops = list[dict[int, "Strip | None"]]
"""By line of the screen, the pieces drawn by the cell at which they start."""


class LeanCompositor(Compositor):
    """Draws the same as its base (`tests/tui/test_lean_compositor.py`), from fewer lines."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what changed since the last update, None if nothing did."""
        regions = self._dirty_regions.copy()
        self._dirty_regions.clear()
        if not regions:
            return None
        spans = list(self._regions_to_spans(regions))
        wanted: dict[int, list[tuple[int, int]]] = {}
        for y, first, end in spans:
            wanted.setdefault(y, []).append((first, end))
        ends = [cuts[1:] for cuts in self.cuts]
        return ChopsUpdate(cast("Any", self._drawn(wanted)), spans, ends)

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        """Return all pieces of the lines asked for, as far as they lie in `crop`."""
        span = (crop.x, crop.right)
        wanted = {y: (span,) for y in crop.line_range if is_rendered_line(y)}
        return cast("Any", self._drawn(wanted))

    def _drawn(self, wanted: Spans) -> Chops:
        cuts = self.cuts
        chops: Chops = [dict.fromkeys(line[:-1]) for line in cuts]
        missing = {y: found for y, found in _missing(cuts, wanted) if found}
        for widget, (region, clip) in self.visible_widgets.items():
            if not missing:
                break
            area = region.intersection(clip)
            first_cut, last_cut = area.column_span
            lines = [
                y
                for y in area.line_range
                if y in missing and any(first_cut <= cut < last_cut for cut in missing[y])
            ]
            for first, end in _runs(lines):
                inside = Region(area.x - region.x, first - region.y, area.width, end - first)
                for y, strip in zip(range(first, end), widget.render_lines(inside), strict=False):
                    at = [cut for cut in cuts[y] if first_cut <= cut <= last_cut]
                    pieces = strip.divide([cut - first_cut for cut in at[1:]])
                    _put(chops[y], missing, y, zip(at, pieces, strict=False))
        return chops


def lean(screen: Screen[Any]) -> None:
    """Have a screen that was not drawn yet drawn by a lean compositor."""
    screen._compositor = LeanCompositor()


def _missing(cuts: list[list[int]], wanted: Spans) -> Iterator[tuple[int, set[int]]]:
    """Give out, by line, the cells at which wanted pieces start."""
    for y, spans in wanted.items():
        if 0 <= y < len(cuts):
            yield (
                y,
                {
                    cut
                    for cut, end in pairwise(cuts[y])
                    if any(cut < last and end > first for first, last in spans)
                },
            )


def _runs(lines: list[int]) -> Iterator[tuple[int, int]]:
    """Give out ascending lines as ranges, each without a gap."""
    first = 0
    for index in range(1, len(lines) + 1):
        if index == len(lines) or lines[index] != lines[index - 1] + 1:
            yield lines[first], lines[index - 1] + 1
            first = index


def _put(
    line: dict[int, Strip | None],
    missing: dict[int, set[int]],
    y: int,
    pieces: Iterable[tuple[int, Strip]],
) -> None:
    """Put pieces where none was drawn yet; what is in front was drawn before."""
    left = missing[y]
    for cut, piece in pieces:
        if line[cut] is None:
            line[cut] = piece
        left.discard(cut)
    if not left:
        del missing[y]
