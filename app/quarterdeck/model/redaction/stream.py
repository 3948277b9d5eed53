"""Redaction of text that comes in chunks, so that no chunk boundary hides a secret (DESIGN §4).

**What is held.** Only the end of a stream that more text may turn into a secret: a run of secret
characters after a public head (`ghp_`, `token: `), an unfinished known value, the beginning of a
user pattern. Heads themselves are released, so plain words wait for nothing. What is held
is bounded (4 KiB for a JWT, 1 KiB for known values and user patterns, 256 characters for the
rest): a longer secret is replaced as soon as it is certain, and the rest of it is dropped as it
comes, however long it is.

**How a crash loses nothing.** Held text is in the journal, and nowhere else. The state, which
goes into the transaction of the chunk's event and of the journal offset, has no held text: it
has references to it, as journal line and characters within that line's text. The offset moves
on as if nothing were held, so every line is ingested once; after a restart, or after a
rolled back transaction, the held text is read again through the references. If that fails
(a journal cut by a loss of power), a marker says so instead of the text. The journal must keep
its lines from `needed_from` on.

**Protocol**, all within the transaction that ingests the line:

1. A text chunk: `feed(key, text, at)`; the result is the text of its event, even if empty. What
   was held before comes with it. `key` names the stream, `at` is where the line begins in the
   journal.
2. Before an event that ends a stream: `flush(key)`; a text that is not empty becomes one more
   event of the stream's type, numbered before the other one.
3. With the offset: `to_state()` if `dirty`.
4. When the run is taken up again: `from_state(…)`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.model.redaction.marker import marker
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.model.redaction.scanning import Flow

TextAt = Callable[[int], str | None]
"""Returns the text of the chunk whose journal line begins at this offset; None if unreadable."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Held characters of one chunk: `length` of them from `start` in the text of line `at`."""

    at: int
    start: int
    length: int


@dataclass(slots=True)
class _Stream:
    flow: Flow = field(default_factory=Flow)
    pieces: list[_Piece] = field(default_factory=list)
    owed: str = ""
    """A marker for text that was lost, to be released next."""

    def keep_last(self, length: int) -> None:
        """Let go of the pieces' beginning until they have `length` characters."""
        kept: list[_Piece] = []
        for piece in reversed(self.pieces):
            taken = min(length, piece.length)
            if taken:
                kept.append(_Piece(piece.at, piece.start + piece.length - taken, taken))
                length -= taken
        self.pieces = kept[::-1]


class StreamRedactor:
    """The open streams of one run."""

    def __init__(self, redactor: Redactor) -> None:
        self._scan = redactor.scan
        self._streams: dict[str, _Stream] = {}
        self.dirty = False
        """Whether the state changed since `to_state`."""

    @property
    def keys(self) -> list[str]:
        """The streams that were fed and not flushed, in the order of their beginning."""
        return list(self._streams)

    @property
    def needed_from(self) -> int | None:
        """The lowest journal offset that held text is at; None if nothing is held."""
        offsets = [piece.at for stream in self._streams.values() for piece in stream.pieces]
        return min(offsets, default=None)

    def feed(self, key: str, text: str, at: int, start: int = 0) -> str:
        """Take a chunk and return what of the stream may be stored now.

        Args:
            key: The stream: chunks of one key follow each other.
            text: The chunk's text, raw.
            at: Where its line begins in the journal, in bytes; `from_state` asks with it.
            start: Where in the text of that line the chunk begins, if it is only a part of it.
        """
        stream = self._streams.setdefault(key, _Stream())
        stream.pieces.append(_Piece(at, start, len(text)))
        released = stream.owed + self._scan.advance(stream.flow, text)
        stream.owed = ""
        stream.keep_last(len(stream.flow.held))
        self.dirty = True
        return released

    def feed_all(self, key: str, texts: Sequence[str], starts: Sequence[int]) -> list[str]:
        """Take chunks that follow each other and return what `feed` would for each.

        Args:
            key: Their stream.
            texts: Their texts; none is empty.
            starts: Where the line of each begins in the journal.
        """
        stream = self._streams.setdefault(key, _Stream())
        if not stream.owed and self._scan.passes(stream.flow, texts):
            stream.pieces = []
            self.dirty = True
            return list(texts)
        if len(texts) == 1:
            return [self.feed(key, texts[0], starts[0])]
        # What is not plain is looked for in ever smaller parts; the rest goes by in large ones.
        half = len(texts) // 2
        return [
            *self.feed_all(key, texts[:half], starts[:half]),
            *self.feed_all(key, texts[half:], starts[half:]),
        ]

    def flush(self, key: str) -> str:
        """End a stream and return what was held of it; the key may begin another one."""
        stream = self._streams.pop(key, None)
        if stream is None:
            return ""
        self.dirty = True
        return stream.owed + self._scan.advance(stream.flow, "", final=True)

    def to_state(self) -> dict[str, Any]:
        """Return what a later `from_state` needs as a JSON-able dict, without any held text."""
        self.dirty = False
        return {
            key: {
                "context": stream.flow.context,
                "swallowing": stream.flow.swallowing,
                "held": [[piece.at, piece.start, piece.length] for piece in stream.pieces],
                "owed": stream.owed,
            }
            for key, stream in self._streams.items()
        }

    @classmethod
    def from_state(
        cls, redactor: Redactor, state: dict[str, Any], text_at: TextAt
    ) -> "StreamRedactor":
        """Go on where `to_state` was; the released text is the same as if it had not stopped.

        Args:
            redactor: Looks for the same secrets as before.
            state: What `to_state` returned, also after a way as JSON.
            text_at: Reads a chunk's text from the journal again.
        """
        streams = cls(redactor)
        for key, told in state.items():
            stream = _Stream(_flow(told), [_Piece(*piece) for piece in told["held"]], told["owed"])
            held = [_read(piece, text_at) for piece in stream.pieces]
            stream.flow.held = "".join(text for text in held if text is not None)
            if None in held:
                stream.owed += marker("lost-text", sum(piece.length for piece in stream.pieces))
                stream.flow.held, stream.pieces = "", []
            streams._streams[key] = stream
        return streams


def _flow(told: dict[str, Any]) -> Flow:
    return Flow(context=told["context"], swallowing=told["swallowing"])


def _read(piece: _Piece, text_at: TextAt) -> str | None:
    """Return the piece's characters, None if its line does not have them any more."""
    text = text_at(piece.at)
    if text is None or len(text) < piece.start + piece.length:
        return None
    return text[piece.start : piece.start + piece.length]
