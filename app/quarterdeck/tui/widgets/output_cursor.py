"""Which block of the output a key means: the one marked, else one that is on the screen."""

from dataclasses import dataclass

from quarterdeck.tui.widgets.output_blocks import Block, BlockKind, OutputBlocks
from quarterdeck.tui.widgets.output_layout import OutputLayout

_SILENT = (BlockKind.NOTE, BlockKind.TURN_END)
"""Blocks with which nothing can be done."""


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """Where a person was in the output of a run, told by events, which stay what they are."""

    run_id: str
    read_to: int
    """The last seq whose output was held then."""
    follow: bool
    seq: int
    """The event that the block at the top of the screen began with."""
    piece: int
    """Which of the pieces of its message that block was."""
    row: int
    """Which of its lines was the first on the screen."""
    opened: frozenset[int]
    """The events with which the unfolded cards began."""


class BlockCursor:
    """The mark on one block; a message in pieces counts as one."""

    def __init__(self, blocks: OutputBlocks, layout: OutputLayout) -> None:
        self._blocks, self._layout = blocks, layout
        self._number: int | None = None

    @property
    def marked(self) -> list[Block]:
        """The block with the mark, all pieces of it; empty if there is none."""
        if self._number is None or not self._blocks.blocks:
            return []
        index = min(self._blocks.index_of(self._number), len(self._blocks) - 1)
        return self._blocks.whole(self._blocks.blocks[index])

    def mark(self, block: Block | None) -> None:
        """Put the mark on a block."""
        self._number = block.number if block else None

    def lines(self) -> tuple[int, int]:
        """Return the first line of the marked block and the one behind its last."""
        marked = self.marked
        if not marked:
            return 0, 0
        first = self._blocks.index_of(marked[0].number)
        last = first + len(marked) - 1
        end = self._layout.start(last + 1)
        spaced = marked[-1].spaced or (marked[-1].card is not None and marked[-1].card.opened)
        return self._layout.start(first), end - spaced

    def meant(self, top: int, page: int, *, from_end: bool) -> Block | None:
        """Return the block a key means, and mark it.

        Args:
            top: The first line on the screen.
            page: How many lines are on it.
            from_end: Whether to look from the bottom up where nothing marked is on the screen.
        """
        blocks = self._blocks.blocks
        marked = self.marked
        first, end = self.lines()
        if marked and first < top + page and end > top:
            return marked[0]
        if not blocks or page <= 0:
            return None
        upper, _ = self._layout.locate(top)
        lower, _ = self._layout.locate(top + page - 1)
        order = range(lower, upper - 1, -1) if from_end else range(upper, lower + 1)
        found = next((blocks[i] for i in order if blocks[i].kind not in _SILENT), None)
        if found is not None:
            self.mark(found)
        return found

    def beside(self, block: Block, step: int) -> Block | None:
        """Return the next block or the one before, past those nothing can be done with."""
        whole = self._blocks.whole(block)
        if not whole:
            return None
        index = self._blocks.index_of((whole[-1] if step > 0 else whole[0]).number) + step
        blocks = self._blocks.blocks
        while 0 <= index < len(blocks):
            if blocks[index].kind not in _SILENT:
                return self._blocks.whole(blocks[index])[0]
            index += step
        return None
