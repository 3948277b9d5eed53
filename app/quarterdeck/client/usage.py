"""Calls about what agents used."""

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.usage_line import UsageLine


class UsageCalls(DeckCalls):
    """Tokens and cost."""

    async def usage(
        self,
        by: str = "session",
        *,
        session_id: str | None = None,
        project: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: int | None = None,
        limit: int = 100,
    ) -> tuple[list[UsageLine], int | None]:
        """Return a page of what was used, the latest first, and the next page's cursor.

        Args:
            by: What is added up: `turn`, `session`, `project` or `day`.
            session_id: Only of this session.
            project: Only of this project.
            since: First day, as `2026-11-21`, in the supervisor's zone.
            until: Last day.
            cursor: From the page before.
            limit: 1 to 100 lines.
        """
        page = await self.call(
            "usage.report",
            by=by,
            session_id=session_id,
            project=project,
            since=since,
            until=until,
            cursor=cursor,
            limit=limit,
        )
        return [UsageLine.from_wire(row) for row in page["usage"]], page["cursor"]
