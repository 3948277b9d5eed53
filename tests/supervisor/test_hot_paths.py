"""What the two paths that must be quick do without, as counts (DESIGN §9)."""

import asyncio
import functools
import gc
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from quarterdeck.rpc import message
from quarterdeck.store.connection import MANY_ROWS, connect
from quarterdeck.supervisor import service
from quarterdeck.supervisor.ingestion import EVENTS_PER_COMMIT
from tests.support import one_process
from tests.support.one_process import Asked, OneProcess
from tests.support.waiting import eventually_async

CHUNKS = EVENTS_PER_COMMIT
THE_LONG_WAY = 40
"""The first two lines of a form, and the one at the end of each piece that is read."""


@pytest.fixture
async def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OneProcess]:
    """A supervisor whose connections have threads."""
    monkeypatch.setattr(one_process, "connect_inline", connect)
    made = await OneProcess.open(tmp_path, monkeypatch)
    await made.deck("me").send(made.session_id, "go")
    await made.settle()
    yield made
    await made.close()


@pytest.fixture
def crossings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is handed to a connection's thread from now on."""
    seen: list[str] = []
    hand_over = aiosqlite.Connection._execute

    @functools.wraps(hand_over)
    async def counting(self: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(str(args[0]) if args else fn.__name__)
        return await hand_over(self, fn, *args, **kwargs)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counting)
    return seen


def say(one: OneProcess, *texts: str) -> None:
    for text in texts:
        content = {"type": "text", "text": text}
        update = {"sessionUpdate": "agent_message_chunk", "content": content}
        params = {"sessionId": one.agent.session, "update": update}
        one.agent.write({"method": "session/update", "params": params})


def said(one: OneProcess) -> list[str]:
    rows = one.query("SELECT payload FROM events WHERE type = 'assistant_message' ORDER BY seq")
    return [json.loads(row["payload"])["text"] for row in rows]


async def nothing(tx: Any) -> None:
    """Be a transaction."""


async def test_few_lines_of_a_burst_are_parsed(one, monkeypatch):
    """All of it is stored in order and found; escapes, wide characters and a secret as well."""
    parsed: list[bytes] = []
    parse = message.parse
    monkeypatch.setattr(
        message, "parse", lambda line, *, cut=False: (parsed.append(line), parse(line, cut=cut))[1]
    )
    texts = [f'chunk "{n}" of größe\n' for n in range(CHUNKS)]
    texts[CHUNKS // 2] = "quokka "
    say(one, *texts)
    await one.settle()
    assert said(one) == texts
    assert len(parsed) <= THE_LONG_WAY
    say(one, "my ghp_a1B2c3D4e5F6", "g7H8i9J0k1L2m3N4 is", " secret")
    await one.settle()
    assert "ghp_a1" not in "".join(said(one))
    assert "".join(said(one)).endswith("› is secret")


async def test_a_decision_crosses_to_the_thread_to_commit(one, crossings):
    one.agent.ask(Asked(1, one.agent.run.run_id, 101, "permission"))
    await one.settle()
    deck = one.deck("me")
    (asked,) = await deck.approvals()
    crossings.clear()
    await deck.decide(
        asked.approval_id,
        run_id=asked.run_id,
        payload_sha256=asked.payload_sha256,
        action="approve",
        token="token-of-this-key",
    )
    assert crossings == ["COMMIT"]


async def test_a_batch_crosses_to_the_thread_to_write_many_rows_and_to_commit(one, crossings):
    say(one, "a few words")
    await one.ingest()
    assert crossings == ["COMMIT"]
    crossings.clear()
    say(one, *(f"word {n} " for n in range(MANY_ROWS + 50)))
    await one.ingest()
    assert [sql.split(" (")[0] for sql in crossings] == ["INSERT INTO events", "COMMIT"]


async def test_a_failed_brief_transaction_leaves_the_thread_in_use(one, crossings):
    async def fails(tx: Any) -> None:
        await tx.run("UPDATE counters SET value = 7 WHERE name = 'change'")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await one.store.write(fails, brief=True)
    assert crossings == ["ROLLBACK"]
    crossings.clear()
    await one.store.write(lambda tx: tx.run("UPDATE counters SET value = value"))
    assert len(crossings) > 2


async def test_a_lock_of_another_program_is_waited_for_on_the_thread(one, crossings):
    """The loop goes on meanwhile, and the transaction is done once the lock is gone."""

    async def waits() -> bool:
        return "BEGIN IMMEDIATE" in crossings

    with closing(sqlite3.connect(one.ctx.places.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.ensure_future(one.store.write(nothing, brief=True))
        await eventually_async(waits, what="the transaction waits")
        assert not writing.done()
        other.execute("COMMIT")
    await writing
    assert crossings == ["BEGIN IMMEDIATE", "COMMIT"]


async def test_what_stays_is_not_gone_through_by_the_collector() -> None:
    """A full collection stops everything; what the start has made is no part of it."""
    gc.unfreeze()  # what other tests had frozen
    try:
        await service._preload()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()
