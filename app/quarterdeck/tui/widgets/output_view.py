"""The output of a run as flowing blocks: streamed, wrapped and parsed only as shown (A11)."""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from quarterdeck.model.records import EventView
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.widgets.copied import Copied
from quarterdeck.tui.widgets.follow_view import FollowView
from quarterdeck.tui.widgets.glyphs import UNICODE, Glyphs
from quarterdeck.tui.widgets.output_blocks import Block, BlockKind
from quarterdeck.tui.widgets.output_cursor import OutputPlace
from quarterdeck.tui.widgets.output_looks import COMPONENTS, OUTPUT_CSS
from quarterdeck.tui.widgets.output_page import OutputPage
from quarterdeck.tui.widgets.pacing import Pacer

FetchOutput = Callable[[int, int], Awaitable[tuple[list[EventView], int]]]
"""Takes the seq to start after and how many; returns events and the last seq examined."""

LIMIT = 200
"""Events of one fetch."""
START_BACK = 20_000
"""How far from the end of a run its output begins; older output is in the trace."""
_FRAME = 0.08
"""Seconds between two fetches while output pours in."""
_log = logging.getLogger(__name__)


class OutputView(OutputPage):
    """What the agent said and did, the open message growing at the end."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)
    DEFAULT_CSS = OUTPUT_CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "Up", show=False),
        Binding("down,j", "scroll_by(1)", "Down", show=False),
        Binding("pageup", "scroll_pages(-1)", "Page up", show=False),
        Binding("pagedown,space", "scroll_pages(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "follow", "Last, follow", show=False),
        *bindings(Where.OUTPUT),
    ]

    class FollowChanged(FollowView.FollowChanged):
        """Following went on or off, or output came below while it is off."""

    @dataclass
    class EndSeen(Message):
        """The end of the output, as far as event `seq`, is on the screen."""

        output_view: "OutputView"
        seq: int

        @property
        def control(self) -> "OutputView":
            """The output."""
            return self.output_view

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        empty_text: str = "No output yet",
        frame: float = _FRAME,
        **kwargs: Any,
    ) -> None:
        """Create an empty output.

        Args:
            glyphs: What the terminal can show.
            empty_text: Stands where output would be.
            frame: Least seconds between two fetches.
            **kwargs: The widget's own.
        """
        super().__init__(glyphs=glyphs, empty_text=empty_text, **kwargs)
        self._run_id: str | None = None
        self._fetch: FetchOutput | None = None
        self._last_seq = 0
        self._read_to = 0
        self._end_told = 0
        self._fetching: asyncio.Task[None] | None = None
        self._asked = False
        self._pacer = Pacer(self, self._pull, frame)
        self._changed_from: int | None = None
        self._head = 0
        self._returning: OutputPlace | None = None
        self._to_open: set[int] = set()

    @property
    def run_id(self) -> str | None:
        """The run shown."""
        return self._run_id

    @property
    def read_to(self) -> int:
        """The last seq whose output is held, or which has none."""
        return self._read_to

    @property
    def place(self) -> OutputPlace | None:
        """Where the person is, to come back to; None if nothing is shown."""
        if self._run_id is None or not self._blocks.blocks:
            return None
        index, row = self._layout_of.locate(self.top)
        block = self._blocks.blocks[index]
        opened = frozenset(
            b.first_seq for b in self._blocks.blocks if b.card is not None and b.card.opened
        )
        piece = index - self._blocks.index_of(self._blocks.whole(block)[0].number)
        return OutputPlace(
            self._run_id, self._read_to, self.follow, block.first_seq, piece, row, opened
        )

    def show(
        self, run_id: str | None, fetch_output: FetchOutput | None, place: OutputPlace | None = None
    ) -> None:
        """Show the output of a run from its end, following; None shows nothing.

        Nothing is fetched before `grow` says how far the run is.

        Args:
            run_id: The run.
            fetch_output: Gets its output from the supervisor.
            place: Where the person was in it, to show that instead.
        """
        if self._fetching:
            self._fetching.cancel()
            self._fetching = None
        self._run_id = run_id
        self._fetch = fetch_output if run_id else None
        self._begin()
        place = place if place is not None and place.run_id == run_id else None
        self._returning = place if place is not None and not place.follow else None
        self._to_open = set(place.opened) if place is not None else set()
        self._asked = False
        self._last_seq = self._read_to = self._end_told = 0
        self._changed_from = None
        self._head = 0
        self.new_below = False
        self.follow = True
        self._settle()
        self.find_anew()
        self.refresh()

    def grow(self, last_seq: int) -> None:
        """Learn how far the run is; what is new is fetched, a flood of it a few times a second."""
        if self._fetch is None:
            return
        if not self._last_seq and last_seq > START_BACK:
            self._read_to = last_seq - START_BACK
            self._blocks.start_late("earlier output is in the trace")
            self._changed_from = 0
            self._layout_of.changed()
        self._last_seq = max(self._last_seq, last_seq)
        if self._read_to < self._last_seq and self._fetching is None:
            self._pacer.ask()

    def say_trimmed(self, words: str) -> None:
        """Show nothing but that the run's events are no more."""
        self.show(None, None)
        self._trimmed = words

    def catch_up(self) -> None:
        """Ask for what is new, on the word that something somewhere is; pacing as for `grow`.

        So what an agent says need not wait until the list has told how far its run is.
        """
        if self._fetch is not None and self._last_seq:
            self._asked = True
            if self._fetching is None:
                self._pacer.ask()

    def _pull(self) -> None:
        behind = self._asked or self._read_to < self._last_seq
        if self._fetching is None and behind and self.is_on_screen and self._fetch is not None:
            self._fetching = asyncio.create_task(self._fetch_new(self._fetch))

    async def _fetch_new(self, fetch: FetchOutput) -> None:
        """Fetch to the end, one fetch at a time; what fails is tried again at the next grow."""
        me = asyncio.current_task()
        failed = False
        shown = monotonic()
        try:
            asked, self._asked = self._asked, False
            target = self._last_seq
            while (asked or self._read_to < target) and not failed:
                events, cursor = await fetch(self._read_to, LIMIT)
                if self._fetching is not me:
                    return
                if asked and cursor <= self._read_to:
                    break
                asked, self._last_seq = False, max(self._last_seq, cursor)
                target = max(target, cursor)
                failed = cursor <= self._read_to
                if not failed:
                    self._take(events, cursor)
                    waiting = self._returning is not None and cursor < self._returning.read_to
                    if cursor >= target or (monotonic() - shown > _FRAME and not waiting):
                        self._show_new()
                        shown = monotonic()
        except Exception as error:
            failed = True
            _log.warning("output of %s not fetched: %r", self._run_id, error)
        finally:
            if self._fetching is me:
                self._fetching = None
        behind = self._asked or self._read_to < self._last_seq
        if not failed and behind and self.is_attached:
            self._pacer.ask()

    def _take(self, events: list[EventView], cursor: int) -> None:
        """Make blocks of events, and note from which block on the output looks different."""
        blocks = self._blocks.blocks
        last = (blocks[-1].number, blocks[-1].version) if blocks else (0, 0)
        fresh = [event for event in events if event.seq > self._read_to]
        self._read_to = cursor
        self._blocks.add(fresh, cursor)
        index = self._blocks.index_of(last[0])
        if index < len(blocks) and (blocks[index].number, blocks[index].version) == last:
            index += 1
        for block in blocks[index:] if self._to_open else ():
            if block.card is not None and block.first_seq in self._to_open:
                self._to_open.discard(block.first_seq)
                block.toggle()
        if self._blocks.touched is not None:
            index = min(index, self._blocks.index_of(self._blocks.touched))
        if index < len(blocks):
            self._layout_of.changed()
            if self._changed_from is None or blocks[index].number < self._changed_from:
                self._changed_from = blocks[index].number

    def _show_new(self) -> None:
        """Lay out and repaint what was taken, as far as it is on the screen."""
        changed, self._changed_from = self._changed_from, None
        if changed is not None:
            blocks = self._blocks.blocks
            head, self._head = self._head, blocks[min(1, len(blocks) - 1)].number
            top, height = self.top, self.virtual_size.height
            if (place := self._returning) is not None and self._read_to >= place.read_to:
                self._returning = None
                self._return_to(place)
                if self._read_to == place.read_to:
                    return
            self._settle()
            if head != self._head or self.top != top:
                self.refresh_page()
            else:
                index = self._blocks.index_of(changed)
                first = self._layout_of.start(min(index, len(blocks)))
                self.refresh_span(first, max(height, self._layout_of.height))
            if self._layout_of.height > self.top + self.page:
                self.tell_new_below()
            self.count_on()
        self.call_after_refresh(self._tell_end)

    def _return_to(self, place: OutputPlace) -> None:
        """Show what was at the top of the screen when the person left."""
        blocks = self._blocks.blocks
        index = bisect_left(blocks, place.seq, key=lambda block: block.first_seq)
        index = min(index + place.piece, len(blocks) - 1)
        if index < 0 or self.line_width <= 0:
            return
        if self.text_width != self._layout_of.width:
            self._layout_of.resize(self.text_width)
        row = min(place.row, self._layout_of.realise(index) - 1)
        self._show_from(self._layout_of.start(index) + row)
        self.refresh()
        self.call_after_refresh(self._tell_end)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Lay out what comes into view."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._settle(from_scroll=True)
            self.call_after_refresh(self._tell_end)

    def on_resize(self) -> None:
        """Wrap anew, and keep in its place what the person looks at."""
        self._settle()
        self.refresh()
        self.call_after_refresh(self._tell_end)

    def on_show(self) -> None:
        """Catch up with what happened while hidden, and say so if the end is on the screen."""
        self._pull()
        self.call_after_refresh(self._tell_end)

    def on_unmount(self) -> None:
        """Let no fetch outlive the view."""
        if self._fetching:
            self._fetching.cancel()

    def _tell_end(self) -> None:
        at_end = self.top >= self.max_scroll_y
        if (
            at_end
            and self._last_seq
            and self._read_to >= self._last_seq
            and self._read_to > self._end_told
            and self.page > 0
            and self.is_on_screen
        ):
            self._end_told = self._read_to
            self.tell(self.EndSeen(self, self._read_to))

    def action_scroll_by(self, lines: int) -> None:
        """Scroll by some lines."""
        self.scroll_to(y=self.top + lines, force=True)

    def action_scroll_pages(self, pages: int) -> None:
        """Scroll by some screens."""
        self.scroll_to(y=self.top + pages * max(1, self.page - 1), force=True)

    def action_first(self) -> None:
        """Show the beginning."""
        self.scroll_to(y=0, force=True)

    # The block that keys mean

    def _meant(self) -> Block | None:
        block = self._cursor.meant(self.top, self.page, from_end=self.follow)
        self.refresh()
        return block

    def action_step_block(self, step: int) -> None:
        """Mark the next block or the one before, and show it."""
        before = self._cursor.marked
        block = self._cursor.meant(self.top, self.page, from_end=step < 0)
        if block is not None and before and before[0] is block:
            block = self._cursor.beside(block, step) or block
            self._cursor.mark(block)
        if block is not None:
            self._show_block(block)
        self.refresh()

    def _show_block(self, block: Block) -> None:
        """Scroll as far as it takes to show the beginning of a block."""
        index = self._blocks.index_of(block.number)
        height = self._layout_of.realise(index)
        line = self._layout_of.start(index)
        if line < self.top:
            self._show_from(line)
        elif line + min(height, self.page) > self.top + self.page:
            self._show_from(line + min(height, self.page) - self.page)

    def action_unfold(self) -> None:
        """Unfold the card of the marked tool call, or of one on the screen, or fold it."""
        block = self._meant()
        if block is not None and block.card is None:
            first, _ = self._layout_of.locate(self.top)
            last, _ = self._layout_of.locate(self.top + self.page - 1)
            cards = [b for b in self._blocks.blocks[first : last + 1] if b.card is not None]
            block = (cards[-1] if self.follow else cards[0]) if cards else None
        if block is not None:
            self._toggle(block)

    def _toggle(self, block: Block) -> None:
        self._cursor.mark(block)
        block.toggle()
        self._layout_of.changed()
        top, index = self.top, self._blocks.index_of(block.number)
        self._layout_of.realise(index)
        if self._layout_of.height <= top + self.page and self.follow:
            self._settle()
        else:
            self._show_from(min(top, self._layout_of.start(index)))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Mark the block that was clicked, and unfold or fold it if that is the head of a card."""
        selection = self.text_selection
        offset = event.get_content_offset(self)
        if selection is not None and selection.start != selection.end:
            return
        line = offset.y + self.top if offset is not None else -1
        if not self._blocks.blocks or not 0 <= line < self._layout_of.height:
            return
        event.stop()
        index, row = self._layout_of.locate(line)
        block = self._blocks.blocks[index]
        self._cursor.mark(block)
        if block.card is not None and row == 0:
            self._toggle(block)
        self.refresh()

    def copied(self) -> Copied | None:
        """Return what there is to copy: of the marked block, else of one on the screen."""
        block = self._meant()
        if block is None:
            return None
        what = _WORDS.get(block.kind, "output")
        return Copied(self._blocks.text_of(block), what, ".diff" if what == "diff" else ".txt")

    def file(self) -> tuple[str, int] | None:
        """Return the file and line that the marked block, or one on the screen, is about."""
        block = self._meant()
        if block is None:
            return None
        if block.change is not None:
            return block.change.path, block.change.first_line
        return block.card.file if block.card is not None else None


_WORDS = {
    BlockKind.PROMPT: "prompt",
    BlockKind.MESSAGE: "message",
    BlockKind.CARD: "tool call",
    BlockKind.DIFF: "diff",
    BlockKind.ERROR: "error",
}
