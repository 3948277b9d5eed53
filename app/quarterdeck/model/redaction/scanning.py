"""The one scan that redaction is made of, over a text that may go on.

A stream's text is scanned as it comes. Whatever is out of doubt is released at once, a secret as
its marker; only the end of the text that more text may turn into a secret is held back. Nothing
depends on where the text was cut into chunks, so a whole text is just a stream of one chunk.

Per character of a text the work is bounded: texts are scanned in blocks, a head of a shape is
bounded and so is the run it is judged by, and a secret longer than that is swallowed, character
by character, with no look back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quarterdeck.model.redaction.known_secrets import KnownSecrets
from quarterdeck.model.redaction.marker import marker
from quarterdeck.model.redaction.patterns import HEAD_LIMIT, SHAPES, TokenShape
from quarterdeck.model.redaction.user_patterns import UserPattern

BLOCK = 4096
CONTEXT = HEAD_LIMIT + 8
"""How much released text is remembered, for a head that is followed by its secret later."""

_BY_NAME = {shape.name: shape for shape in SHAPES}
_WIDEST = _BY_NAME["password"]
"""Goes on dropping for a shape that a state of another version names."""


@dataclass(slots=True)
class Flow:
    """How far the scan of one stream is.

    Attributes:
        context: The end of what was released; never part of a secret.
        held: What may become a secret, raw; it must not be stored.
        swallowing: Name of the shape whose secret is being dropped, however long it is.
    """

    context: str = ""
    held: str = ""
    swallowing: str | None = None


class _Find(NamedTuple):
    """A secret, or, with no end, what may become one; `head` is where its evidence begins."""

    start: int
    end: int | None
    kind: str
    head: int
    swallow: TokenShape | None = None


@dataclass(slots=True)
class _Window:
    """Text being scanned: from `floor` on heads count, from `pos` on text is to be released."""

    text: str
    floor: int
    pos: int
    final: bool
    lowered: str


_Source = TokenShape | KnownSecrets | UserPattern


class Scan:
    """Finds secrets of all kinds; it holds what is looked for, a `Flow` where it is."""

    def __init__(self, patterns: list[UserPattern], known: KnownSecrets) -> None:
        self._patterns = patterns
        self._known = known

    def is_clean(self, text: str) -> bool:
        """Tell quickly, for most texts, that a whole text has nothing to redact."""
        return (
            not _concerned(text.lower())
            and not self._known.occur_in(text)
            and not any(pattern.whole.search(text) for pattern in self._patterns)
        )

    def passes(self, flow: Flow, texts: Sequence[str]) -> bool:
        """Take the next texts of a stream if each is plainly to be released as it is.

        It looks at all of them at once: where no head can begin and no value does, nothing is
        found in any of them, whichever is looked at last.

        Args:
            flow: Where the scan is; moved on behind the texts if they pass.
            texts: What follows what was given before.

        Returns:
            False if `advance` has to look at them; then nothing has changed.
        """
        if flow.held or flow.swallowing is not None or self._patterns:
            return False
        joined = flow.context + "".join(texts)
        if _has_trigger(joined.lower()) or self._known.occur_in(joined):
            return False
        if any(len(text) > BLOCK or self._known.begun(text, 0) is not None for text in texts):
            return False
        flow.context = joined[-CONTEXT:]
        return True

    def advance(self, flow: Flow, text: str, *, final: bool = False) -> str:
        """Take the next text of a stream and return what may be released.

        Args:
            flow: Where the scan is; moved on.
            text: What follows what was given before; may be empty.
            final: Whether the stream ends here, so that nothing is held back.
        """
        released: list[str] = []
        for at in range(0, max(len(text), 1), BLOCK):
            last = final and at + BLOCK >= len(text)
            self._block(flow, text[at : at + BLOCK], last, released)
        return "".join(released)

    def _block(self, flow: Flow, block: str, final: bool, out: list[str]) -> None:
        fresh = flow.held + block
        flow.held = ""
        if flow.swallowing is not None:
            fresh = _swallow_on(flow, fresh, final)
            if flow.swallowing is not None:
                return
        text = flow.context + fresh
        window = _Window(text, 0, len(flow.context), final, _lowered(text))
        if self._scan(flow, window, out):
            return
        floor, pos = window.floor, window.pos
        flow.held = text[pos:]
        lead = _edge(text[floor - 1]) if floor else ""
        flow.context = (lead + text[max(floor, pos - CONTEXT) : pos])[-CONTEXT:]

    def _scan(self, flow: Flow, window: _Window, out: list[str]) -> bool:
        """Release all that is certain; tell whether the text ended within a secret."""
        sources: list[_Source] = [self._known, *self._patterns, *_concerned(window.lowered)]
        finds = [_find(source, window) for source in sources]
        while True:
            order = [(find.start, rank) for rank, find in enumerate(finds) if find is not None]
            best = finds[min(order)[1]] if order else None
            stop = len(window.text) if best is None else best.start
            out.append(window.text[window.pos : stop])
            window.pos = stop
            if best is None or best.end is None:
                return False
            out.append(marker(best.kind, best.end - best.start))
            end, goes_on = best.end, False
            if best.swallow is not None:
                end, goes_on = best.swallow.swallow(window.text, best.start, final=window.final)
            if goes_on and best.swallow is not None:
                flow.swallowing = best.swallow.name
                flow.held = window.text[end:]
                flow.context = _edge(window.text[end - 1])
                return True
            window.pos = window.floor = end
            for rank, find in enumerate(finds):
                if find is not None and (find.head < end or find.start < end):
                    finds[rank] = _find(sources[rank], window)


def _swallow_on(flow: Flow, fresh: str, final: bool) -> str:
    """Go on dropping a secret and return the text after it, none while it may go on."""
    assert flow.swallowing is not None
    shape = _BY_NAME.get(flow.swallowing, _WIDEST)
    end, goes_on = shape.swallow(fresh, 0, final=final)
    if end:
        flow.context = _edge(fresh[end - 1])
    if goes_on:
        flow.held = fresh[end:]
        return ""
    flow.swallowing = None
    return fresh[end:]


_TRIGGERS = tuple({trigger for shape in SHAPES for trigger in shape.triggers})


def _has_trigger(lowered: str) -> bool:
    return any(map(lowered.__contains__, _TRIGGERS))


def _concerned(lowered: str) -> list[TokenShape]:
    # Nearly all that agents say has none of them: told apart without a step of Python for each.
    if not _has_trigger(lowered):
        return []
    return [shape for shape in SHAPES if any(trigger in lowered for trigger in shape.triggers)]


def _lowered(text: str) -> str:
    """Return `text` in lower case, every character in its place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(char.lower() if char.isascii() else char for char in text)


def _edge(char: str) -> str:
    """Return a stand-in for the last character of a secret: to every look-behind it is the same.

    No head begins with any of them.
    """
    if char in "_.-":
        return "_" if char == "_" else "."
    if char.isascii():
        return "0" if char.isalnum() else ""
    return "é" if char.isalnum() else ""


def _find(source: _Source, window: _Window) -> _Find | None:
    """Return a source's leftmost find from `window.pos` on."""
    if isinstance(source, TokenShape):
        return _find_shape(source, window)
    if isinstance(source, KnownSecrets):
        whole = source.first(window.text, window.pos)
    else:
        match = source.whole.search(window.text, window.pos)
        whole = None if match is None else (match.start(), match.end(), source.kind)
    begun = None if window.final else source.begun(window.text, window.pos)
    if begun is not None and (whole is None or begun <= whole[0]):
        return _Find(begun, None, "", begun)
    return None if whole is None else _Find(whole[0], whole[1], whole[2], whole[0])


def _find_shape(shape: TokenShape, window: _Window) -> _Find | None:
    finds = [_find_after(shape, trigger, window) for trigger in shape.triggers]
    return min((find for find in finds if find is not None), key=_start, default=None)


def _start(find: _Find) -> int:
    return find.start


def _find_after(shape: TokenShape, trigger: str, window: _Window) -> _Find | None:
    """Return the leftmost find whose head begins with this trigger."""
    at = window.lowered.find(trigger, window.floor)
    while at >= 0:
        head = shape.head.match(window.text, at)
        if head is not None and head.end() >= window.pos:
            find = _judge(shape, at, head.end(), window)
            if find is not None:
                return find
        at = window.lowered.find(trigger, at + 1)
    return None


def _judge(shape: TokenShape, head: int, start: int, window: _Window) -> _Find | None:
    """Look at the run that begins at `start`, after a head."""
    text = window.text
    run = shape.body.match(text, start, start + shape.look)
    end = start if run is None else run.end()
    cut = end - start >= shape.look
    if end == len(text) and end > start and not cut and not window.final:
        return _Find(start, None, shape.kind, head)
    hidden = shape.hides(text[start:end], None if cut else text[end : end + 1])
    if not hidden:
        return None
    goes_on = shape.block or (cut and hidden == end - start)
    return _Find(start, start + hidden, shape.kind, head, shape if goes_on else None)
