"""What one agent may take: told to its keeper, and how far its journal is read (DESIGN §4)."""

import asyncio
from typing import TypedDict

from quarterdeck.agents.holding import is_held_back, read_held_back, tell_read
from quarterdeck.agents.profiles import AgentProfile
from quarterdeck.model.event_types import EventType
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.recorder import Recorder
from quarterdeck.supervisor.settings import Limits

TELL_BYTES = 256 * 1024
"""How much is read before the keeper is told again; a quarter of the least `journal_ahead`."""
TELL_AGAIN_SECONDS = 0.2
PAUSED = "paused: output runs ahead"
GOES_ON = "goes on: its output was read"


class KeeperLimits(TypedDict):
    """What of a keeper's spec are limits; 0 is none."""

    journal_ahead: int
    memory: int
    processes: int
    run_seconds: int


def of(ctx: Context, profile: AgentProfile) -> KeeperLimits:
    """Return the limits for a run that is started now."""
    general = ctx.sections.load(ctx.places, "limits", Limits)
    own = general.session if profile.limits is None else profile.limits
    return {
        "journal_ahead": general.journal_ahead,
        "memory": own.memory or 0,
        "processes": own.processes or 0,
        "run_seconds": own.run_time or 0,
    }


def tell(run: LiveRun, *, whole: bool = False) -> None:
    """Tell a run's keeper how far its journal is read, again until it was told.

    An agent that was stopped because its output ran ahead goes on by this alone, so it is also
    told, with `whole`, by every supervisor that begins to read.
    """
    if run.ended or run.keeper_gone or run.keeper is None:
        return
    if not whole and run.read - run.told_read < TELL_BYTES:
        return
    if tell_read(run.directory, run.read):
        run.told_read = run.read
    else:
        loop = asyncio.get_running_loop()
        loop.call_later(TELL_AGAIN_SECONDS, lambda: tell(run, whole=True))


def note(rec: Recorder) -> None:
    """Record that the agent was paused, or goes on, if the trace does not say so yet."""
    run = rec.run
    held = not run.keeper_gone and is_held_back(run.directory)
    if held == run.paused or run.driver is None:
        return
    run.paused = held
    told = {"message": PAUSED if held else GOES_ON}
    rec.event(EventType.BACKEND_STATUS, told | ((held and read_held_back(run.directory)) or {}))
