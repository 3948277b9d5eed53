"""The Plan pane: the agent's last plan with what is done, under way and still to come."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView
from quarterdeck.tui.widgets.glyphs import UNICODE, Glyphs
from quarterdeck.tui.widgets.reading_view import ReadingView

NO_PLAN = "This agent has told no plan yet."

FetchPlan = Callable[[str, str, int], Awaitable[dict[str, Any] | None]]
"""Takes session, run and seq of a plan's event; returns its payload."""


class PlanView(ReadingView):
    """Shows the plan whose event the session names; fetches it once."""

    def __init__(
        self, fetch: FetchPlan, *, glyphs: Glyphs = UNICODE, id: str | None = None
    ) -> None:
        """Show no plan yet."""
        super().__init__(NO_PLAN, id=id)
        self._fetch, self._glyphs = fetch, glyphs
        self._shown: tuple[str, str, int] | None = None
        self._fetching: asyncio.Task[None] | None = None

    def follow(self, session: SessionView | None) -> None:
        """Show this session's plan, or its newer one."""
        plan = session.plan if session is not None else None
        if session is None or plan is None:
            self._shown = None
            self.put(NO_PLAN)
            return
        wanted = (session.session_id, str(plan.get("run_id")), int(plan.get("seq") or 0))
        if wanted != self._shown:
            afresh = self._shown is None or self._shown[0] != wanted[0]
            self._shown = wanted
            if self._fetching is not None:
                self._fetching.cancel()
            self._fetching = asyncio.create_task(self._fill(wanted, afresh), name="plan")

    async def _fill(self, wanted: tuple[str, str, int], afresh: bool) -> None:
        try:
            payload = await self._fetch(*wanted)
        except QuarterdeckError as error:
            self._shown = None  # the next board tries again
            self.put(f"The plan cannot be read now: {error.message}")
            return
        self.put(plan_text(payload or {}, self._glyphs), afresh=afresh)


def plan_text(payload: dict[str, Any], glyphs: Glyphs) -> str:
    """Return a plan's entries, one a line, by glyph and word."""
    told = payload.get("entries")
    entries = [e for e in told if isinstance(e, dict)] if isinstance(told, list) else []
    if not entries:
        return NO_PLAN
    done = sum(1 for entry in entries if entry.get("status") == "completed")
    lines = [f"{done} of {len(entries)} done", ""]
    for entry in entries:
        status = str(entry.get("status") or "unknown")
        priority = entry.get("priority")
        text = " ".join(str(entry.get("content") or "").split())
        after = f"  ({priority})" if priority not in (None, "medium") else ""
        word = {"completed": "done", "in_progress": "now", "pending": "to do"}.get(status, status)
        lines.append(f"{glyphs.plan.get(status, '?')} {word:5}  {text}{after}")
    return "\n".join(lines)
