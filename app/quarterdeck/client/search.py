"""Calls that search all stored events."""

from collections.abc import Sequence

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.search_hit import SearchHit


class SearchCalls(DeckCalls):
    """Searching."""

    async def search(
        self,
        query: str,
        *,
        session_id: str | None = None,
        project: str | None = None,
        agent: str | None = None,
        types: Sequence[str] = (),
        since: str | None = None,
        until: str | None = None,
        order: str = "newest",
        cursor: str | None = None,
        limit: int = 20,
    ) -> tuple[list[SearchHit], str | None]:
        """Return a page of messages and events that have all words, and the next page's cursor.

        Args:
            query: Words, "quoted phrases" and `begin*`; all must be found.
            session_id: Only of this session.
            project: Only of sessions of this project.
            agent: Only of sessions of this agent profile.
            types: Only events of these types.
            since: ISO 8601; not before it.
            until: ISO 8601; before it.
            order: `newest` first or by `relevance`.
            cursor: From the page before.
            limit: 1 to 100 hits.

        Raises:
            QuarterdeckError: `invalid_query`, `invalid_params`, `unknown_session`.
        """
        page = await self.call(
            "event.search",
            query=query,
            session_id=session_id,
            project=project,
            agent=agent,
            types=list(types) or None,
            since=since,
            until=until,
            order=order,
            cursor=cursor,
            limit=limit,
        )
        return [SearchHit.from_wire(row) for row in page["hits"]], page["cursor"]
