"""Calls that find events of a run by their types."""

from collections.abc import Iterable

from quarterdeck.client.calls import DeckCalls


class EventFindingCalls(DeckCalls):
    """Places of events, for filters and for jumping to the next error."""

    async def event_seqs(
        self,
        session_id: str,
        types: Iterable[str],
        *,
        run_id: str | None = None,
        after_seq: int = 0,
        limit: int = 5_000,
    ) -> tuple[list[int], int]:
        """Return the seqs of a run's events of some types, and the last seq examined.

        Args:
            session_id: The session.
            types: Event types, at least one.
            run_id: Default: the active run, else the last one.
            after_seq: Greater ones follow.
            limit: 1 to 5000.
        """
        answer = await self.call(
            "event.seqs",
            session_id=session_id,
            run_id=run_id,
            types=sorted(types),
            after_seq=after_seq,
            limit=limit,
        )
        return answer["seqs"], answer["cursor"]

    async def nearest_event(
        self,
        session_id: str,
        types: Iterable[str],
        *,
        from_seq: int,
        forward: bool,
        run_id: str | None = None,
    ) -> int | None:
        """Return the seq of the nearest event of some types after or before one, or None."""
        answer = await self.call(
            "event.nearest",
            session_id=session_id,
            run_id=run_id,
            types=sorted(types),
            from_seq=from_seq,
            forward=forward,
        )
        return answer["seq"]
