"""Methods about the store itself."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import aiosqlite
from pydantic import Field, field_validator

from quarterdeck.model.failpoints import failpoint
from quarterdeck.store import backup, checking
from quarterdeck.store.schema import migrations
from quarterdeck.supervisor import upkeep
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import Nothing, Params, read
from quarterdeck.supervisor.settings import Retention, load


class StoreBackup(Params):
    """Where the copy goes."""

    path: str = Field(min_length=1, max_length=4096)

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not Path(value).is_absolute() or "\0" in value:
            raise ValueError("must be absolute")
        return value


async def store_stats(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """How large the store is, what it holds, what retention says and last did."""
    read(Nothing, given)
    ctx = api.ctx
    journals: dict[str, int] = {}
    # A run may end, and its directory go, while it is looked at.
    with contextlib.suppress(OSError):
        journals = await asyncio.to_thread(upkeep.journal_stats, ctx)
    return {
        **await checking.stats(api.db, ctx.places.database),
        "schema": migrations()[-1][0],
        "note": ctx.store.note,
        "journals": journals,
        "retention": load(ctx.places, "retention", Retention).model_dump(),
        "last_trim": ctx.last_trim,
    }


async def store_check(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Whether the store is sound."""
    read(Nothing, given)
    problems = await asyncio.to_thread(checking.check, api.ctx.places.database)
    return {"ok": not problems, "problems": problems}


async def store_backup(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A copy of the store as it is at one moment; nobody waits for it."""
    target = Path(read(StoreBackup, given).path)
    size = await asyncio.to_thread(backup.back_up, api.ctx.places.database, target)
    return {"path": str(target), "bytes": size}


async def store_vacuum(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The file made as small as what it holds; writers wait meanwhile."""
    read(Nothing, given)
    path = api.ctx.places.database
    before = path.stat().st_size

    async def work(db: aiosqlite.Connection) -> None:
        failpoint("vacuum.rewrite.before")
        await db.execute("VACUUM")
        failpoint("vacuum.checkpoint.before")
        await db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    await api.ctx.store.between(work)
    return {"bytes_before": before, "bytes": path.stat().st_size}


METHODS: dict[str, Method] = {
    "store.stats": store_stats,
    "store.check": store_check,
    "store.backup": store_backup,
    "store.vacuum": store_vacuum,
}
"""Methods about the store."""
