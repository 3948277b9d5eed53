"""A1, A4, A5: runners, their leases on runs, and their jobs."""

import sqlite3

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, session_in
from tests.support.waiting import eventually_async


async def refused(call) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        await call
    return caught.value


async def reserved(house: Deckhouse, deck: Deck) -> str:
    ids = await house.new(deck, "say x", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    return (await deck.reserve_run(ids["session_id"])).run_id


async def test_a5_the_supervisor_holds_the_runs_it_works_on(deckhouse: Deckhouse) -> None:
    """Its lease lasts as long as its lock; the next supervisor takes it over."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say x", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    error = await refused(deck.claim_run(ids["run_id"], "other"))
    assert error.code == "runner_lease_conflict"
    first = error.data["holder"]
    assert first.startswith("supervisor:")
    assert [r.kind for r in await deck.runners()] == ["supervisor"]
    assert (await refused(deck.claim_run(ids["run_id"], first))).code == "invalid_params"
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    await deck.runs(ids["session_id"])
    error = await refused(deck.claim_run(ids["run_id"], "other"))
    assert error.data["holder"] not in (first, None)
    assert error.data["holder"].startswith("supervisor:")


async def test_a5_claims_heartbeats_and_expiry(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    run_id = await reserved(deckhouse, deck)
    lease = await deck.claim_run(run_id, "alpha")
    assert (lease.state, lease.runner_id) == ("claimed", "alpha")
    lease = await deck.claim_run(run_id, "alpha")
    assert lease.runner_id == "alpha"
    for call in (
        deck.claim_run(run_id, "beta"),
        deck.heartbeat(run_id, "beta"),
        deck.finish_run(run_id, "beta", "completed"),
    ):
        error = await refused(call)
        assert (error.code, error.data["holder"]) == ("runner_lease_conflict", "alpha")
    longer = await deck.heartbeat(run_id, "alpha", ttl_ms=3_600_000)
    assert str(longer.lease_until) > str(lease.lease_until)
    with sqlite3.connect(deckhouse.places.database) as db:
        db.execute("UPDATE runs SET lease_until = 1 WHERE run_id = ?", (run_id,))
    assert (await deck.claim_run(run_id, "beta")).runner_id == "beta"
    assert (await refused(deck.heartbeat(run_id, "alpha"))).code == "runner_lease_conflict"
    ended = await deck.finish_run(run_id, "beta", "completed", reason="done")
    assert ended.state == "completed"
    assert await deck.finish_run(run_id, "beta", "failed") == ended
    assert (await refused(deck.claim_run(run_id, "beta"))).code == "run_ended"
    assert (await deck.heartbeat(run_id, "alpha")).state == "completed"
    assert (await refused(deck.submit_job(run_id, {}))).code == "run_ended"
    assert {r.runner_id for r in await deck.runners()} >= {"alpha", "beta"}
    assert (await refused(deck.claim_run("run_nowhere", "x"))).code == "unknown_run"


async def test_a4_a_job_key_is_scoped_to_its_run(deckhouse: Deckhouse) -> None:
    """Same key and payload: the first record; another payload: refused; another run: another."""
    deck = await deckhouse.deck()
    run_id = await reserved(deckhouse, deck)
    session_id = (await deck.sessions(state="all"))[0][0].session_id
    other_run = (await deck.reserve_run(session_id)).run_id
    first = await deck.submit_job(run_id, {"do": "it"}, key="k")
    assert first.state == "pending"
    assert await deck.submit_job(run_id, {"do": "it"}, key="k") == first
    assert (await refused(deck.submit_job(run_id, {"do": "that"}, key="k"))).code == "conflict"
    assert (await deck.submit_job(other_run, {"do": "that"}, key="k")).job_id != first.job_id
    assert await deck.jobs(run_id) == [first]


async def test_a1_a_job_is_worked_by_the_holder_and_never_changes_again(
    deckhouse: Deckhouse,
) -> None:
    deck = await deckhouse.deck()
    run_id = await reserved(deckhouse, deck)
    job = await deck.submit_job(run_id, [1, 2])
    left = await deck.submit_job(run_id, "left over")
    error = await refused(deck.set_job_state(job.job_id, "alpha", "acknowledged"))
    assert error.code == "runner_lease_conflict"
    await deck.claim_run(run_id, "alpha")
    assert (await deck.set_job_state(job.job_id, "alpha", "acknowledged")).state == "acknowledged"
    done = await deck.set_job_state(job.job_id, "alpha", "completed")
    assert (done.state, done.payload) == ("completed", [1, 2])
    assert await deck.set_job_state(job.job_id, "alpha", "failed") == done
    await deck.finish_run(run_id, "alpha", "completed")
    assert [j.state for j in await deck.jobs(run_id)] == ["completed", "cancelled"]
    assert [j.job_id for j in await deck.jobs(run_id, after=job.job_id)] == [left.job_id]
    unknown = await refused(deck.set_job_state("job_nowhere", "alpha", "failed"))
    assert unknown.code == "unknown_job"


async def test_a1_the_jobs_of_a_run_end_however_it_ends(deckhouse: Deckhouse) -> None:
    """A run of a runner that is cancelled, and one of the supervisor that is closed."""
    deck = await deckhouse.deck()
    run_id = await reserved(deckhouse, deck)
    session = (await deck.sessions(state="all"))[0][0]
    await deck.submit_job(run_id, "a")
    await deck.cancel_run(session.session_id, run_id=run_id)
    own = str(session.run_id)
    job = await deck.submit_job(own, "b")
    await deck.close_session(session.session_id)
    await session_in(deck, session.session_id, "closed")
    for ended in (run_id, own):
        assert [(j.state, j.reason) for j in await deck.jobs(ended)] == [
            ("cancelled", "the run ended")
        ]
    late = await deck.set_job_state(job.job_id, "anybody", "completed")
    assert late.state == "cancelled"


async def test_a1_a_run_that_its_runner_calls_blocked_has_ended(deckhouse: Deckhouse) -> None:
    deck = await deckhouse.deck()
    run_id = await reserved(deckhouse, deck)
    await deck.claim_run(run_id, "alpha")
    ended = await deck.finish_run(run_id, "alpha", "blocked", reason="no access")
    assert (ended.state, ended.reason) == ("blocked", "no access")
    assert await deck.finish_run(run_id, "alpha", "completed") == ended
    assert (await refused(deck.claim_run(run_id, "alpha"))).code == "run_ended"
    assert (await refused(deck.submit_job(run_id, {}))).code == "run_ended"


async def test_a1_a_blocked_turn_leaves_its_command_failed(deckhouse: Deckhouse) -> None:
    """The agent refuses to go on; its run lives, and the next prompt is worked on."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say a bit\nrefuse", wait=True)
    view = await session_in(deck, ids["session_id"], "idle")
    assert (view.terminal_status, view.active) == ("refusal", True)
    blocked = await deck.command(ids["command_id"])
    assert blocked.state == "failed"
    assert "blocked" in str(blocked.reason)
    assert await deck.cancel_command(ids["command_id"]) == blocked
    following = await deck.send(ids["session_id"], "say more")

    async def completed() -> bool:
        return (await deck.command(following.command_id)).state == "completed"

    await eventually_async(completed)
