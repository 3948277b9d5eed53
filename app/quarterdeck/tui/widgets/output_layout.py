"""Where each block of the output stands, and the lines of those that are on the screen."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from itertools import accumulate
from typing import Protocol

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from quarterdeck.tui.widgets.output_blocks import (
    MAX_LINES,
    MAX_MARKDOWN,
    Block,
    BlockKind,
    OutputBlocks,
)
from quarterdeck.tui.widgets.output_lines import Looks, block_lines
from quarterdeck.tui.widgets.text_rows import TextRows

_MAX_PARSED = 16_384
"""Characters of a piece of a message beyond which parsing would be felt."""
_MAX_LAID = 256
_MAX_STRIPS = 20_000
_MAX_DRAWN = 512
"""Lines of a text that are kept drawn: more than are on a screen."""


class Laid(Protocol):
    """A block laid out at one width."""

    version: int

    def __len__(self) -> int:
        """Return its number of lines."""
        ...

    def strip(self, row: int) -> Strip:
        """Return one line."""
        ...


class LaidStrips:
    """Lines that are drawn already."""

    def __init__(self, version: int, strips: list[Strip]) -> None:
        self.version = version
        self.strips = strips

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.strips)

    def strip(self, row: int) -> Strip:
        """Return one line."""
        return self.strips[row]


class LaidText:
    """A long or growing text: only its rows' places are kept, a line is drawn when shown."""

    def __init__(self, block: Block, width: int, style: Style) -> None:
        self._style = style
        self._width = width
        self._rows = TextRows(width, by_word=block.size <= MAX_MARKDOWN)
        self._drawn: dict[int, Strip] = {}
        self.extend(block)

    def extend(self, block: Block) -> None:
        """Take in what was added to the block."""
        self.version = block.version
        self._text = block.text
        for row in [row for row in self._drawn if row >= len(self._rows) - 1]:
            del self._drawn[row]
        self._rows.extend(self._text)
        self._note = ""
        if block.hidden_chars:
            self._note = f"… {block.hidden_chars:,} characters more (open the trace)"

    def __len__(self) -> int:
        """Return the number of lines, a blank one at the end."""
        return len(self._rows) + bool(self._note) + 1

    def offset(self, row: int) -> int:
        """Return where in the text a line begins."""
        return self._rows.start(row) if row < len(self._rows) else len(self._text)

    def span(self, row: int) -> tuple[int, int] | None:
        """Return where the text of a line begins and ends; None if the line is none of it."""
        if row >= len(self._rows):
            return None
        return self._rows.start(row), self._rows.end_of(row)

    def row_of(self, offset: int) -> int:
        """Return the line in which an offset of the text lies."""
        return self._rows.row_at(offset)

    def strip(self, row: int) -> Strip:
        """Draw one line, unless it was drawn before."""
        strip = self._drawn.get(row)
        if strip is None:
            if row < len(self._rows):
                text = self._rows.row(self._text, row)
            else:
                text = self._note if row == len(self._rows) else ""
            segment = Segment(text, self._style)
            strip = Strip([segment]).adjust_cell_length(self._width, self._style)
            if len(self._drawn) >= _MAX_DRAWN:
                self._drawn.clear()
            self._drawn[row] = strip
        return strip


class OutputLayout:
    """Blocks below each other; the height of a block not seen yet is an estimate."""

    def __init__(self, blocks: OutputBlocks, looks: Callable[[], Looks]) -> None:
        self._blocks = blocks
        self._looks = looks
        self.width = 0
        self._heights: dict[int, tuple[int, int]] = {}
        self._laid: OrderedDict[int, Laid] = OrderedDict()
        self._strips = 0
        self._starts: list[int] | None = None

    def resize(self, width: int) -> None:
        """Lay everything out anew at another width."""
        self.width = width
        self._heights.clear()
        self.restyle()

    def restyle(self) -> None:
        """Draw everything anew; heights stay."""
        self._laid.clear()
        self._strips = 0
        self._starts = None

    def changed(self) -> None:
        """Take in that blocks were added, dropped or changed."""
        self._starts = None
        if len(self._heights) > 2 * len(self._blocks) + 64:
            kept = {block.number for block in self._blocks.blocks}
            self._heights = {n: h for n, h in self._heights.items() if n in kept}

    @property
    def height(self) -> int:
        """Lines of all blocks together."""
        return self._all_starts()[-1]

    def start(self, index: int) -> int:
        """Return the line a block starts at."""
        return self._all_starts()[index]

    def locate(self, line: int) -> tuple[int, int]:
        """Return the index of the block a line belongs to, and which of its lines it is."""
        starts = self._all_starts()
        index = max(0, min(bisect_right(starts, line) - 1, len(starts) - 2))
        return index, line - starts[index]

    def realise(self, index: int) -> int:
        """Lay a block out if need be, and return its height, which is no estimate then."""
        block = self._blocks.blocks[index]
        known = self._heights.get(block.number)
        if known is None or known[0] != block.version:
            height = len(self._lay(block))
            if known is None or known[1] != height:
                self._starts = None
            self._heights[block.number] = (block.version, height)
            return height
        return known[1]

    def laid(self, index: int) -> Laid:
        """Return the lines of a block, which is laid out if need be."""
        return self._lay(self._blocks.blocks[index])

    def offset(self, index: int, row: int) -> int:
        """Return where in a block's text one of its lines begins, 0 if that is not known."""
        laid = self._laid.get(self._blocks.blocks[index].number)
        return laid.offset(row) if isinstance(laid, LaidText) else 0

    def strip(self, line: int) -> Strip | None:
        """Return a line, or None behind the last one."""
        if not self._blocks.blocks or not 0 <= line < self.height:
            return None
        index, row = self.locate(line)
        laid = self._lay(self._blocks.blocks[index])
        return laid.strip(row) if row < len(laid) else None

    def _all_starts(self) -> list[int]:
        if self._starts is None:
            heights = self._heights
            self._starts = [0]
            self._starts += accumulate(
                heights[block.number][1] if block.number in heights else self._estimate(block)
                for block in self._blocks.blocks
            )
        return self._starts

    def _estimate(self, block: Block) -> int:
        if block.card is not None:
            return 1 + block.spaced if not block.card.opened else 12
        rows = block.size // max(1, self.width) + block.breaks
        if block.kind in (BlockKind.PROMPT, BlockKind.COMMAND, BlockKind.DIFF):
            rows = min(rows, MAX_LINES)
        return rows + 2

    def _lay(self, block: Block) -> Laid:
        laid = self._laid.get(block.number)
        if laid is not None and laid.version != block.version:
            if isinstance(laid, LaidText) and not (block.closed and block.size <= _MAX_PARSED):
                laid.extend(block)
            else:
                self._forget(block.number)
                laid = None
        if laid is None:
            laid = self._laid[block.number] = lay_out(block, self.width, self._looks())
            self._strips += _strips(laid)
        self._laid.move_to_end(block.number)
        while len(self._laid) > _MAX_LAID or (self._strips > _MAX_STRIPS and len(self._laid) > 1):
            self._forget(next(iter(self._laid)))
        return laid

    def _forget(self, number: int) -> None:
        self._strips -= _strips(self._laid.pop(number))


def _strips(laid: Laid) -> int:
    return len(laid) if isinstance(laid, LaidStrips) else 1


def lay_out(block: Block, width: int, looks: Looks) -> Laid:
    """Return the lines of a block, the last one blank."""
    width = max(1, width)
    if block.kind is BlockKind.MESSAGE:
        return _message(block, width, looks)
    blank = Strip.blank(width, looks.base)
    strips = block_lines(block, width, looks)
    if block.spaced or (block.card is not None and block.card.opened):
        strips.append(blank)
    return LaidStrips(block.version, strips)


def is_parsed(block: Block) -> bool:
    """Return whether a message is shown as Markdown, if that can be."""
    return block.closed and block.size <= _MAX_PARSED


def _message(block: Block, width: int, looks: Looks) -> Laid:
    if is_parsed(block):
        # Not before it is needed: importing Rich's Markdown costs a fifth of the app's start.
        from quarterdeck.tui.widgets.markdown_strips import markdown_strips

        strips = markdown_strips(block.text, width, looks.style("assistant"), looks.markdown)
        if strips is not None:
            if block.spaced:
                strips.append(Strip.blank(width, looks.base))
            return LaidStrips(block.version, strips)
    return LaidText(block, width, looks.style("assistant" if block.closed else "open"))
