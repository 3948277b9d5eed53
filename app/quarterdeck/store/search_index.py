"""The search index: one document for each message or event, written with the events it is of.

Agents send a message in pieces of a few characters, so a word may begin in one event and end in
the next. The pieces of a message are therefore gathered into blocks, and a block is what the
index knows. Blocks are closed by what follows them, or by their size; then the next one begins
with the end of the last, so that no phrase falls between. Everything is derived from stored
events: what memory holds of an open block is read again after a restart or a rollback, and
document, block and events are committed together, so each word is indexed once (DESIGN §4).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import aiosqlite

from quarterdeck.store.events import decode
from quarterdeck.store.search_query import tag
from quarterdeck.store.search_text import STREAMED, UNSEEN, piece_of, storable, text_of
from quarterdeck.store.transaction import Row, Tx, one, rows

BLOCK_CHARS = 8192
BLOCK_PIECES = 1000
OVERLAP_CHARS = 256
CATCH_UP_EVENTS = 2000
_MS_SHIFT = 16
"""A block's number is its time in milliseconds and 16 bits of order: newest first costs no sort."""

EventFacts = tuple[int, str, int, str]
"""seq, type, at, payload of a stored event."""


def block_number(at_ms: int) -> int:
    """Return the least number of a block that began at `at_ms`."""
    return at_ms << _MS_SHIFT


def block_time(block_no: int) -> int:
    """Return when a block began, in Unix milliseconds."""
    return block_no >> _MS_SHIFT


@dataclass(slots=True)
class _Block:
    kind: str
    message: str
    at: int
    seqs: list[int] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    size: int = 0
    own: int = 0
    """How many pieces are not the overlap with the block before."""
    block_no: int | None = None
    """Set once it stands in the index, whole or as far as it had grown."""
    written: int = 0
    """How many pieces stand in the index."""
    growing: bool = False

    def add(self, seq: int, text: str) -> None:
        self.seqs.append(seq)
        self.pieces.append(text)
        self.size += len(text)
        self.own += 1

    def overlap(self) -> "_Block":
        """Return the beginning of the next block: this one's end."""
        count = size = 0
        while size < OVERLAP_CHARS and count < len(self.pieces):
            count += 1
            size += len(self.pieces[-count])
        return _Block(self.kind, self.message, 0, self.seqs[-count:], self.pieces[-count:], size)


class RunIndex:
    """What is to be indexed of one run; `seq` is the last event it has taken in."""

    def __init__(self, run_no: int, tags: str, seq: int) -> None:
        self.run_no, self.tags, self.seq = run_no, tags, seq
        self._block: _Block | None = None
        self._closed: list[_Block] = []

    @classmethod
    async def open(cls, db: aiosqlite.Connection, run_no: int) -> "RunIndex":
        """Return a run's index as the store has it; `catch_up` takes in what it lacks."""
        session = await one(
            db,
            "SELECT s.session_id, s.project, s.agent FROM runs r JOIN sessions s USING (session_id)"
            " WHERE r.run_no = ?",
            (run_no,),
        )
        assert session is not None
        marks = (tag("s", session[0]), tag("p", session[1]), tag("a", session[2]))
        index = cls(run_no, " ".join(marks), 0)
        last = await one(
            db,
            "SELECT * FROM search_blocks WHERE run_no = ? ORDER BY last_seq DESC LIMIT 1",
            (run_no,),
        )
        if last is not None:
            await index._go_on_from(db, last)
        return index

    async def _go_on_from(self, db: aiosqlite.Connection, last: Row) -> None:
        self.seq = last["last_seq"]
        if last["type"] not in STREAMED:
            return
        found = await pieces(db, last)
        message = found[-1][2] if found else ""
        block = _Block(last["type"], message, block_time(last["block_no"]))
        for seq, text, _ in found:
            block.add(seq, text)
        if last["growing"]:
            block.block_no, block.written, block.growing = last["block_no"], len(found), True
            self._block = block
        elif found:
            self._block = block.overlap()

    async def catch_up(self, tx: Tx) -> bool:
        """Take in stored events it has not seen, at most 2,000; False once there are no more."""
        found = await tx.all(
            "SELECT seq, type, at, payload FROM events WHERE run_no = ? AND seq > ?"
            f" ORDER BY seq LIMIT {CATCH_UP_EVENTS}",
            (self.run_no, self.seq),
        )
        self.take(tuple(row) for row in found)  # pyright: ignore[reportArgumentType]
        return len(found) == CATCH_UP_EVENTS

    def take(self, events: Iterable[EventFacts]) -> None:
        """Take in events that follow; `write` puts into the index what they closed."""
        for seq, kind, at, payload in events:
            self.seq = seq
            if kind in STREAMED:
                self._piece(seq, kind, at, *piece_of(payload))
            elif kind not in UNSEEN:
                self._close()
                text = text_of(kind, decode(payload))
                if text:
                    block = _Block(kind, "", at)
                    block.add(seq, storable(text))
                    self._closed.append(block)

    def take_texts(
        self, kind: str, message: str, at: int, first_seq: int, texts: Sequence[str]
    ) -> None:
        """Take in pieces of one message that follow, by their texts."""
        for seq, text in enumerate(texts, first_seq):
            self._piece(seq, kind, at, text, message)
        self.seq = first_seq + len(texts) - 1

    def _piece(self, seq: int, kind: str, at: int, text: str, message: str) -> None:
        if not text:
            return
        block = self._block
        if block is not None and (block.kind != kind or block.message != message):
            self._close()
            block = None
        if block is None:
            block = self._block = _Block(kind, message, at)
        if not block.own:
            block.at = at
        block.add(seq, text)
        if block.size >= BLOCK_CHARS or len(block.pieces) >= BLOCK_PIECES:
            self._close()
            self._block = block.overlap()

    def _close(self) -> None:
        block, self._block = self._block, None
        if block is not None and block.own:
            self._closed.append(block)

    def due(self, *, growing: bool) -> list[_Block]:
        """Give out the blocks to be written; with `growing` the open one too, as far as it is."""
        found, self._closed = self._closed, []
        for block in found:
            block.growing = False
        if growing and self.behind:
            assert self._block is not None
            self._block.growing = True
            found.append(self._block)
        return found

    @property
    def behind(self) -> bool:
        """Whether the open block has pieces that cannot be found yet."""
        block = self._block
        return block is not None and block.own > 0 and block.written < len(block.pieces)


async def write(tx: Tx, indexes: Iterable[RunIndex], *, growing: bool = False) -> None:
    """Put closed blocks, or with `growing` open ones too, into the index."""
    due = [(index, block) for index in indexes for block in index.due(growing=growing)]
    if not due:
        return
    await _forget_texts(
        tx,
        [
            (block.block_no, "".join(block.pieces[: block.written]), _tags(index, block))
            for index, block in due
            if block.block_no is not None
        ],
    )
    await _number(tx, [block for _, block in due])
    # In order of their numbers: FTS5 writes a segment of its own for each step back.
    due.sort(key=lambda item: item[1].block_no or 0)
    await tx.many(
        "INSERT INTO search_text (rowid, text, tags) VALUES (?, ?, ?)",
        [(block.block_no, "".join(block.pieces), _tags(index, block)) for index, block in due],
    )
    await tx.many(
        "INSERT INTO search_blocks (block_no, run_no, type, first_seq, last_seq, growing)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (block_no) DO UPDATE"
        " SET last_seq = excluded.last_seq, growing = excluded.growing",
        [
            (b.block_no, index.run_no, b.kind, b.seqs[0], b.seqs[-1], int(b.growing))
            for index, b in due
        ],
    )
    for _, block in due:
        block.written = len(block.pieces)


def _tags(index: RunIndex, block: _Block) -> str:
    return f"{index.tags} {tag('t', block.kind)}"


async def _number(tx: Tx, blocks: Sequence[_Block]) -> None:
    """Give each new block the first free number of its time."""
    free: dict[int, int] = {}
    for block in blocks:
        if block.block_no is None:
            number = free.get(block.at)
            if number is None:
                number = await _first_free(tx, block.at)
            block.block_no, free[block.at] = number, number + 1


async def _first_free(tx: Tx, at: int) -> int:
    while True:
        row = await tx.one(
            "SELECT max(block_no) FROM search_blocks WHERE block_no >= ? AND block_no < ?",
            (block_number(at), block_number(at + 1)),
        )
        number = block_number(at) if row is None or row[0] is None else row[0] + 1
        if number < block_number(at + 1):
            return number
        at += 1


async def pieces(db: aiosqlite.Connection, block: Row) -> list[tuple[int, str, str]]:
    """Return a block's text as it was indexed: seq, text and message id of each of its events."""
    found = await rows(
        db,
        "SELECT seq, payload FROM events WHERE run_no = ? AND seq BETWEEN ? AND ? AND type = ?"
        " ORDER BY seq",
        (block["run_no"], block["first_seq"], block["last_seq"], block["type"]),
    )
    if block["type"] in STREAMED:
        told = [(row["seq"], *piece_of(row["payload"])) for row in found]
        return [piece for piece in told if piece[1]]
    return [
        (row["seq"], storable(text_of(block["type"], decode(row["payload"]))), "") for row in found
    ]


async def forget_run(tx: Tx, run_no: int) -> None:
    """Take a run out of the index; call it while the run's events are still there."""
    while await forget_some(tx, run_no):
        pass


async def forget_some(tx: Tx, run_no: int) -> bool:
    """Take some of a run's blocks out of the index; False if there were none."""
    blocks = await tx.all(
        "SELECT * FROM search_blocks WHERE run_no = ? ORDER BY block_no LIMIT 100", (run_no,)
    )
    if not blocks:
        return False
    tags = (await RunIndex.open(tx.db, run_no)).tags
    texts: list[tuple[int | None, str, str]] = []
    for block in blocks:
        text = "".join(text for _, text, _ in await pieces(tx.db, block))
        texts.append((block["block_no"], text, f"{tags} {tag('t', block['type'])}"))
    await _forget_texts(tx, texts)
    await tx.many("DELETE FROM search_blocks WHERE block_no = ?", [(text[0],) for text in texts])
    return True


async def forget_some_of_session(tx: Tx, session_id: str) -> bool:
    """Take some of a session's blocks out of the index; False if there were none."""
    row = await tx.one(
        "SELECT b.run_no FROM runs r JOIN search_blocks b USING (run_no)"
        " WHERE r.session_id = ? LIMIT 1",
        (session_id,),
    )
    return row is not None and await forget_some(tx, row["run_no"])


async def _forget_texts(tx: Tx, texts: list[tuple[int | None, str, str]]) -> None:
    """Take documents out; an index without content must be told what stood in them."""
    in_order = sorted(texts, key=lambda item: item[0] or 0)
    await tx.many(
        "INSERT INTO search_text (search_text, rowid, text, tags) VALUES ('delete', ?, ?, ?)",
        in_order,
    )


async def unindexed_runs(db: aiosqlite.Connection) -> list[int]:
    """Return the runs that have events and no block, as those stored by an earlier version."""
    found = await rows(
        db,
        "SELECT run_no FROM runs r WHERE last_event_seq > 0 AND NOT EXISTS"
        " (SELECT 1 FROM search_blocks b WHERE b.run_no = r.run_no) AND NOT EXISTS"
        " (SELECT 1 FROM trimmed_runs t WHERE t.run_no = r.run_no) ORDER BY run_no",
    )
    return [row[0] for row in found]
