"""Runners and the leases by which they hold runs (A5).

The supervisor is a runner too. It holds a run without an end to the lease: only one supervisor can
have the store's lock, so a lease of another one is dead, and nobody has to keep time for it. The
others' leases are in steady time: setting the clock neither ends one nor makes it last.
"""

import aiosqlite

from quarterdeck.model.clock import iso, steady_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import LeaseView, RunnerView
from quarterdeck.model.states import TERMINAL_RUN_STATES, RunState
from quarterdeck.store import runs, sessions
from quarterdeck.store.transaction import Row, Tx, rows

SUPERVISOR = "supervisor"
_OPEN = "state NOT IN ('completed', 'failed', 'cancelled') AND state <> 'blocked'"
"""The first half as the index `runs_leased` says it."""


async def seen(tx: Tx, runner_id: str, kind: str) -> None:
    """Note that a runner is there."""
    await tx.run(
        "INSERT INTO runners (runner_id, kind, first_seen, heartbeat_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (runner_id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at",
        (runner_id, kind, tx.at, tx.at),
    )


async def take_over(tx: Tx, runner_id: str) -> None:
    """Make a supervisor that has just got the lock the holder of what others held."""
    await seen(tx, runner_id, SUPERVISOR)
    await tx.run(
        f"UPDATE runs SET runner_id = ?, lease_until = NULL WHERE {_OPEN} AND"
        " (runner_id IN (SELECT runner_id FROM runners WHERE kind = 'supervisor')"
        " OR run_id IN (SELECT active_run_id FROM sessions WHERE active_run_id IS NOT NULL))",
        (runner_id,),
    )


async def claim(
    tx: Tx, run_id: str, runner_id: str, *, supervisor: str, ttl_ms: int | None = None
) -> Row:
    """Claim a run; its holder may claim it again, and an expired lease is taken over.

    Args:
        tx: The transaction.
        run_id: An existing run.
        runner_id: Who claims it.
        supervisor: The runner id of the supervisor that has the lock.
        ttl_ms: How long the lease holds; None for the supervisor's own.

    Raises:
        QuarterdeckError: `runner_lease_conflict`, `run_ended`; nothing was changed.
    """
    row = await runs.load(tx.db, run_id)
    if row["state"] in TERMINAL_RUN_STATES:
        raise _ended(row)
    if row["runner_id"] != runner_id and _is_live(row, supervisor, steady_ms()):
        raise _conflict(row)
    claimed = RunState.CLAIMED if row["state"] == RunState.PENDING else RunState(row["state"])
    until = None if ttl_ms is None else steady_ms() + ttl_ms
    await runs.update(tx, run_id, runner_id=runner_id, lease_until=until, state=claimed.value)
    return await runs.load(tx.db, run_id)


async def heartbeat(tx: Tx, run_id: str, runner_id: str, ttl_ms: int) -> Row:
    """Renew a lease; on a run that has ended this returns it and changes nothing.

    Raises:
        QuarterdeckError: `runner_lease_conflict` for a runner that does not hold it.
    """
    row = await held(tx, run_id, runner_id)
    if row["state"] not in TERMINAL_RUN_STATES:
        await runs.update(tx, run_id, lease_until=steady_ms() + ttl_ms)
    return await runs.load(tx.db, run_id)


async def held(tx: Tx, run_id: str, runner_id: str) -> Row:
    """Return a run that has ended or that this runner holds; raises `runner_lease_conflict`."""
    row = await runs.load(tx.db, run_id)
    if row["state"] not in TERMINAL_RUN_STATES and row["runner_id"] != runner_id:
        raise _conflict(row)
    return row


async def finish(tx: Tx, run_id: str, runner_id: str, state: RunState, reason: str | None) -> Row:
    """End a run that this runner holds; one that has ended is returned as it is (A1, A8)."""
    row = await held(tx, run_id, runner_id)
    ended = await runs.finish(tx, run_id, state, reason)
    if ended:
        await sessions.notice(tx, row["session_id"])
    return await runs.load(tx.db, run_id)


async def runners(db: aiosqlite.Connection) -> list[RunnerView]:
    """Return the runners there were, the one seen last first."""
    found = await rows(db, "SELECT * FROM runners ORDER BY heartbeat_at DESC LIMIT 100")
    return [
        RunnerView(row["runner_id"], row["kind"], iso(row["first_seen"]), iso(row["heartbeat_at"]))
        for row in found
    ]


def to_lease(row: Row) -> LeaseView:
    """Make the wire record of a run's lease."""
    until = None if row["lease_until"] is None else iso(row["lease_until"])
    return LeaseView(row["run_id"], row["state"], row["runner_id"], until)


def refuse_ended(row: Row) -> None:
    """Raise `run_ended` for a run that takes nothing more (A1)."""
    if row["state"] in TERMINAL_RUN_STATES:
        raise _ended(row)


def _is_live(row: Row, supervisor: str, now: int) -> bool:
    if row["runner_id"] is None:
        return False
    if row["lease_until"] is None:
        return row["runner_id"] == supervisor
    return row["lease_until"] > now


def _ended(row: Row) -> QuarterdeckError:
    return QuarterdeckError(
        "run_ended", f"run {row['run_id']} has ended: {row['state']}", state=row["state"]
    )


def _conflict(row: Row) -> QuarterdeckError:
    return QuarterdeckError(
        "runner_lease_conflict",
        f"run {row['run_id']} is held by {row['runner_id'] or 'nobody: claim it first'}",
        holder=row["runner_id"],
        lease_until=None if row["lease_until"] is None else iso(row["lease_until"]),
    )
