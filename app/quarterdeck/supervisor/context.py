"""What the parts of the supervisor share."""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.agents import process, profiles
from quarterdeck.agents.holding import RunDirectory, Spool
from quarterdeck.agents.profiles import AgentProfile
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.store import leases, runs
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor.config_check import ConfigHealth
from quarterdeck.supervisor.hook_kinds import HookKind
from quarterdeck.supervisor.judging import Policy
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.redacting import Redactors
from quarterdeck.supervisor.reports import Reports
from quarterdeck.supervisor.settings import LastGood

_log = logging.getLogger(__name__)


def _own_runner_id() -> str:
    """Return an id no other process ever has: boot, pid, start."""
    found = process.identify(os.getpid())
    started = "" if found is None else f":{found.start_time}"
    return f"{leases.SUPERVISOR}:{process.boot_id()}:{os.getpid()}{started}"


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
    runner_id: str = field(default_factory=_own_runner_id)
    """By which this supervisor holds runs (A5)."""
    client_env: dict[str, dict[str, str]] = field(default_factory=dict)
    """By session: what the client that started its agent last sent; in memory only."""
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    look: Callable[[LiveRun], None] = lambda run: None
    """Ask ingestion to look at a run's journal; set by Ingestion."""
    tell: Callable[[LiveRun, list[tuple[str, dict[str, Any]]]], None] = lambda run, news: None
    """Tell the lifecycle hooks what happened, in order (C6); set by Hooks."""
    hears: Callable[[HookKind], bool] = lambda kind: False
    """Whether some hook is to be told of such a step; set by Hooks."""
    rearm: Callable[[], None] = lambda: None
    """Look again at when the next approval expires; set by Expiry."""
    rearm_sessions: Callable[[], None] = lambda: None
    """Look again at which session's time is over; set by SessionExpiry."""
    turn_over: Callable[[], None] = lambda: None
    """Look again if a session is overdue that worked; set by SessionExpiry."""
    policy: Policy = field(init=False)
    redactors: Redactors = field(init=False)
    reports: Reports = field(init=False)
    config_health: ConfigHealth = field(init=False)
    sections: LastGood = field(default_factory=LastGood)
    """Sections of config.toml, read again where they are needed."""
    last_trim: dict[str, Any] | None = None
    """What retention last took away, and when."""
    draining: bool = False
    ending: bool = False
    """Whether all runs are being ended before the drain: none is started any more (V6)."""
    none_live: asyncio.Event = field(default_factory=_set_event)
    """Set while no run is live."""

    def __post_init__(self) -> None:
        self.policy = Policy(self.places)
        self.config_health = ConfigHealth(self.places)
        self.redactors = Redactors(self.places)
        self.reports = Reports(self.places.recovery_reports)

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

    def profile_or_none(self, agent: str) -> AgentProfile | None:
        """Return an agent's profile, or None if the configuration has none that can be read."""
        try:
            return self.profile(agent)
        except QuarterdeckError:
            return None

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

    async def current(self, tx: Tx, run_id: str | None) -> LiveRun | None:
        """Return a held run as the store has it; a rolled back transaction is undone in it."""
        run = self.live.get(run_id) if run_id else None
        if run is not None and run.stale:
            run.load(await runs.load(tx.db, run.run_id))
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
