"""A supervisor whose state directory was removed or replaced ends, and its agents with it.

What it would still write could be found by nobody, and the next client starts another supervisor
on what stands there now. The file that is looked at is the store's own.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable

from quarterdeck.agents import process
from quarterdeck.supervisor.context import Context

LOOK_SECONDS = 2.0

_log = logging.getLogger(__name__)


async def watch(ctx: Context, gone: Callable[[], None]) -> None:
    """Look whether the store is still in its place, and call `gone` once it is not.

    No event tells of a removed or renamed ancestor on every platform, hence the look.
    """
    while ctx.store.in_place():  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)
    _log.error("the state directory is gone or another one", extra={"path": str(ctx.places.state)})
    end_agents(ctx)
    gone()


def end_agents(ctx: Context) -> None:
    """Have the keepers end their agents by a signal: their control sockets are gone."""
    for run in ctx.live.values():
        if run.keeper is not None and process.is_alive(run.keeper):
            with contextlib.suppress(ProcessLookupError):
                os.kill(run.keeper.pid, signal.SIGTERM)
