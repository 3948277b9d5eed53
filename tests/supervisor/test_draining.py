"""D5: what is in flight at shutdown is finished, but is not waited for without end."""

import asyncio
from pathlib import Path

import pytest

from quarterdeck.model.places import Places
from quarterdeck.store.store import Store
from quarterdeck.supervisor import service
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.state_directory import prepare_state_directory


async def begin(root: Path) -> tuple[Context, service.Service, "asyncio.Task[None]"]:
    places = Places(root / "state", root / "config")
    prepare_state_directory(places.state)
    ctx = Context(places, await Store.open(places.database))
    supervisor = service.Service(ctx)
    return ctx, supervisor, asyncio.create_task(supervisor.serve_until_told())


async def test_work_in_flight_is_finished_before_the_end(tmp_path: Path) -> None:
    """The end waits for it, and the store still takes what it writes."""
    ctx, supervisor, serving = await begin(tmp_path)
    go, written = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await go.wait()
        await ctx.store.write(lambda tx: tx.next_version())
        written.set()

    ctx.do(slow(), "slow")
    await supervisor.shut_down(False)
    done, _ = await asyncio.wait([serving], timeout=0.3)
    assert not done
    go.set()
    await serving
    assert written.is_set()


async def test_work_that_does_not_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is five seconds in earnest."""
    assert service.DRAIN_SECONDS == 5
    monkeypatch.setattr(service, "DRAIN_SECONDS", 0.05)
    ctx, supervisor, serving = await begin(tmp_path)
    given_up = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    ctx.do(endless(), "endless")
    await asyncio.sleep(0)
    await supervisor.shut_down(False)
    await serving
    assert given_up.is_set()
