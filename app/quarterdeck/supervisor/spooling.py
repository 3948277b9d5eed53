"""Handing committed lines to the keeper through the spool, in order, once (keeper rule 1)."""

import asyncio
import logging

import aiosqlite

from quarterdeck.agents.holding import SpoolDamaged, request_stop, ring_spool
from quarterdeck.store import outbox
from quarterdeck.supervisor.live_run import LiveRun

RETRY_SECONDS = 0.2
BACKLOG_LIMIT = 32 * 1024 * 1024

_log = logging.getLogger(__name__)


def append(run: LiveRun, entries: list[tuple[int, bytes]]) -> None:
    """Append committed lines and ring the keeper; on a full disk, try again until it works.

    Args:
        run: The run they are for.
        entries: Place in the spool and line, in order.
    """
    waiting = bool(run.unspooled)
    run.unspooled += entries
    if not waiting:
        _work_off(run)


def _work_off(run: LiveRun) -> None:
    if run.ended or not run.directory.path.is_dir():
        return
    try:
        run.spool.append(run.unspooled)
    except SpoolDamaged as error:
        # Going on could cut or double what the agent was told: its run ends and is resumed.
        _log.error("spool does not fit", extra={"run": run.run_id, "error": str(error)})
        request_stop(run.directory)
        return
    except OSError as error:
        _log.warning("spool not writable", extra={"run": run.run_id, "error": str(error)})
        asyncio.get_running_loop().call_later(RETRY_SECONDS, _work_off, run)
        return
    run.unspooled.clear()
    _ring(run)


def _ring(run: LiveRun) -> None:
    """Ring the keeper; one that is there and could not be told now is told later."""
    told = ring_spool(run.directory)
    if not told and run.keeper is not None and not run.keeper_gone and not run.ended:
        asyncio.get_running_loop().call_later(RETRY_SECONDS, _ring, run)


async def catch_up(db: aiosqlite.Connection, run: LiveRun) -> None:
    """After a restart: append what was committed and is not in the spool."""
    found = await outbox.undelivered(db, run.run_id)
    run.unspooled = [(row["start"], row["payload"]) for row in found]
    _work_off(run)
