"""Runner jobs: pieces of a run's work, noted once under their key (A1, A4)."""

from collections.abc import Callable
from typing import Any

import aiosqlite

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.records import JobView
from quarterdeck.model.states import CommandState
from quarterdeck.store import leases, runs
from quarterdeck.store.sessions import json_or_none
from quarterdeck.store.transaction import Row, Tx, one, rows

PAGE_LIMIT = 100


async def insert(tx: Tx, run_id: str, key: str | None, payload: Any) -> Row:
    """Note a job in state `pending`; the same key and payload return the first one.

    Raises:
        QuarterdeckError: `conflict` if the key was used with another payload, `run_ended`.
    """
    text = canonical(payload)
    digest = sha256(text)
    run = await runs.load(tx.db, run_id)
    if key is not None:
        first = await tx.one(
            "SELECT * FROM runner_jobs WHERE run_id = ? AND job_key = ?", (run_id, key)
        )
        if first is not None:
            if first["payload_sha256"] != digest:
                raise QuarterdeckError("conflict", f"key {key!r} was used with another payload")
            return first
    leases.refuse_ended(run)
    row = await tx.one(
        "INSERT INTO runner_jobs (job_id, run_id, job_key, payload, payload_sha256, state,"
        " created_at) VALUES (?, ?, ?, ?, ?, 'pending', ?) RETURNING *",
        (new_id(Prefix.JOB), run_id, key, text, digest, tx.at),
    )
    assert row is not None
    return row


async def set_state(
    tx: Tx, job_id: str, runner_id: str, state: CommandState, reason: str | None
) -> Row:
    """Move an open job of a run that this runner holds; an ended one is returned as it is (A1)."""
    row = await load(tx.db, job_id)
    if row["state"] not in ("pending", "acknowledged"):
        return row
    await leases.held(tx, row["run_id"], runner_id)
    ended = None if state is CommandState.ACKNOWLEDGED else tx.at
    await tx.run(
        "UPDATE runner_jobs SET state = ?, reason = ?, ended_at = ? WHERE job_id = ?",
        (state.value, reason, ended, job_id),
    )
    return await load(tx.db, job_id)


async def forget_exact(tx: Tx, run_id: str, hide: Callable[[Any], Any]) -> None:
    """Redact what the run's ended jobs were about, exact while a runner could need it (A2).

    Their keys go on to know the same payload, by its hash.
    """
    ended = await tx.all(
        "SELECT job_id, payload FROM runner_jobs WHERE run_id = ?"
        " AND state NOT IN ('pending', 'acknowledged')",
        (run_id,),
    )
    told = [(canonical(hide(json_or_none(row["payload"]))), row) for row in ended]
    await tx.many(
        "UPDATE runner_jobs SET payload = ? WHERE job_id = ?",
        [(text, row["job_id"]) for text, row in told if text != row["payload"]],
    )


async def load(db: aiosqlite.Connection, job_id: str) -> Row:
    """Return a job's row; raises `unknown_job`."""
    row = await one(db, "SELECT * FROM runner_jobs WHERE job_id = ?", (job_id,))
    if row is None:
        raise QuarterdeckError("unknown_job", f"no job {job_id}")
    return row


async def of_run(
    db: aiosqlite.Connection, run_id: str, *, after: str | None = None, limit: int = PAGE_LIMIT
) -> list[JobView]:
    """Return a page of a run's jobs, oldest first, those after the job `after` (A3)."""
    after_no = 0 if after is None else (await load(db, after))["job_no"]
    found = await rows(
        db,
        "SELECT * FROM runner_jobs WHERE run_id = ? AND job_no > ? ORDER BY job_no"
        f" LIMIT {max(1, min(limit, PAGE_LIMIT))}",
        (run_id, after_no),
    )
    return [to_view(row) for row in found]


def to_view(row: Row) -> JobView:
    """Make the wire record of a row."""
    return JobView(
        job_id=row["job_id"],
        run_id=row["run_id"],
        key=row["job_key"],
        payload=json_or_none(row["payload"]),
        state=row["state"],
        created_at=iso(row["created_at"]),
        reason=row["reason"],
        ended_at=None if row["ended_at"] is None else iso(row["ended_at"]),
    )
