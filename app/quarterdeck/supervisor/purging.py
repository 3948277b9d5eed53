"""Removing what was deleted 30 days ago: at start and once a day (C1)."""

import asyncio
import logging
import shutil

from quarterdeck.model.clock import now_ms
from quarterdeck.model.failpoints import failpoint
from quarterdeck.store import purging, runs, threads
from quarterdeck.supervisor.context import Context

EVERY_SECONDS = 24 * 60 * 60

_log = logging.getLogger(__name__)


async def purge_daily(ctx: Context) -> None:
    """Purge now and then every day, until cancelled."""
    while not ctx.draining:
        try:
            await purge(ctx)
        except Exception:
            _log.exception("purging failed; it is tried again in a day")
        await asyncio.sleep(EVERY_SECONDS)


async def purge(ctx: Context) -> list[str]:
    """Remove the sessions whose 30 days are over, with all of theirs, and return their ids.

    Files go first and the session's row last, so that a purge cut short is taken up again.
    """
    before = now_ms() - threads.UNDO_MS
    gone: list[str] = []
    for session_id in await threads.expired(ctx.store.reading, before):
        for view in await runs.of_session(ctx.store.reading, session_id):
            directory = ctx.places.runs / view.run_id
            failpoint("purge.rmtree.before")
            await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
        while await _write_events(ctx, session_id):
            pass
        if await _write_rest(ctx, session_id, before):
            gone.append(session_id)
    if gone:
        _log.info("purged", extra={"sessions": gone})
    return gone


async def _write_events(ctx: Context, session_id: str) -> bool:
    return await ctx.store.write(lambda tx: purging.purge_events(tx, session_id), durable=False)


async def _write_rest(ctx: Context, session_id: str, before: int) -> bool:
    return await ctx.store.write(lambda tx: purging.purge_rest(tx, session_id, before))
