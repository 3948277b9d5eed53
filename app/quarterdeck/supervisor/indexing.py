"""Keeping the search index of live runs with their events, and making up for what it lacks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quarterdeck.store import search_index
from quarterdeck.store.search_index import RunIndex
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor.context import Context

if TYPE_CHECKING:
    from quarterdeck.supervisor.recorder import Recorder


async def opened(tx: Tx, recorders: "Sequence[Recorder]") -> None:
    """See that each run's index has taken in all that is stored; before more is stored."""
    for rec in recorders:
        if not rec.rows:
            continue
        before = rec.rows[0][1] - 1
        if rec.run.index is None or rec.run.index.seq > before:
            rec.run.index = await RunIndex.open(tx.db, rec.run.run_no)
        while rec.run.index.seq < before and await rec.run.index.catch_up(tx):
            await search_index.write(tx, [rec.run.index])


async def taken(tx: Tx, recorders: "Sequence[Recorder]") -> None:
    """Take in what was just stored, and index what it closed, in the same transaction."""
    indexes: list[RunIndex] = []
    for rec in recorders:
        if rec.rows and rec.run.index is not None:
            _take(rec.run.index, rec)
            indexes.append(rec.run.index)
    await search_index.write(tx, indexes)


def _take(index: RunIndex, rec: "Recorder") -> None:
    done = 0
    for stretch in rec.stretches:
        index.take(row[1:] for row in rec.rows[done : stretch.at])
        _, seq, kind, at, _ = rec.rows[stretch.at]
        message = stretch.more.get("message_id")
        index.take_texts(kind, message if isinstance(message, str) else "", at, seq, stretch.texts)
        done = stretch.at + len(stretch.texts)
    index.take(row[1:] for row in rec.rows[done:])


async def index_growing(ctx: Context) -> None:
    """Index the messages that are still being written, as far as they are committed."""

    async def work(tx: Tx) -> None:
        for run in behind:
            if run.stale or run.index is None:
                continue
            tx.after_rollback(run.mark_stale)
            await search_index.write(tx, [run.index], growing=True)

    behind = [run for run in ctx.live.values() if run.index is not None and run.index.behind]
    if behind:
        await ctx.store.write(work, durable=False)


async def index_stored(ctx: Context) -> None:
    """Index the runs of an earlier version, a transaction for each few thousand events."""

    async def some(tx: Tx, run_no: int) -> bool:
        index = await RunIndex.open(tx.db, run_no)
        more = await index.catch_up(tx)
        await search_index.write(tx, [index], growing=True)
        return more

    held = {run.run_no for run in ctx.live.values()}
    for run_no in await search_index.unindexed_runs(ctx.store.reading):
        if run_no in held:
            continue
        while not ctx.draining and await ctx.store.write(
            lambda tx, run_no=run_no: some(tx, run_no), durable=False
        ):
            pass
