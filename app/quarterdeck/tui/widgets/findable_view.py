"""A view in which text is found: the places are marked, counted, and gone to one by one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.find_words import FindWords
from quarterdeck.tui.widgets.line_view import LineView

TELL_S = 0.1
"""Seconds between two counts that are told."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HitCount:
    """How many places are known, and which of them is the current one."""

    at: int = 0
    """From 1; 0 if none is current, or if it is not known yet how many come before it."""
    total: int = 0
    counting: bool = False


class Hits(Protocol):
    """The places of some words in what a view holds."""

    words: FindWords

    def count(self) -> AsyncIterator[None]:
        """Look at what was not looked at yet, and let others run in between.

        Raises:
            QuarterdeckError: What is looked at cannot be fetched now.
        """
        ...

    def go(self, step: int) -> bool | None:
        """Make another place the current one and show it.

        Args:
            step: 1 for the next, -1 for the one before, 0 for the first from the screen's top on.

        Returns:
            Whether there is one; None if that cannot be said before more was looked at.
        """
        ...

    @property
    def known(self) -> HitCount:
        """What is known by now; `counting` only tells whether something was not looked at."""
        ...


class FindableView(LineView):
    """Counts in the background, a slice at a time; only lines on the screen are marked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"findable-view--found", "findable-view--found-now"}
    DEFAULT_CSS = """
    FindableView {
        & > .findable-view--found { color: $text-warning; text-style: underline; }
        & > .findable-view--found-now { text-style: bold underline reverse; }
    }
    """

    @dataclass
    class FindAsked(Message):
        """The person wants to find something in this view."""

    @dataclass
    class HitsTold(Message):
        """More is known of what is looked for."""

        view: "FindableView"
        count: HitCount

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._hits: Hits | None = None
        self._last: Hits | None = None
        """What was looked for last, to be gone on with."""
        self._counting: asyncio.Task[None] | None = None
        self._step_wanted: int | None = None
        """A step that waits until more was looked at."""
        self._hits_known: HitCount | None = None

    def hits_of(self, words: FindWords) -> Hits:
        """Return the places of some words, none looked at yet."""
        raise NotImplementedError

    @property
    def finding(self) -> FindWords | None:
        """What is looked for."""
        return self._hits.words if self._hits is not None else None

    def action_find(self) -> None:
        """Have asked what to find."""
        self.tell(self.FindAsked())

    def find(self, words: FindWords | None) -> None:
        """Mark and count some words; None ends that."""
        if words is None and self._hits is None:
            return
        self._stop_counting()
        self._step_wanted = self._hits_known = None
        self._hits = self.hits_of(words) if words is not None else None
        self.marks_changed()
        self.count_on()

    def keep_find(self) -> None:
        """Remember what is looked for, and where one is."""
        self._last = self._hits or self._last

    def end_find(self) -> None:
        """Mark nothing any more, but remember what was looked for, if anything was."""
        self.keep_find()
        self.find(None)

    def find_again(self) -> bool:
        """Go on with what was looked for last; return whether there is anything."""
        if self._hits is None and self._last is not None:
            self._hits, self._hits_known = self._last, None
            self.marks_changed()
            self.count_on()
        return self._hits is not None

    def find_anew(self) -> None:
        """Look for the same in what is shown from now on."""
        if self._last is not None:
            self._last = self.hits_of(self._last.words)
        if self._hits is not None:
            self.find(self._hits.words)

    def count_on(self) -> None:
        """Look at what has come, if something is looked for."""
        if self._hits is not None and self._counting is None and self.is_attached:
            self._counting = asyncio.create_task(self._count_hits(self._hits), name="find")

    def go_to_hit(self, step: int) -> None:
        """Go to the next place, to the one before, or with 0 to the first from here on."""
        hits = self._hits
        if hits is None:
            return
        went = hits.go(step)
        self._step_wanted = step if went is None else None
        self.marks_changed()
        self._tell_hits()
        if went is None:
            self.count_on()

    def marks_changed(self) -> None:
        """Draw the lines on the screen anew."""
        self.refresh()

    def found_look(self, now: bool) -> Style:
        """Return what is laid over the look of what was found; `now` for the current place."""
        return self.look_over("findable-view--found-now" if now else "findable-view--found")

    def found_in(self, text: str, style: Style, *, now: bool) -> list[Segment]:
        """Return a text of a line with what is looked for marked."""
        if self._hits is None:
            return [Segment(text, style)]
        return split_at(text, style, self._hits.words.places(text), self.found_look(now))

    async def _count_hits(self, hits: Hits) -> None:
        told = monotonic()
        try:
            async for _ in hits.count():
                if self._step_wanted is not None:
                    self.go_to_hit(self._step_wanted)
                if monotonic() - told > TELL_S:
                    told = monotonic()
                    self._tell_hits()
        except QuarterdeckError as error:
            self._step_wanted = None
            _log.warning("finding stopped: %s", error.message)
        finally:
            if self._hits is hits:
                self._counting = None
        if self._step_wanted is not None:
            self.go_to_hit(self._step_wanted)
        self._tell_hits()

    def _stop_counting(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None

    def _tell_hits(self) -> None:
        if self._hits is not None and self._hits.known != self._hits_known:
            self._hits_known = self._hits.known
            self.tell(self.HitsTold(self, self._hits_known))

    def on_unmount(self) -> None:
        """Let no counting outlive the view."""
        self._stop_counting()


def split_at(
    text: str, style: Style, places: Iterable[tuple[int, int]], look: Style
) -> list[Segment]:
    """Return a text with some places in another look."""
    parts: list[Segment] = []
    done = 0
    for start, end in places:
        start, end = max(start, done), min(end, len(text))
        if start < end:
            parts += [Segment(text[done:start], style), Segment(text[start:end], style + look)]
            done = end
    return [part for part in [*parts, Segment(text[done:], style)] if part.text]


def with_places(strip: Strip, places: Iterable[tuple[int, int, Style]]) -> Strip:
    """Return a strip with some places of its text, given in characters, in other looks."""
    text = strip.text
    for start, end, look in places:
        first, last = cell_len(text[:start]), cell_len(text[: min(end, len(text))])
        if first >= last:
            continue
        inside = strip.crop(first, last)
        marked = [Segment(part.text, (part.style or Style.null()) + look) for part in inside]
        strip = Strip.join(
            [strip.crop(0, first), Strip(marked, inside.cell_length), strip.crop(last)]
        )
    return strip
