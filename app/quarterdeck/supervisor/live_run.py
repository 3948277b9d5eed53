"""What is held in memory of a run that has an agent; the store has all of it too."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from quarterdeck.agents.acp.driver import AcpDriver
from quarterdeck.agents.holding import RunDirectory, Spool
from quarterdeck.agents.process import ProcessIdentity
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.rpc.framing import LineSplitter
from quarterdeck.store.search_index import RunIndex
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor.redacting import RunRedaction

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class LiveRun:
    """A run as ingestion and dispatch see it.

    Everything but the asyncio parts comes from the run's row and is written back to it in each
    transaction. If one is rolled back, `stale` says that memory is ahead of the store, and the
    next transaction reads the row again.
    """

    run_id: str
    run_no: int
    session_id: str
    via: str
    cwd: str
    directory: RunDirectory
    spool: Spool
    driver: AcpDriver | None = None
    last_seq: int = 0
    offset: int = 0
    """Journal bytes committed."""
    spool_size: int = 0
    outbox_count: int = 0
    stopping: str | None = None
    """Why the run is being ended: close, cancel, failed, shutdown; None while it should live."""
    stale: bool = False
    redaction: RunRedaction | None = None
    """What of its streams is held back; opened with its first event."""
    redaction_state: str | None = None
    index: RunIndex | None = None
    """What the search index has of the run; opened with its first event."""

    splitter: LineSplitter = field(default_factory=lambda: LineSplitter(blank=False))
    read: int = 0
    """Journal bytes fed to the splitter; those after `offset` begin an unfinished line."""
    base: int = 0
    """Where in the journal the splitter began."""
    agent: str = ""
    """Name of its profile, for the log; empty where that was not at hand."""
    keeper: ProcessIdentity | None = None
    keeper_gone: bool = False
    ended: bool = False
    failures: int = 0
    """How often in a row it could not be ingested."""
    terminal_calls: dict[str, str] = field(default_factory=dict)
    """By terminal: the call it is for, until hooks were told how it ended."""
    serving: int = 0
    """How many of its requests are in work."""
    told_read: int = 0
    """How far the keeper knows the journal to be read."""
    paused: bool = False
    """Whether the trace says that the agent is paused because its output runs ahead."""
    paused_stored: bool = False
    unspooled: list[tuple[int, bytes]] = field(default_factory=list)
    started: "asyncio.Future[QuarterdeckError | None] | None" = None
    """Resolved when the handshake is over: with None, or with why it failed."""
    deadline: asyncio.TimerHandle | None = None
    unwatch: Callable[[], None] | None = None

    def load(self, row: Row) -> None:
        """Take over what the store says."""
        self.last_seq = row["last_event_seq"]
        self.base = self.offset = self.read = row["journal_offset"]
        self.splitter = LineSplitter(skipping=bool(row["journal_skipping"]), blank=False)
        self.spool_size = row["spool_size"]
        self.outbox_count = row["outbox_count"]
        self.stopping = row["stopping"]
        self.driver = _driver(row["driver"])
        self.paused = self.paused_stored = _is_paused(row["driver"])
        self.redaction, self.redaction_state = None, row["redaction"]
        self.index = None
        self.stale = False

    def mark_stale(self) -> None:
        """Note that memory is ahead of the store."""
        self.stale = True

    def lost(self) -> None:
        """Note that its keeper is gone."""
        self.keeper_gone = True

    def handshake_over(self, error: QuarterdeckError | None) -> None:
        """Tell whoever waits for the start how it went, and stop the clock."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
        if self.started is not None and not self.started.done():
            self.started.set_result(error)

    def let_go(self) -> None:
        """Release what belongs to this process."""
        self.ended = True
        if self.deadline is not None:
            self.deadline.cancel()
        if self.unwatch is not None:
            self.unwatch()
            self.unwatch = None


def _is_paused(state: str | None) -> bool:
    """Read what the trace last said of the agent; a damaged state says nothing."""
    try:
        return state is not None and json.loads(state).get("paused") is True
    except (ValueError, AttributeError):
        return False


def _driver(state: str | None) -> AcpDriver | None:
    """Read a driver's state; without a readable one the run cannot go on (C9)."""
    if state is None:
        return None
    try:
        return AcpDriver.from_state(json.loads(state))
    except (ValueError, KeyError, TypeError):
        _log.exception("the state of a run is damaged")
        return None
