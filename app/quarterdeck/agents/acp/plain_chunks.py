"""Text chunks in a row, read without parsing each of them.

Nearly all that agents write are chunks of text, and the lines of one message differ in nothing but
that text. So a line that was read the long way is cut into what stands before its text and what
stands after it, and a probe between the two is read the long way once more. If the probe is all
the text that comes out, then the first part ends where a string begins and the second begins
where it ends; and whatever else stands between them, a string without a bare quote leaves them
as they are. Every line that does not fit is read the long way.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quarterdeck.agents.acp.facts import Event
from quarterdeck.model.event_types import EventType

_PROBE = "qd7probe"
_KEY = re.compile(rb'"text"[ \t]*:[ \t]*"')
_BODY = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}))++')
"""A string's inside, not empty, and without surrogates: one may be there without the other."""

_decode = json.JSONDecoder().raw_decode

Reader = Callable[[bytes], Event | None]


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks that differ in their text only.

    Attributes:
        type: The type of their events.
        more: What their payloads have beside `text`.
        texts: The text of each, never empty.
        starts: Where the line of each begins in the data.
        end: Where the line of the last one ends, behind its newline.
    """

    type: EventType
    more: dict[str, Any]
    texts: list[str]
    starts: list[int]
    end: int


@dataclass(frozen=True, slots=True)
class _Form:
    before: bytes
    after: bytes


class PlainChunks:
    """What the lines of the message that is being written look like."""

    def __init__(self, read: Reader) -> None:
        """Begin without knowing any line.

        Args:
            read: Reads a line the long way: the event of a plain text chunk, or None.
        """
        self._read = read
        self._guess: _Form | None = None
        self._form: _Form | None = None
        self._event = Event(EventType.OTHER, {})

    def saw(self, line: bytes, event: Event) -> None:
        """Note a chunk that was read the long way; the second of a form has it looked at."""
        guess = _cut(line)
        if guess is not None and guess == self._guess and guess != self._form:
            self._form = guess if self._proves(guess, event) else None
        self._guess = guess

    def forget(self) -> None:
        """Note that lines may mean something else from now on."""
        self._form = self._guess = None

    def read(self, data: bytes, start: int) -> Chunks | None:
        """Read the chunks of the known form that `data` has from `start` on.

        Args:
            data: Bytes of which a line begins at `start`.
            start: Where to begin.

        Returns:
            All up to the first line that is another one or not whole; None if that is the first.
        """
        form = self._form
        if form is None:
            return None
        before, after = form.before, form.after
        lead, tail = len(before), len(after)
        texts: list[str] = []
        starts: list[int] = []
        fits = _BODY.fullmatch
        while data.startswith(before, start):
            stop = data.find(b"\n", start)
            if stop < 0 or not data.endswith(after, start + lead, stop):
                break
            if not fits(data, start + lead, stop - tail):
                break
            body = data[start + lead : stop - tail]
            try:
                text = body.decode()
                if b"\\" in body:
                    text = _decode(f'"{text}"')[0]
            except ValueError:
                break
            texts.append(text)
            starts.append(start)
            start = stop + 1
        if not texts:
            return None
        more = {key: value for key, value in self._event.payload.items() if key != "text"}
        return Chunks(self._event.type, more, texts, starts, start)

    def _proves(self, form: _Form, event: Event) -> bool:
        """Tell whether a form's text is the event's and nothing else of it."""
        probe = _PROBE.encode()
        if probe in form.before or probe in form.after:
            return False
        found = self._read(form.before + probe + form.after)
        if found is None or found.type is not event.type:
            return False
        if found.payload != event.payload | {"text": _PROBE}:
            return False
        self._event = found
        return True


def _cut(line: bytes) -> _Form | None:
    """Cut a line around what looks like its text."""
    key = _KEY.search(line)
    body = None if key is None else _BODY.match(line, key.end())
    if body is None or line[body.end() : body.end() + 1] != b'"':
        return None
    return _Form(line[: body.start()], line[body.end() :])
