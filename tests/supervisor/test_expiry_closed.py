"""A timer of expiry that was closed while it looked at what is due."""

import asyncio
from pathlib import Path

import pytest

from quarterdeck.supervisor.expiry import Expiry
from tests.support.one_process import Asked, OneProcess


async def test_a_look_that_ends_after_closing_sets_no_timer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C5: what was closed expires nothing; red once `Expiry._set` does not ask for `_closed`."""
    one = await OneProcess.open(tmp_path, monkeypatch)
    one.ctx.places.config_file.write_text(
        '[agents.inner]\ncommand = ["true"]\n[approvals]\nexpire_after = 0.001\n'
    )
    try:
        await one.deck("ann").send(one.session_id, "go on")
        await one.settle()
        run_id = one.agent.run.run_id
        one.agent.ask(Asked(1, run_id, 1, "permission"))
        await one.settle()
        expiry = Expiry(one.ctx)
        one.store.closed = True
        look = asyncio.create_task(expiry._look())
        await one.store.news.wait()
        one.store.news.clear()
        one.agent.ask(Asked(2, run_id, 2, "permission"))
        ingesting = asyncio.create_task(one.ingest())
        await one.store.news.wait()
        expiry.close()
        one.store.closed = False
        for turn in reversed(one.store.waiting):
            turn.set_result(None)
        one.store.waiting.clear()
        await asyncio.gather(look, ingesting)
        assert not expiry.armed
        states = [row["state"] for row in one.query("SELECT state FROM approvals ORDER BY 1")]
        assert states == ["expired", "pending"]
    finally:
        await one.close()
