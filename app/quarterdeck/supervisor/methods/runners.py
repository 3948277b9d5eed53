"""Methods for runners other than the supervisor: leases on runs, and their jobs (A4, A5)."""

from typing import Any, Literal

from pydantic import Field, field_validator

from quarterdeck.model.canonical import canonical
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.states import CommandState, RunState
from quarterdeck.store import leases, runner_jobs, runs, sessions, threads
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import Bundle, OfSession, Params, read

LEASE_MS = 60_000
PAYLOAD_LIMIT = 256 * 1024


class OfReservedRun(Params):
    """Names a run."""

    run_id: str = Field(min_length=1, max_length=200)


class Reserve(OfSession):
    """A run that a runner is to claim."""

    bundle: Bundle | None = None


class ByRunner(OfReservedRun):
    """A run, and the runner that speaks."""

    runner_id: str = Field(min_length=1, max_length=200)

    @field_validator("runner_id")
    @classmethod
    def _not_ours(cls, value: str) -> str:
        if value.startswith(f"{leases.SUPERVISOR}:"):
            raise ValueError("names beginning with `supervisor:` are the supervisor's own")
        return value


class Claim(ByRunner):
    """A claim or a heartbeat; the lease holds for `ttl_ms` milliseconds."""

    kind: str = Field(default="external", min_length=1, max_length=50)
    ttl_ms: int = Field(default=LEASE_MS, ge=1_000, le=3_600_000)


class Finish(ByRunner):
    """The end of a run."""

    state: Literal["completed", "failed", "blocked", "cancelled"]
    reason: str | None = Field(default=None, max_length=2000)


class Job(OfReservedRun):
    """A job of a run."""

    key: str | None = Field(default=None, min_length=1, max_length=200)
    payload: Any = None

    @field_validator("payload")
    @classmethod
    def _small(cls, value: Any) -> Any:
        if len(canonical(value)) > PAYLOAD_LIMIT:
            raise ValueError(f"is over {PAYLOAD_LIMIT} bytes")
        return value


class Jobs(OfReservedRun):
    """A page of a run's jobs."""

    after: str | None = None
    limit: int = 100


class JobState(Params):
    """What became of a job."""

    job_id: str = Field(min_length=1, max_length=200)
    runner_id: str = Field(min_length=1, max_length=200)
    state: Literal["acknowledged", "completed", "failed", "cancelled"]
    reason: str | None = Field(default=None, max_length=2000)


async def runner_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The runners, this supervisor among them."""
    read(Params, given)
    found = await leases.runners(api.db)
    return {"runners": [view.to_wire() for view in found], "supervisor": api.ctx.runner_id}


async def reserve(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Make a run of a session for a runner to claim; the session's own agent is not touched."""
    asked = read(Reserve, given)
    session_id = await api.session_id(asked.session_id)
    bundle = None if asked.bundle is None else canonical(asked.bundle.told(api.redactor))

    async def work(tx: Tx) -> Row:
        threads.check_not_deleted(await sessions.load(tx.db, session_id))
        return await runs.insert(tx, new_id(Prefix.RUN), session_id, "runner", bundle)

    return runs.to_view(await api.ctx.store.write(work)).to_wire()


async def claim(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Claim a run under a lease; A5."""
    asked = read(Claim, given)
    run_id = await _run_id(api, asked.run_id)

    async def work(tx: Tx) -> Row:
        row = await leases.claim(
            tx, run_id, asked.runner_id, supervisor=api.ctx.runner_id, ttl_ms=asked.ttl_ms
        )
        await leases.seen(tx, asked.runner_id, asked.kind)
        return row

    return leases.to_lease(await api.ctx.store.write(work)).to_wire()


async def heartbeat(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Renew a lease; on a run that has ended this returns it; A5."""
    asked = read(Claim, given)
    run_id = await _run_id(api, asked.run_id)

    async def work(tx: Tx) -> Row:
        row = await leases.heartbeat(tx, run_id, asked.runner_id, asked.ttl_ms)
        await leases.seen(tx, asked.runner_id, asked.kind)
        return row

    return leases.to_lease(await api.ctx.store.write(work)).to_wire()


async def finish(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """End a run that the runner holds; A1."""
    asked = read(Finish, given)
    run_id = await _run_id(api, asked.run_id)
    reason = api.hidden(asked.reason)

    async def work(tx: Tx) -> Row:
        row = await leases.finish(tx, run_id, asked.runner_id, RunState(asked.state), reason)
        await runner_jobs.forget_exact(tx, run_id, api.redactor.redact_value)
        return row

    return runs.to_view(await api.ctx.store.write(work)).to_wire()


async def job(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Note a job of a run, once for each key; A4."""
    asked = read(Job, given)
    run_id = await _run_id(api, asked.run_id)
    row = await api.ctx.store.write(
        lambda tx: runner_jobs.insert(tx, run_id, asked.key, asked.payload)
    )
    return runner_jobs.to_view(row).to_wire()


async def jobs(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A page of a run's jobs, oldest first."""
    asked = read(Jobs, given)
    run_id = await _run_id(api, asked.run_id)
    found = await runner_jobs.of_run(api.db, run_id, after=asked.after, limit=asked.limit)
    return {"jobs": [view.to_wire() for view in found]}


async def job_state(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Say what became of a job; only the run's holder may."""
    asked = read(JobState, given)
    state, reason = CommandState(asked.state), api.hidden(asked.reason)

    async def work(tx: Tx) -> Row:
        row = await runner_jobs.set_state(tx, asked.job_id, asked.runner_id, state, reason)
        await runner_jobs.forget_exact(tx, row["run_id"], api.redactor.redact_value)
        return await runner_jobs.load(tx.db, asked.job_id)

    return runner_jobs.to_view(await api.ctx.store.write(work)).to_wire()


async def _run_id(api: Api, given: str) -> str:
    return await sessions.resolve(api.db, "runs", "run_id", given)


METHODS: dict[str, Method] = {
    "runner.list": runner_list,
    "runner.reserve": reserve,
    "runner.claim": claim,
    "runner.heartbeat": heartbeat,
    "runner.finish": finish,
    "runner.job": job,
    "runner.jobs": jobs,
    "runner.job_state": job_state,
}
