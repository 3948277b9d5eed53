"""What the supervisor does for its store by itself: at start, and then once a day."""

import asyncio
import logging
import os
import shutil
from typing import Any

from quarterdeck.agents import process
from quarterdeck.agents.holding import RunDirectory, read_keeper
from quarterdeck.model.clock import iso, now_ms
from quarterdeck.model.failpoints import failpoint
from quarterdeck.store import retention, soundness
from quarterdeck.supervisor import indexing
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.settings import Retention

DAY_SECONDS = 24 * 3600
_DAY_MS = DAY_SECONDS * 1000

_log = logging.getLogger(__name__)


async def keep(ctx: Context) -> None:
    """Check the store, index what an earlier version left unindexed, and trim: now, then daily."""
    while True:
        try:
            found = await asyncio.to_thread(soundness.look_beside, ctx.places.database)
            if found is not None:
                _log.error("the store is damaged", extra={"found": found})
                ctx.store.note = found
            await indexing.index_stored(ctx)
            ctx.last_trim = await trim(ctx)
        except Exception:
            _log.exception("upkeep failed; it is tried again tomorrow")
        await asyncio.sleep(DAY_SECONDS)


async def trim(ctx: Context) -> dict[str, Any]:
    """Do what `[retention]` says, and return what was taken away."""
    wanted = ctx.sections.load(ctx.places, "retention", Retention)
    now = now_ms()
    age = wanted.max_age_days
    trimmed = retention.Trimmed()
    await retention.trim(
        ctx.store,
        before=None if age is None else now - round(age * _DAY_MS),
        max_bytes=wanted.max_bytes,
        trimmed=trimmed,
    )
    journals = await _trim_journals(ctx, now - round(wanted.journal_days * _DAY_MS))
    told = {
        "at": iso(now),
        "sessions": trimmed.sessions,
        "events": trimmed.events,
        "journals": journals,
    }
    _log.info("trimmed", extra={"trimmed": told})
    return told


async def _trim_journals(ctx: Context, before: int) -> int:
    """Remove the directories of ended runs: journal, spool and terminals are all in the store."""
    count = 0
    # Few of the runs that ever ended have a directory: asking for each would hold up everything.
    there = set(await asyncio.to_thread(os.listdir, ctx.places.runs))
    for run_id in await retention.ended_runs(ctx.store.reading, before):
        directory = RunDirectory(ctx.places.runs / run_id)
        if run_id not in there or run_id in ctx.live or not directory.path.is_dir():
            continue
        keeper = read_keeper(directory)
        if keeper is not None and process.is_alive(keeper):
            continue
        failpoint("trim.rmtree.before")
        await asyncio.to_thread(shutil.rmtree, directory.path, ignore_errors=True)
        count += 1
    return count


def journal_stats(ctx: Context) -> dict[str, int]:
    """Return how many runs have journals, and how many bytes these take."""
    folders = [entry for entry in ctx.places.runs.iterdir() if entry.is_dir()]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return {"runs": len(folders), "bytes": sum(file.stat().st_size for file in files)}
