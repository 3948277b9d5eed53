"""What the parts of the supervisor share."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.agents import profiles
from quarterdeck.agents.holding import RunDirectory, Spool
from quarterdeck.agents.profiles import AgentProfile
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor.live_run import LiveRun

_log = logging.getLogger(__name__)


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True, eq=False)
class Context:
    """The store, the live runs, and how to get work done beside a transaction."""

    places: Places
    store: Store
    live: dict[str, LiveRun] = field(default_factory=dict)
    """Runs that have, or are about to have, an agent."""
    client_env: dict[str, dict[str, str]] = field(default_factory=dict)
    """By session: what the client that started its agent last sent; in memory only."""
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    look: Callable[[LiveRun], None] = lambda run: None
    """Ask ingestion to look at a run's journal; set by Ingestion."""
    draining: bool = False
    none_live: asyncio.Event = field(default_factory=_set_event)
    """Set while no run is live."""

    def profile(self, agent: str) -> AgentProfile:
        """Return an agent's profile as config.toml says now.

        Raises:
            QuarterdeckError: `unknown_agent` or `config_invalid`.
        """
        known = profiles.load(self.places.config_file)
        if agent not in known:
            raise QuarterdeckError(
                "unknown_agent", f"no agent {agent!r}; known are {', '.join(sorted(known))}"
            )
        return known[agent]

    def do(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run `work` beside everything else; a failure is logged and ends only itself."""
        task = asyncio.create_task(self._guarded(work, name), name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Exception:
            _log.exception("work failed", extra={"work": name})

    def hold(self, row: Row, cwd: str) -> LiveRun:
        """Return the run of `row` as a live one, made from the row if it was not held yet."""
        held = self.live.get(row["run_id"])
        if held is not None:
            return held
        run = self.make(row, cwd)
        self.live[run.run_id] = run
        self.none_live.clear()
        return run

    def make(self, row: Row, cwd: str) -> LiveRun:
        """Make a run from its row without holding it, as for one whose agent is gone."""
        directory = RunDirectory(self.places.runs / row["run_id"])
        run = LiveRun(
            row["run_id"],
            row["run_no"],
            row["session_id"],
            row["via"],
            cwd,
            directory,
            Spool(directory),
        )
        run.load(row)
        return run

    def drop(self, run: LiveRun) -> None:
        """Let go of a run that has ended."""
        run.let_go()
        self.live.pop(run.run_id, None)
        if not self.live:
            self.none_live.set()
