"""Bounded NDJSON framing: bytes in, whole lines out, memory limited whatever comes."""

from dataclasses import dataclass

CHUNK_BYTES = 64 * 1024
LINE_LIMIT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its newline.

    Attributes:
        data: The bytes; the first `limit` of them if the line was longer.
        cut: Whether the line was over the limit. Its rest is passed over.
        end: How many bytes of the stream end with this line, from where the splitter started.
    """

    data: bytes
    cut: bool
    end: int


_NEWLINE = ord("\n")


def _after_newlines(chunk: bytes, start: int) -> int:
    """Return where the newlines that stand at `start` end."""
    return len(chunk) - len(chunk[start:].lstrip(b"\n"))


class LineSplitter:
    """Cut a byte stream into lines.

    A cut line is given out as soon as its limit is reached, with `skipping` set until its
    newline came by: a reader that stores its offset also stores that flag, and continues
    after a restart where it was (DESIGN §4).
    """

    def __init__(
        self, *, limit: int = LINE_LIMIT, skipping: bool = False, blank: bool = True
    ) -> None:
        """Begin a stream, or go on with one.

        Args:
            limit: The longest line in bytes.
            skipping: Whether the stream begins within a line that was cut.
            blank: Whether empty lines are given out; a flood of them is cheap without.
        """
        self._limit = limit
        self._parts: list[bytes] = []
        self._held = 0
        self._consumed = 0
        self.skipping = skipping
        self._blank = blank

    @property
    def consumed(self) -> int:
        """Bytes that need not be read again: all given out or passed over, none held back."""
        return self._consumed

    @property
    def held(self) -> bytes:
        """The beginning of a line whose newline has not come yet."""
        return b"".join(self._parts)

    @property
    def between_lines(self) -> bool:
        """Whether what comes next begins a line."""
        return not (self._held or self.skipping)

    def pass_over(self, size: int) -> None:
        """Count whole lines that somebody else has read; only between lines."""
        assert self.between_lines
        self._consumed += size

    def feed(self, chunk: bytes) -> list[Line]:
        """Take the next bytes and return the lines they complete, in order."""
        lines: list[Line] = []
        start = 0
        while (before := start) < len(chunk):
            if not (self._blank or self._held or self.skipping) and chunk[start] == _NEWLINE:
                start = _after_newlines(chunk, start)
                self._consumed += start - before
                continue
            newline = chunk.find(b"\n", start)
            stop = len(chunk) if newline < 0 else newline
            if self.skipping:
                self._consumed += stop - start
            else:
                self._hold(chunk[start:stop], lines)
            if newline < 0:
                break
            self._consumed += 1
            if self.skipping:
                self.skipping = False
            else:
                self._consumed += self._held
                lines.append(self._release(cut=False))
            start = newline + 1
        return lines

    def _hold(self, piece: bytes, lines: list[Line]) -> None:
        room = self._limit - self._held
        if len(piece) <= room:
            if piece:
                self._parts.append(piece)
                self._held += len(piece)
            return
        self._parts.append(piece[:room])
        self._held += room
        self._consumed += self._held + len(piece) - room
        self.skipping = True
        lines.append(self._release(cut=True))

    def _release(self, *, cut: bool) -> Line:
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._held = 0
        return Line(data, cut, self._consumed)
