"""An answer belongs to one request, though its agent uses the request's id again (DESIGN §4)."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.store.schema import prepare
from tests.store.test_migrations import fixture
from tests.support.one_process import Asked, OneProcess
from tests.support.waiting import eventually_async


async def _approve(deck: Deck) -> None:
    (shown,) = await deck.approvals()
    await deck.decide(
        shown.approval_id,
        run_id=shown.run_id,
        payload_sha256=shown.payload_sha256,
        action="approve",
        token=f"token-{shown.approval_id}",
    )


async def _waiting(one: OneProcess, number: int) -> None:
    """Wait until so many transactions stand at the turnstile."""

    async def there() -> bool:
        return len(one.store.waiting) == number

    await eventually_async(there)


@pytest.fixture
async def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OneProcess]:
    made = await OneProcess.open(tmp_path, monkeypatch)
    yield made
    await made.close()


async def test_a_late_answer_never_reaches_the_next_request_of_the_same_id(
    one: OneProcess,
) -> None:
    """Red once `serving._answer` looks for the request by its id instead of its number."""
    deck, run_id = one.deck("ann"), one.agent.run.run_id
    await deck.send(one.session_id, "go on")
    await one.settle()
    first, second = (Asked(number, run_id, 7, "file") for number in (1, 2))
    one.agent.ask(first)
    await one.settle()
    one.store.closed = True
    deciding = asyncio.ensure_future(_approve(deck))
    await _waiting(one, 1)
    one.store.waiting.pop().set_result(None)
    await deciding
    await _waiting(one, 1)  # the file is written, the answer is about to be committed
    one.agent.withdraw(7)
    one.agent.ask(second)
    ingesting = asyncio.ensure_future(one.ingest())
    await _waiting(one, 2)
    one.store.waiting.pop().set_result(None)
    await ingesting
    one.store.waiting.pop().set_result(None)
    one.store.closed = False
    await one.settle()
    assert first.answers[0]["error"]["message"] == "cancelled by the agent"
    assert second.answers == [] and not (one.project / second.file).exists()
    await _approve(deck)
    await one.settle()
    assert [answer.get("result") for answer in second.answers] == [{}]
    assert (one.project / second.file).read_text() == second.command


def test_open_questions_of_an_older_store_keep_the_request_they_are_about(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    fixture(path, 5)
    with closing(sqlite3.connect(path)) as db:
        (session_id,) = db.execute("SELECT session_id FROM sessions LIMIT 1").fetchone()
        db.execute("INSERT INTO agent_requests VALUES ('run_x', '7', 'terminal_held', '{}', 1)", ())
        for kind, request_id in (("terminal", "7"), ("tool_call", "8")):
            db.execute(
                "INSERT INTO approvals (approval_id, session_id, run_id, kind, state, title,"
                " subject, cwd, payload, payload_sha256, options, request_id, created_at)"
                " VALUES (?, ?, 'run_x', ?, 'pending', '', '', '', '{}', '', '[]', ?, 1)",
                (f"apr_{kind}", session_id, kind, request_id),
            )
        db.commit()
    assert prepare(path) is None
    with closing(sqlite3.connect(path)) as db:
        (number,) = db.execute(
            "SELECT request_no FROM agent_requests WHERE run_id = 'run_x'"
        ).fetchone()
        known = dict(db.execute("SELECT approval_id, request_no FROM approvals"))
    assert known["apr_terminal"] == number
    assert known["apr_tool_call"] is None
