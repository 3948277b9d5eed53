"""Calls for runners other than the supervisor (A4, A5)."""

from typing import Any

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.records import JobView, LeaseView, RunnerView, RunView


class RunnerCalls(DeckCalls):
    """Leases on runs, and their jobs."""

    async def runners(self) -> list[RunnerView]:
        """Return the runners there were, the one seen last first."""
        answer = await self.call("runner.list")
        return [RunnerView.from_wire(row) for row in answer["runners"]]

    async def reserve_run(
        self, session_id: str, *, bundle: dict[str, Any] | None = None
    ) -> RunView:
        """Make a run of the session that a runner can claim."""
        answer = await self.call("runner.reserve", session_id=session_id, bundle=bundle)
        return RunView.from_wire(answer)

    async def claim_run(
        self, run_id: str, runner_id: str, *, ttl_ms: int = 60_000, kind: str = "external"
    ) -> LeaseView:
        """Claim a run for `ttl_ms` milliseconds (1,000 to 3,600,000).

        Raises:
            QuarterdeckError: `runner_lease_conflict`, `run_ended`.
        """
        answer = await self.call(
            "runner.claim", run_id=run_id, runner_id=runner_id, ttl_ms=ttl_ms, kind=kind
        )
        return LeaseView.from_wire(answer)

    async def heartbeat(self, run_id: str, runner_id: str, *, ttl_ms: int = 60_000) -> LeaseView:
        """Renew a lease; a run that has ended is returned as it is."""
        answer = await self.call(
            "runner.heartbeat", run_id=run_id, runner_id=runner_id, ttl_ms=ttl_ms
        )
        return LeaseView.from_wire(answer)

    async def finish_run(
        self, run_id: str, runner_id: str, state: str, *, reason: str | None = None
    ) -> RunView:
        """End a claimed run as completed, failed, blocked or cancelled."""
        answer = await self.call(
            "runner.finish", run_id=run_id, runner_id=runner_id, state=state, reason=reason
        )
        return RunView.from_wire(answer)

    async def submit_job(self, run_id: str, payload: Any, *, key: str | None = None) -> JobView:
        """Note a job of a run; the same key with the same payload returns the first (A4)."""
        answer = await self.call("runner.job", run_id=run_id, payload=payload, key=key)
        return JobView.from_wire(answer)

    async def jobs(self, run_id: str, *, after: str | None = None) -> list[JobView]:
        """Return up to 100 of a run's jobs, oldest first, those after the job `after`."""
        answer = await self.call("runner.jobs", run_id=run_id, after=after)
        return [JobView.from_wire(row) for row in answer["jobs"]]

    async def set_job_state(
        self, job_id: str, runner_id: str, state: str, *, reason: str | None = None
    ) -> JobView:
        """Say what became of a job; an ended one is returned as it is (A1)."""
        answer = await self.call(
            "runner.job_state", job_id=job_id, runner_id=runner_id, state=state, reason=reason
        )
        return JobView.from_wire(answer)
