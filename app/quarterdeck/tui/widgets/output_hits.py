"""Finding in the output: source is counted in the background, rows are searched as shown (A11)."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from rich.cells import cell_len

from quarterdeck.tui.find_words import REACH, FindWords, JoinedRows, Place
from quarterdeck.tui.widgets.findable_view import HitCount
from quarterdeck.tui.widgets.output_blocks import Block, BlockKind, OutputBlocks
from quarterdeck.tui.widgets.output_layout import LaidText, OutputLayout, is_parsed

CHUNK = 65_536
"""Characters that are searched before others may run."""
_SLICE = 200
"""Blocks that are looked at before others may run, if they are small."""

RowPlace = tuple[int, int, bool]
"""Where in a row something found begins and ends, and whether it is the current one."""


@dataclass(slots=True)
class _Counted:
    """How often the words are in each chunk of a block; of a block drawn at once, in all of it."""

    version: int
    chunks: list[int]
    exact: bool = False
    """Whether the rows were searched, not only what they are made of."""


@dataclass(slots=True)
class _Rows:
    """What was found in the rows of a block that is drawn at once."""

    laid: object
    places: list[Place]
    by_row: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    joined: JoinedRows | None = None


class OutputHits:
    """Hits by block and offset: of a long text the offset in it, else that in its joined rows."""

    def __init__(
        self,
        blocks: OutputBlocks,
        layout: OutputLayout,
        words: FindWords,
        top: Callable[[], int],
        show: Callable[[int], None],
    ) -> None:
        """Begin with nothing looked at.

        Args:
            blocks: What is searched; may grow.
            layout: Where its lines are.
            words: What is looked for.
            top: Returns the first line on the screen.
            show: Shows a line.
        """
        self.words = words
        self._blocks, self._layout = blocks, layout
        self._top, self._show = top, show
        self._counted: dict[int, _Counted] = {}
        self._rows: dict[int, _Rows] = {}
        self._now: tuple[int, int] | None = None

    # Counting

    @property
    def known(self) -> HitCount:
        """How many hits are known, and which is the current one."""
        total = at = 0
        counting = False
        for index, block in enumerate(self._blocks.blocks):
            counted = self._counted.get(block.number)
            if counted is None or counted.version != block.version:
                counting = True
            if counted is None:
                continue
            if self._now is not None and block.number == self._now[0] and not counting:
                at = total + self._place_in(index, self._now[1])
            total += sum(counted.chunks)
        return HitCount(at, total, counting)

    def _place_in(self, index: int, offset: int) -> int:
        """Return the which-th hit of a block the one at `offset` is, from 1; 0 if it is none."""
        counted = self._counted[self._blocks.blocks[index].number]
        chunk = min(offset // CHUNK, len(counted.chunks) - 1) if len(counted.chunks) > 1 else 0
        offsets = self._offsets(index, chunk)
        place = bisect_left(offsets, offset)
        if place >= len(offsets) or offsets[place] != offset:
            return 0
        return sum(counted.chunks[:chunk]) + place + 1

    async def count(self) -> AsyncIterator[None]:
        """Count in what was not counted yet, or has changed since."""
        while True:
            looked, behind = 0, False
            for block in list(self._blocks.blocks):
                counted = self._counted.get(block.number)
                if counted is not None and counted.version == block.version:
                    continue
                behind = True
                looked += self._count_block(block)
                if looked >= CHUNK:
                    break
            if not behind:
                self._forget()
                return
            yield
            await asyncio.sleep(0)

    def _forget(self) -> None:
        """Forget blocks that were dropped."""
        if len(self._counted) > 2 * len(self._blocks) + 64:
            kept = {block.number for block in self._blocks.blocks}
            self._counted = {n: c for n, c in self._counted.items() if n in kept}

    def _count_block(self, block: Block) -> int:
        """Count in one more chunk of a block; return what that cost, in characters about."""
        if not _is_long(block):
            is_message = block.kind is BlockKind.MESSAGE
            text = block.text if is_message else self._blocks.text_of(block)
            self._counted[block.number] = _Counted(block.version, [self._count(block, text)])
            return max(len(text), CHUNK // _SLICE)
        text = block.text
        counted = self._counted.get(block.number)
        if counted is None:
            counted = self._counted[block.number] = _Counted(-1, [])
        if counted.version not in (-1, block.version):
            # Text only comes to its end: the chunks before the last two stay as they are.
            counted.version = -1
            del counted.chunks[max(0, len(counted.chunks) - 2) :]
        counted.chunks.append(len(self._in_chunk(text, len(counted.chunks))))
        if len(counted.chunks) * CHUNK >= len(text):
            counted.version = block.version
        return CHUNK

    def _count(self, block: Block, text: str) -> int:
        if block.kind is BlockKind.MESSAGE:
            return self.words.count_in_markup(text)
        return len(self.words.places(text))

    def _in_chunk(self, text: str, chunk: int) -> list[int]:
        """Return where hits begin in one chunk of a long text."""
        end = min((chunk + 1) * CHUNK, len(text))
        found = self.words.in_text.finditer(text, chunk * CHUNK, min(len(text), end + REACH))
        return [match.start() for match in found if match.start() < end]

    # What is drawn

    def on_row(self, index: int, row: int) -> list[RowPlace]:
        """Return what is to be marked in one row of a block that is on the screen."""
        block, laid = self._blocks.blocks[index], self._layout.laid(index)
        now = self._now[1] if self._now is not None and self._now[0] == block.number else None
        if isinstance(laid, LaidText):
            span = laid.span(row)
            if span is None:
                return []
            start, end = span
            first = max(0, start - REACH)
            found = self.words.in_text.finditer(block.text, first, min(block.size, end + REACH))
            places = [match.span() for match in found]
            return [
                (max(a, start) - start, min(b, end) - start, a == now)
                for a, b in places
                if a < end and b > start
            ]
        rows = self._searched(index)
        return [(a, b, place == now) for a, b, place in rows.by_row.get(row, ())]

    def _searched(self, index: int) -> _Rows:
        """Search the rows of a block that is drawn at once, unless that was done."""
        block, laid = self._blocks.blocks[index], self._layout.laid(index)
        known = self._rows.get(block.number)
        if known is not None and known.laid is laid:
            return known
        texts = [laid.strip(row).text for row in range(len(laid))]
        cut = self._layout.width - 1
        joined = JoinedRows((text, cell_len(text.rstrip(" ")) >= cut) for text in texts)
        places = joined.places(self.words)
        found = _Rows(laid, places, joined.by_row(places), joined)
        if len(self._rows) > 2 * _SLICE:
            self._rows.clear()
        self._rows[block.number] = found
        if not _is_folded(block):
            self._counted[block.number] = _Counted(block.version, [len(places)], exact=True)
        return found

    # Going

    def go(self, step: int) -> bool | None:
        """Go to another hit, over the ends too; unfold the card that hides it."""
        blocks = self._blocks.blocks
        if not blocks:
            return False
        index, after = self._from(step)
        if not step:
            went = self._walk(index, after, range(len(blocks) - index))
            if went is not False:
                return went
            return self._walk(index, after, range(0, -len(blocks) - 1, -1))
        return self._walk(index, after, range(0, step * (len(blocks) + 1), step))

    def _walk(self, index: int, after: int | None, order: range) -> bool | None:
        """Go to the first hit of the blocks that are so far from `index`, in that order."""
        blocks, step = self._blocks.blocks, order.step
        for by in order:
            at = (index + by) % len(blocks)
            counted = self._counted.get(blocks[at].number)
            if counted is None or counted.version != blocks[at].version:
                return None
            if not any(counted.chunks):
                continue
            offset = self._beside(at, after if by == 0 else None, step)
            if offset is not None:
                self._now = blocks[at].number, offset
                self._show_now(at, offset)
                return True
        return False

    def _from(self, step: int) -> tuple[int, int | None]:
        """Return block and offset to go on from; no offset stands for one end of the block."""
        blocks = self._blocks.blocks
        if step and self._now is not None:
            index = self._blocks.index_of(self._now[0])
            if index < len(blocks) and blocks[index].number == self._now[0]:
                return index, self._now[1]
            return min(index, len(blocks) - 1), None
        index, row = self._layout.locate(self._top())
        if _is_folded(blocks[index]):
            return index, None
        laid = self._layout.laid(index)
        if isinstance(laid, LaidText):
            return index, laid.offset(row) - (step >= 0)
        joined = self._searched(index).joined
        return index, (joined.start(row) if joined is not None else 0) - (step >= 0)

    def _beside(self, index: int, offset: int | None, step: int) -> int | None:
        """Return the hit of a block next to `offset`, or at the end one comes from."""
        block = self._blocks.blocks[index]
        folded = _is_folded(block)
        if folded and offset is None:
            self._toggle(block)
        chunks = self._counted_now(index).chunks
        order = range(len(chunks)) if step >= 0 else range(len(chunks) - 1, -1, -1)
        for chunk in order:
            offsets = self._offsets(index, chunk) if chunks[chunk] else []
            if offset is not None and step >= 0:
                offsets = offsets[bisect_right(offsets, offset) :]
            elif offset is not None:
                offsets = offsets[: bisect_left(offsets, offset)]
            if offsets:
                return offsets[0 if step >= 0 else -1]
        if folded and offset is None:
            self._toggle(block)
            self._counted[block.number] = _Counted(block.version, [0], exact=True)
        return None

    def _toggle(self, block: Block) -> None:
        block.toggle()
        self._layout.changed()

    def _counted_now(self, index: int) -> _Counted:
        """Return how often the words are in a block, its rows searched."""
        if not isinstance(self._layout.laid(index), LaidText):
            self._searched(index)
        return self._counted[self._blocks.blocks[index].number]

    def _offsets(self, index: int, chunk: int) -> list[int]:
        if isinstance(self._layout.laid(index), LaidText):
            return self._in_chunk(self._blocks.blocks[index].text, chunk)
        return [start for start, _ in self._searched(index).places]

    def _show_now(self, index: int, offset: int) -> None:
        laid = self._layout.laid(index)
        if isinstance(laid, LaidText):
            row = laid.row_of(offset)
        else:
            joined = self._searched(index).joined
            row = joined.row_of(offset) if joined is not None else 0
        self._layout.realise(index)
        self._show(self._layout.start(index) + row)


def _is_long(block: Block) -> bool:
    """Return whether only the rows of a block that are shown are drawn."""
    return block.kind is BlockKind.MESSAGE and not is_parsed(block)


def _is_folded(block: Block) -> bool:
    return block.card is not None and not block.card.opened
