"""The output of a run as blocks: prompts, messages, tool calls, errors, ends of turns (A11)."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quarterdeck.model.event_types import OUTPUT_TYPES, EventType
from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.message_pieces import pieces
from quarterdeck.tui.widgets.output_ansi import without_colours
from quarterdeck.tui.widgets.output_cards import Change, ToolCard, change_of
from quarterdeck.tui.widgets.payload_text import as_text, member
from quarterdeck.tui.widgets.text_rows import line_count

MAX_BLOCKS = 5_000
MAX_TEXT = 8_000_000
"""Characters of all blocks together; the oldest go first."""
MAX_MESSAGE = 4_000_000
"""Characters of one block; what comes beyond is only counted."""
MAX_MARKDOWN = 65_536
"""Characters of a message beyond which it is shown as plain text."""
MAX_LINES = 200
"""Lines of a command's output or a diff that are shown."""
_MAX_SHORT = 65_536
"""Characters kept of a block of which only 200 lines are shown: enough for 320 columns."""
SHOWN_TYPES = OUTPUT_TYPES | {EventType.USER_MESSAGE, EventType.TOOL_CALL}
"""The events blocks are made of."""


class BlockKind(StrEnum):
    """What a block is."""

    PROMPT = "prompt"
    MESSAGE = "message"
    CARD = "card"
    COMMAND = "command"
    DIFF = "diff"
    ERROR = "error"
    TURN_END = "turn-end"
    NOTE = "note"


@dataclass(slots=True)
class Block:
    """Text that belongs together; a message is open while more of it may come."""

    number: int
    """Counts up from block to block; 0 is the note that stands for what was dropped."""
    kind: BlockKind
    key: str | None
    last_seq: int
    head: str = ""
    closed: bool = True
    version: int = 0
    """Changes with whatever changes how the block looks."""
    size: int = 0
    breaks: int = 0
    hidden_lines: int = 0
    hidden_chars: int = 0
    reopened: bool = False
    spaced: bool = True
    """Whether a blank line follows."""
    first_seq: int = 0
    """The event it began with."""
    origin: int = 0
    """The number of the message it is a piece of, else its own."""
    card: ToolCard | None = None
    """Of a tool call: everything; its own text is empty then."""
    change: Change | None = None
    """Of a diff that belongs to no known call."""
    _parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of the text kept: safe, but for a command's output, which is raw."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def add(self, text: str) -> None:
        """Append text, as far as there is room."""
        limit = MAX_MESSAGE if self.kind is BlockKind.MESSAGE else _MAX_SHORT
        kept = text[: max(0, limit - self.size)]
        if len(kept) < len(text):
            self.hidden_chars += len(text) - len(kept)
            self.hidden_lines += text.count("\n", len(kept))
        self._parts.append(kept)
        self.size += len(kept)
        self.breaks += kept.count("\n")
        self.version += 1

    def close(self) -> None:
        """Mark that nothing more is expected."""
        if not self.closed:
            self.closed = True
            self.version += 1

    def toggle(self) -> None:
        """Unfold the card of a tool call, or fold it."""
        if self.card is not None:
            self.card.opened = not self.card.opened
            self.version += 1


class OutputBlocks:
    """Blocks made from output events in order, bounded in number and text."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.cut = (0, 0, 0)
        """Of the message cut into pieces last: its number, the first and the last piece's."""
        self.touched: int | None = None
        """The lowest number of a block that `add` changed last, other than the last block."""
        self._text = 0
        self._next = 1
        self._cards: dict[str, Block] = {}
        self._take: dict[str, Callable[[EventView, dict[str, Any]], None]] = {
            EventType.USER_MESSAGE: self._add_prompt,
            EventType.ASSISTANT_MESSAGE: self._add_message,
            EventType.TOOL_CALL: self._add_call,
            EventType.COMMAND_OUTPUT: self._add_command,
            EventType.DIFF: self._add_diff,
            EventType.TERMINAL_STATUS: self._add_turn_end,
            EventType.ERROR: self._add_error,
        }

    def __len__(self) -> int:
        """Return how many blocks there are."""
        return len(self.blocks)

    def index_of(self, number: int) -> int:
        """Return where the block with this number stands, or the one after it."""
        return bisect_left(self.blocks, number, key=lambda block: block.number)

    def whole(self, block: Block) -> list[Block]:
        """Return the blocks that show the same thing: all pieces of a message."""
        first = last = self.index_of(block.number)
        blocks = self.blocks
        while first > 0 and blocks[first - 1].origin == block.origin:
            first -= 1
        while last < len(blocks) and blocks[last].origin == block.origin:
            last += 1
        return blocks[first:last]

    def text_of(self, block: Block) -> str:
        """Return what a block and its other pieces say as safe text, to be copied."""
        if block.card is not None:
            return block.card.as_text()
        if block.kind is BlockKind.COMMAND:
            return without_colours(block.text)
        text = "".join(piece.text for piece in self.whole(block))
        return f"{block.head}\n{text}" if block.head and text else text or block.head

    def start_late(self, text: str) -> None:
        """Put a note in the place of what comes before the first event."""
        self.blocks.insert(0, _note(text))

    def add(self, events: Iterable[EventView], cursor: int) -> None:
        """Append events.

        Args:
            events: In order of seq.
            cursor: The last seq examined; a message that ends before it is closed (A11).
        """
        self.touched = None
        for event in events:
            payload: Any = event.payload if isinstance(event.payload, dict) else {}
            if take := self._take.get(event.type):
                take(event, payload)
        last = self.blocks[-1] if self.blocks else None
        if last is not None and last.last_seq < cursor and not last.reopened:
            self._close_last()
        self._drop_oldest()

    def _last_if(self, kind: BlockKind, key: str | None) -> Block | None:
        last = self.blocks[-1] if self.blocks else None
        return last if last is not None and last.kind is kind and last.key == key else None

    def _new(self, kind: BlockKind, seq: int, text: str, **attributes: Any) -> Block:
        self._close_last()
        block = Block(self._next, kind, attributes.pop("key", None), seq, **attributes)
        block.first_seq, block.origin = seq, block.number
        self._next += 1
        block.add(text)
        self._text += block.size
        self.blocks.append(block)
        return block

    def _close_last(self) -> None:
        """Close the last block; a message becomes one block for each piece of it."""
        last = self.blocks[-1] if self.blocks else None
        if last is None or last.closed:
            return
        last.close()
        if last.size > MAX_MARKDOWN or last.hidden_chars:
            return
        parts = list(pieces(last.text))
        if len(parts) < 2:
            return
        self.blocks.pop()
        self.cut = (last.number, self._next, self._next + len(parts) - 1)
        for text, spaced in parts:
            block = Block(self._next, last.kind, last.key, last.last_seq, spaced=spaced)
            block.first_seq, block.origin = last.first_seq, last.origin
            self._next += 1
            block.add(text)
            self.blocks.append(block)

    def _add_prompt(self, event: EventView, payload: dict[str, Any]) -> None:
        text = _body(member(payload, "text")) or _body(as_text(payload.get("content")))
        if text:
            self._new(BlockKind.PROMPT, event.seq, text)

    def _add_call(self, event: EventView, payload: dict[str, Any]) -> None:
        key = member(payload, "tool_call_id")
        if self._add_to_card(key, event):
            return
        last = self.blocks[-1] if self.blocks else None
        block = self._new(BlockKind.CARD, event.seq, "", key=key or None, card=ToolCard())
        if last is not None and last.kind is BlockKind.CARD:
            last.spaced = False
            last.version += 1
            self._touch(last)
        self._cards[key or f"\0{block.number}"] = block
        self._grow_card(block, event)

    def _add_to_card(self, key: str, event: EventView) -> bool:
        """Add an event to the card of its tool call, wherever that stands, if there is one."""
        block = self._cards.get(key) if key else None
        if block is None:
            return False
        self._grow_card(block, event)
        self._touch(block)
        return True

    def _grow_card(self, block: Block, event: EventView) -> None:
        if block.card is not None:
            grown = block.card.take(event)
            block.size += grown
            self._text += grown
            block.version += 1

    def _touch(self, block: Block) -> None:
        if self.touched is None or block.number < self.touched:
            self.touched = block.number

    def _add_message(self, event: EventView, payload: dict[str, Any]) -> None:
        seq = event.seq
        text = _body(member(payload, "text"))
        if not text and payload.get("content") is not None:
            text = _body(as_text(payload["content"]))
        key = member(payload, "message_id") or None
        last = self._last_if(BlockKind.MESSAGE, key)
        # Without an id only what follows at once is the same message.
        if last is None or (key is None and last.last_seq + 1 != seq):
            if text:
                self._new(BlockKind.MESSAGE, seq, text, key=key, closed=False)
            return
        if last.closed:
            # Other events come between its chunks: from now on it is open until its real end.
            last.closed, last.reopened = False, True
            last.spaced = True
        self._append(last, seq, text)

    def _add_command(self, event: EventView, payload: dict[str, Any]) -> None:
        key, seq = member(payload, "tool_call_id") or None, event.seq
        if key is not None and self._add_to_card(key, event):
            return
        text = member(payload, "text")
        last = self._last_if(BlockKind.COMMAND, key)
        if last is not None and key is not None:
            self._append(last, seq, text)
        elif text:
            head = f"output {clean_line((key or '')[:80])}".rstrip()
            self._new(BlockKind.COMMAND, seq, text, key=key, head=head)

    def _append(self, block: Block, seq: int, text: str) -> None:
        before = block.size
        block.add(text)
        block.last_seq = seq
        self._text += block.size - before

    def _add_diff(self, event: EventView, payload: dict[str, Any]) -> None:
        if self._add_to_card(member(payload, "tool_call_id"), event):
            return
        change = change_of(payload)
        shown = "\n".join(change.lines)
        block = self._new(BlockKind.DIFF, event.seq, shown, head=change.head, change=change)
        block.hidden_lines += change.hidden

    def _add_error(self, event: EventView, payload: dict[str, Any]) -> None:
        seq = event.seq
        where = member(payload, "where")
        text = member(payload, "message") or as_text(payload)
        self._new(BlockKind.ERROR, seq, _body(f"{text} ({where})" if where else text))

    def _add_turn_end(self, event: EventView, payload: dict[str, Any]) -> None:
        reason = clean_line(member(payload, "stop_reason")[:200]) or "unknown"
        error = clean_line(member(payload, "error")[:500])
        head = f"turn ended: {reason}" + (f", {error}" if error else "")
        self._new(BlockKind.TURN_END, event.seq, "", head=head)

    def _drop_oldest(self) -> None:
        noted = bool(self.blocks) and self.blocks[0].kind is BlockKind.NOTE
        excess = 0
        text = self._text
        count = len(self.blocks) - noted
        while count - excess > 1 and (count - excess > MAX_BLOCKS or text > MAX_TEXT):
            text -= self.blocks[noted + excess].size
            excess += 1
        if not excess:
            return
        self._text = text
        dropped = {block.number for block in self.blocks[: noted + excess]}
        self._cards = {k: b for k, b in self._cards.items() if b.number not in dropped}
        note = _note("earlier output is no longer held here: open the trace")
        self.blocks[: noted + excess] = [note]


def _note(text: str) -> Block:
    return Block(0, BlockKind.NOTE, None, 0, head=text)


def _body(text: str) -> str:
    return clean(text).replace("\t", "    ")


def lines_left(rest: str, hidden_chars: int, hidden_lines: int) -> int:
    """Return how many lines are not shown: those of `rest`, and what was never kept."""
    lines = line_count(rest)
    if hidden_chars and not lines:
        lines = 1
    return lines + hidden_lines
