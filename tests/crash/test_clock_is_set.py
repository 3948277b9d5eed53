"""The wall clock is set a day forward and back under a working supervisor, by libfaketime."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView
from tests.support.deckhouse import (
    Deckhouse,
    approval_of,
    decide,
    said,
    session_in,
    whole_trace,
)
from tests.support.waiting import eventually, eventually_async

pytestmark = pytest.mark.slow
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))

# libfaketime turns the absolute end of a sleep by the steady clock into one before the epoch.
PROGRAM = """
import runpy, select, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
runpy.run_module("quarterdeck.supervisor", run_name="__main__")
"""


@pytest.fixture
async def set_clock(deckhouse: Deckhouse, tmp_path: Path) -> AsyncIterator[Callable[[str], None]]:
    """Start a supervisor whose clock the test sets: `+1d`, `-1d`, `+0`."""
    if not LIBRARIES:
        pytest.skip("libfaketime is not installed")
    clock = tmp_path / "clock"

    def put(offset: str) -> None:
        fresh = clock.with_suffix(".new")
        fresh.write_text(f"{offset}\n")
        fresh.replace(clock)

    put("+0")
    faked = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    started = subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM],
        env=deckhouse.environment | faked,
        stdin=subprocess.DEVNULL,
        cwd="/",
    )
    eventually(deckhouse.places.socket.exists, what="a supervisor on libfaketime")
    yield put
    await deckhouse.close()
    started.wait(60)


def by_id(sessions: list[SessionView]) -> dict[str, SessionView]:
    return {view.session_id: view for view in sessions}


async def test_a_day_forward_and_back_disorders_nothing(
    deckhouse: Deckhouse, set_clock: Callable[[str], None]
) -> None:
    """A2, A8: order is by seq and version; ids stay unique; what needs a person stays first."""
    deck = await deckhouse.deck()
    ids, versions, last = [], [], {}
    for offset in ("+0", "+1d", "-1d", "+0"):
        set_clock(offset)
        before = _day(offset)
        made = await deckhouse.new(deck, f"say at{offset}\nask touch asked{offset}", wait=True)
        approval = await approval_of(deck, made["session_id"])
        days = (before, _day(offset))  # two, over midnight
        assert approval.created_at[:10] in days, "this supervisor's clock is the set one"
        last = made
        ids += [*made.values(), approval.approval_id]
        versions.append((await deck.session(made["session_id"])).version)
    assert len(set(ids)) == len(ids)
    assert versions == sorted(set(versions))
    listed, _ = await deck.sessions(limit=2)
    rest: list[SessionView] = []
    _, cursor = await deck.sessions(limit=2)
    while cursor:
        page, cursor = await deck.sessions(limit=2, cursor=cursor)
        rest += page
    assert len(by_id(listed + rest)) == len(listed + rest) == 4, "each once over all pages"
    waiting = await deck.approvals()
    await decide(deck, waiting[0], "approve")
    await session_in(deck, waiting[0].session_id, "idle")
    listed, _ = await deck.sessions()
    assert [view.state for view in listed] == ["waiting"] * 3 + ["idle"]
    set_clock("-1d")
    await decide(deck, (await approval_of(deck, last["session_id"])), "approve")
    await deck.send(last["session_id"], "count 20")
    await session_in(deck, last["session_id"], "idle")
    events = await whole_trace(deck, last["session_id"])
    assert said(events) == "at+0allowed" + "".join(f"#{n} " for n in range(1, 21))
    set_clock("+1d")
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    assert said(await whole_trace(deck, last["session_id"])) == said(events)


def _day(offset: str) -> str:
    done = subprocess.run(
        ["date", "-u", "-d", f"{offset.replace('d', ' day')}", "+%F"]
        if "d" in offset
        else ["date", "-u", "+%F"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    return done.stdout.strip()


async def test_an_approval_does_not_expire_because_the_clock_was_set(
    deckhouse: Deckhouse, set_clock: Callable[[str], None]
) -> None:
    """C5: how long nobody answered is measured in time that passed."""
    deckhouse.configure('[approvals]\nexpire_after = 3600\non_expiry = "deny"')
    deck = await deckhouse.deck()
    first = await deckhouse.new(deck, "ask touch asked", wait=True)
    approval = await approval_of(deck, first["session_id"])
    await _one_more_question(deckhouse, deck)
    set_clock("+1d")
    await _one_more_question(deckhouse, deck)
    assert (await deck.approval(approval.approval_id)).state == "pending"
    set_clock("-1d")
    deckhouse.configure('[approvals]\nexpire_after = 0.5\non_expiry = "deny"')
    await _one_more_question(deckhouse, deck)
    await session_in(deck, first["session_id"], "idle")
    assert (await deck.approval(approval.approval_id)).state == "expired"


async def _one_more_question(house: Deckhouse, deck: Deck) -> None:
    """Have the expiry look again: it does whenever something is asked."""
    ids = await house.new(deck, "ask touch more", wait=True)
    await session_in(deck, ids["session_id"], "waiting", "idle")


async def test_a_lease_does_not_end_because_the_clock_was_set(
    deckhouse: Deckhouse, set_clock: Callable[[str], None]
) -> None:
    """A5: its holder has not missed a heartbeat, so nobody else gets the run."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say x", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    run = await deck.reserve_run(ids["session_id"])
    await deck.claim_run(run.run_id, "alpha", ttl_ms=600_000)
    for offset in ("+1d", "-1d"):
        set_clock(offset)
        with pytest.raises(QuarterdeckError) as caught:
            await deck.claim_run(run.run_id, "beta")
        assert caught.value.code == "runner_lease_conflict"
    await deck.claim_run(run.run_id, "alpha", ttl_ms=1000)
    await eventually_async(lambda: _is_taken_over(deck, run.run_id), what="the lease ends in time")


async def _is_taken_over(deck: Deck, run_id: str) -> bool:
    try:
        return (await deck.claim_run(run_id, "beta")).runner_id == "beta"
    except QuarterdeckError as error:
        assert error.code == "runner_lease_conflict"
        return False
