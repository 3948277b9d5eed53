"""Where the panes of a session get what they show."""

from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import Any

from quarterdeck.client.deck import Deck
from quarterdeck.model.records import EventView, SessionView
from quarterdeck.model.worktree import FileDiff, WorktreeDiff
from quarterdeck.tui.widgets.info_view import Background
from quarterdeck.tui.widgets.output_blocks import SHOWN_TYPES
from quarterdeck.tui.widgets.trimmed_run import trimmed_words

EventsFetch = Callable[[str, int, int], Awaitable[list[EventView]]]
OutputFetch = Callable[[int, int], Awaitable[tuple[list[EventView], int]]]


class PaneSource:
    """Asks the deck, connected or not, for what one pane wants to show."""

    def __init__(self, deck: Callable[[], Deck]) -> None:
        """Take what returns the connected deck or raises `unreachable`."""
        self._deck = deck

    async def files(self, session_id: str) -> WorktreeDiff:
        """Return the files that a session changed."""
        return await self._deck().diff(session_id)

    async def file(self, session_id: str, path: str) -> FileDiff:
        """Return what a session changed in one file."""
        return await self._deck().diff_file(session_id, path)

    async def plan(self, session_id: str, run_id: str, seq: int) -> dict[str, Any] | None:
        """Return the plan that was told by one event."""
        _, events, _ = await self._deck().events(
            session_id, run_id=run_id, after_seq=seq - 1, limit=1
        )
        return events[0].payload if events else None

    async def background(self, session: SessionView) -> Background:
        """Return a session's runs, and which variables its agent is given."""
        deck = self._deck()
        runs, profiles = await deck.runs(session.session_id), await deck.agents()
        profile = next((p for p in profiles if p.get("name") == session.agent), {})
        return Background(tuple(runs), tuple(profile.get("env_names") or ()))

    async def trimmed(self, session_id: str, run_id: str, tz: tzinfo | None) -> str:
        """Return what is said of a run whose events were trimmed, empty of any other.

        Args:
            session_id: The session.
            run_id: One of its runs.
            tz: Zone of the time told; None is the machine's.
        """
        runs = await self._deck().runs(session_id)
        return next((trimmed_words(run, tz) for run in runs if run.run_id == run_id), "")

    def events_of(self, session_id: str) -> EventsFetch:
        """Return what fetches events of any run of a session."""

        async def fetch(run_id: str, after_seq: int, limit: int) -> list[EventView]:
            _, events, _ = await self._deck().events(
                session_id, run_id=run_id, after_seq=after_seq, limit=limit
            )
            return events

        return fetch

    def output_of(self, session_id: str, run_id: str | None) -> OutputFetch:
        """Return what fetches those events of a run that the Output shows."""

        async def fetch(after_seq: int, limit: int) -> tuple[list[EventView], int]:
            _, events, cursor = await self._deck().events(
                session_id, run_id=run_id, after_seq=after_seq, limit=limit, types=SHOWN_TYPES
            )
            return events, cursor

        return fetch
