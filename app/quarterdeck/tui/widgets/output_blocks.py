"""The output of a run as blocks: messages, command output, diffs, errors, ends of turns (A11)."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quarterdeck.model.event_types import EventType
from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.diff_lines import file_change
from quarterdeck.tui.widgets.message_pieces import pieces
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


class BlockKind(StrEnum):
    """What a block is."""

    MESSAGE = "message"
    COMMAND = "command"
    DIFF = "diff"
    ERROR = "error"
    TURN_END = "turn-end"
    NOTE = "note"


@dataclass(slots=True)
class Block:
    """Safe text that belongs together; a message is open while more of it may come."""

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
    _parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of the text kept."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def add(self, text: str) -> None:
        """Append safe text, as far as there is room."""
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


class OutputBlocks:
    """Blocks made from output events in order, bounded in number and text."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.cut = (0, 0, 0)
        """Of the message cut into pieces last: its number, the first and the last piece's."""
        self._text = 0
        self._next = 1

    def __len__(self) -> int:
        """Return how many blocks there are."""
        return len(self.blocks)

    def index_of(self, number: int) -> int:
        """Return where the block with this number stands, or the one after it."""
        return bisect_left(self.blocks, number, key=lambda block: block.number)

    def start_late(self, text: str) -> None:
        """Put a note in the place of what comes before the first event."""
        self.blocks.insert(0, _note(text))

    def add(self, events: Iterable[EventView], cursor: int) -> None:
        """Append events.

        Args:
            events: In order of seq.
            cursor: The last seq examined; a message that ends before it is closed (A11).
        """
        for event in events:
            payload: Any = event.payload if isinstance(event.payload, dict) else {}
            if event.type == EventType.ASSISTANT_MESSAGE:
                self._add_message(event.seq, payload)
            elif event.type == EventType.COMMAND_OUTPUT:
                self._add_command(event.seq, payload)
            elif event.type == EventType.DIFF:
                self._add_diff(event.seq, payload)
            elif event.type == EventType.TERMINAL_STATUS:
                self._add_turn_end(event.seq, payload)
            elif event.type == EventType.ERROR:
                self._add_error(event.seq, payload)
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
            self._next += 1
            block.add(text)
            self.blocks.append(block)

    def _add_message(self, seq: int, payload: dict[str, Any]) -> None:
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

    def _add_command(self, seq: int, payload: dict[str, Any]) -> None:
        key = member(payload, "tool_call_id") or None
        text = _body(member(payload, "text"))
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

    def _add_diff(self, seq: int, payload: dict[str, Any]) -> None:
        old = payload.get("old_text")
        change = file_change(old if isinstance(old, str) else "", member(payload, "new_text"))
        path = clean_line(member(payload, "path")[:500]) or "(no path)"
        new = "" if isinstance(old, str) else "new "
        shown = "\n".join(line[:2000] for line in change.lines[:MAX_LINES])
        block = self._new(
            BlockKind.DIFF,
            seq,
            _body(shown),
            head=f"{new}{path} +{change.added} -{change.removed}",
        )
        block.hidden_lines += max(0, len(change.lines) - MAX_LINES)

    def _add_error(self, seq: int, payload: dict[str, Any]) -> None:
        where = member(payload, "where")
        text = member(payload, "message") or as_text(payload)
        self._new(BlockKind.ERROR, seq, _body(f"{text} ({where})" if where else text))

    def _add_turn_end(self, seq: int, payload: dict[str, Any]) -> None:
        reason = clean_line(member(payload, "stop_reason")[:200]) or "unknown"
        error = clean_line(member(payload, "error")[:500])
        head = f"turn ended: {reason}" + (f", {error}" if error else "")
        self._new(BlockKind.TURN_END, seq, "", head=head)

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
        note = _note("earlier output is no longer held here: open the trace")
        self.blocks[: noted + excess] = [note]


def _note(text: str) -> Block:
    return Block(0, BlockKind.NOTE, None, 0, head=text)


def _body(text: str) -> str:
    return clean(text).replace("\t", "    ")


def lines_left(block: Block, end: int) -> int:
    """Return how many lines of a block come behind offset `end` of its text."""
    rest = line_count(block.text[end:])
    if block.hidden_chars and not rest:
        rest = 1
    return rest + block.hidden_lines
