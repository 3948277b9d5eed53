"""Which events of a run the trace shows: all of them, or those of some types."""

import asyncio
import logging
from array import array
from bisect import bisect_left
from collections.abc import Callable

from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView
from quarterdeck.tui.widgets.event_finder import EventFinder
from quarterdeck.tui.widgets.event_pages import EventPages, Fetch

_log = logging.getLogger(__name__)


class ShownEvents:
    """Tells the place of each event shown, from 0, and the event of each place.

    Of all events the place follows from the seq. Those of some types are asked for, a few thousand
    seqs at a time, from the beginning of the run to its end.
    """

    def __init__(
        self,
        run_id: str | None = None,
        types: frozenset[EventType] = frozenset(),
        finder: EventFinder | None = None,
        found: Callable[[], None] = lambda: None,
    ) -> None:
        """Create it with nothing found.

        Args:
            run_id: Whose events; None has none.
            types: Which types are shown; none stands for all.
            finder: Finds events by their types.
            found: Called when places of more events are known.
        """
        self.types = types
        self._run_id = run_id
        self._finder = finder
        self._found = found
        self._seqs: array[int] | None = array("Q") if types else None
        self._found_to = 0
        self._last_seq = 0
        self._finding: asyncio.Task[None] | None = None

    @property
    def are_all(self) -> bool:
        """Whether no event is left out."""
        return self._seqs is None

    def count(self, last_seq: int) -> int:
        """Return how many are known to be shown of a run that has `last_seq` events."""
        return last_seq if self._seqs is None else len(self._seqs)

    def seq_at(self, place: int) -> int:
        """Return the seq of the event at a place."""
        return place + 1 if self._seqs is None else self._seqs[place]

    def place_of(self, seq: int) -> int:
        """Return the place of an event, or of the first one after it that is shown."""
        return seq - 1 if self._seqs is None else bisect_left(self._seqs, seq)

    def has(self, seq: int) -> bool:
        """Return whether an event of the run is shown, as far as is known."""
        place = self.place_of(seq)
        return self._seqs is None or (place < len(self._seqs) and self._seqs[place] == seq)

    def knows(self, seq: int) -> bool:
        """Return whether it is known of all events up to `seq` which of them are shown."""
        return self._seqs is None or self._found_to >= seq

    def pages(
        self, last_seq: int, fetch: Fetch | None, loaded: Callable[[int, int], None]
    ) -> EventPages | None:
        """Return the pages of what is shown.

        Args:
            last_seq: The seq of the run's last event so far.
            fetch: Gets events of the run, of all types.
            loaded: Called with the first and last place, from 1, of what has newly arrived.
        """
        run_id, finder, types = self._run_id, self._finder, self.types
        if run_id is None or fetch is None:
            return None
        if self._seqs is None or finder is None:
            return EventPages(run_id, last_seq, fetch, loaded)

        async def fetch_some(run: str, after_seq: int, limit: int) -> list[EventView]:
            return await finder.events(run, types, after_seq, limit)

        return EventPages(run_id, 0, fetch_some, loaded, self._seqs)

    def find(self, last_seq: int) -> None:
        """Find what is shown of the run up to an event; nothing to do if that is all of it."""
        self._last_seq = max(self._last_seq, last_seq)
        if self._seqs is None or self._finder is None or self._run_id is None:
            return
        if self._finding is None and self._found_to < self._last_seq:
            finding = self._find_all(self._seqs, self._run_id, self._finder)
            self._finding = asyncio.create_task(finding, name="trace filter")

    async def _find_all(self, seqs: "array[int]", run_id: str, finder: EventFinder) -> None:
        try:
            while self._found_to < self._last_seq:
                more, cursor = await finder.seqs(run_id, self.types, self._found_to)
                if cursor <= self._found_to:
                    return
                seqs.extend(more)
                self._found_to = cursor
                self._found()
        except Exception as error:
            _log.warning("events of %s not found: %r", run_id, error)
        finally:
            self._finding = None

    def close(self) -> None:
        """Find nothing more."""
        if self._finding is not None:
            self._finding.cancel()
