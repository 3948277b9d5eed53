"""Events of a session by their types, asked of the supervisor."""

from collections.abc import Callable

from quarterdeck.client.deck import Deck
from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView


class DeckFinder:
    """Finds events of one session's runs for the trace."""

    def __init__(self, deck: Callable[[], Deck], session_id: str) -> None:
        """Find events of a session over the deck that `deck` returns at each call."""
        self._deck, self._session_id = deck, session_id

    async def seqs(
        self, run_id: str, types: frozenset[EventType], after_seq: int
    ) -> tuple[list[int], int]:
        """Return the next seqs of such events, and the last seq examined."""
        return await self._deck().event_seqs(
            self._session_id, types, run_id=run_id, after_seq=after_seq
        )

    async def events(
        self, run_id: str, types: frozenset[EventType], after_seq: int, limit: int
    ) -> list[EventView]:
        """Return the next such events."""
        _, found, _ = await self._deck().events(
            self._session_id, run_id=run_id, after_seq=after_seq, limit=limit, types=types
        )
        return found

    async def nearest(
        self, run_id: str, types: frozenset[EventType], from_seq: int, forward: bool
    ) -> int | None:
        """Return the seq of the nearest such event after or before one."""
        return await self._deck().nearest_event(
            self._session_id, types, from_seq=from_seq, forward=forward, run_id=run_id
        )
