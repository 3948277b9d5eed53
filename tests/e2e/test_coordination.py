"""R1-R9 and D1 through real processes."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from quarterdeck.model.errors import QuarterdeckError
from tests.support.deckhouse import Deckhouse, approval_of, decide, session_in, trace
from tests.support.waiting import eventually, eventually_async


async def failure(call) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        await call
    return caught.value


async def closed_session(house: Deckhouse, deck) -> str:
    ids = await house.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    await deck.close_session(ids["session_id"])
    await session_in(deck, ids["session_id"], "closed")
    return ids["session_id"]


async def test_one_of_many_concurrent_starts_wins(deckhouse: Deckhouse) -> None:
    """R2: the others get `session_already_running`; no second process is spawned."""
    deck = await deckhouse.deck()
    session_id = await closed_session(deckhouse, deck)
    decks = [await deckhouse.deck() for _ in range(8)]
    starts = (d.call("session.start", session_id=session_id) for d in decks)
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
    won = [o for o in outcomes if isinstance(o, dict)]
    lost = [o.code for o in outcomes if isinstance(o, QuarterdeckError)]
    assert len(won) == 1
    assert lost == ["session_already_running"] * 7
    assert len(await deck.runs(session_id)) == 2
    loads = (deckhouse.agent_home / "loads").read_text().splitlines()
    assert len(loads) == 1


async def test_concurrent_prompts_to_a_closed_session_start_one_run(deckhouse: Deckhouse) -> None:
    """R2, R6: the convenience start holds R2; every prompt is worked, one after the other."""
    deck = await deckhouse.deck()
    session_id = await closed_session(deckhouse, deck)
    decks = [await deckhouse.deck() for _ in range(6)]
    await asyncio.gather(*(d.send(session_id, f"say {n}") for n, d in enumerate(decks)))
    await eventually_async(lambda: _all_ended(deck, session_id))
    assert len(await deck.runs(session_id)) == 2
    assert sorted(deckhouse.prompts()[1:]) == [f"say {n}" for n in range(6)]


async def _all_ended(deck, session_id: str) -> bool:
    return all(c.state == "completed" for c in await deck.commands(session_id))


@pytest.mark.parametrize("how", ["exit", "error"])
async def test_a_failed_handshake_is_told_to_the_caller(deckhouse: Deckhouse, how: str) -> None:
    """R4: `agent_startup_failed` with the reason; the session needs a person."""
    deckhouse.configure(SCRIPTED_FAIL_START=how)
    deck = await deckhouse.deck()
    error = await failure(deckhouse.new(deck, "say x", wait=True))
    assert error.code == "agent_startup_failed"
    assert {"exit": "cannot go on", "error": "not logged in"}[how] in error.message
    view = await deck.session(error.data["session_id"])
    assert (view.state, view.attention) == ("failed_needs_human", "failed")
    assert deckhouse.prompts() == []


async def test_a_program_that_is_not_there_is_told(deckhouse: Deckhouse) -> None:
    """R4, A16: what, where, and the session is there to look at."""
    deckhouse.configure('[agents.ghost]\ncommand = ["no-such-program-anywhere"]')
    deck = await deckhouse.deck()
    error = await failure(deckhouse.new(deck, "say x", agent="ghost", wait=True))
    assert error.code == "agent_startup_failed"
    assert "no-such-program-anywhere" in error.message
    assert (await deck.session(error.data["session_id"])).state == "failed_needs_human"


async def test_a_silent_agent_fails_its_start_in_time(deckhouse: Deckhouse) -> None:
    """R4: the handshake has a limit."""
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    config = deckhouse.places.config_file
    config.write_text(
        config.read_text().replace("[agents.scripted]", "[agents.scripted]\nstart_timeout = 0.5")
    )
    deck = await deckhouse.deck()
    error = await failure(deckhouse.new(deck, "say x", wait=True))
    assert "handshake" in error.message


async def test_cancelling_a_start_wins_over_a_late_success(deckhouse: Deckhouse) -> None:
    """R5, R8, A12: the late starter is put down and overwrites nothing."""
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    deck, other = await deckhouse.deck(), await deckhouse.deck()
    starting = asyncio.create_task(deckhouse.new(deck, "say x", wait=True))
    await eventually_async(lambda: _one_starting(other))
    sessions, _ = await other.sessions(state="all")
    session_id = sessions[0].session_id
    await other.cancel(session_id)
    error = await failure(starting)
    assert error.code == "agent_startup_failed"
    assert (await other.session(session_id)).state == "closed"
    again = await other.cancel(session_id)
    assert again.state == "completed"
    runs = await other.runs(session_id)
    assert [run.state for run in runs] == ["cancelled"]


async def _one_starting(deck) -> bool:
    found, _ = await deck.sessions(state="all")
    return bool(found) and found[0].state == "starting"


async def test_commands_name_the_run_they_are_for(deckhouse: Deckhouse) -> None:
    """R6: mismatch with both ids, not running."""
    deck = await deckhouse.deck()
    session_id = await closed_session(deckhouse, deck)
    old = (await deck.session(session_id)).run_id
    error = await failure(deck.send(session_id, "say x", run_id=old))
    assert error.code == "session_not_running"
    await deck.call("session.start", session_id=session_id)
    new = (await deck.session(session_id)).run_id
    error = await failure(deck.send(session_id, "say x", run_id=old))
    assert error.code == "run_mismatch"
    assert (error.data["active"], error.data["requested"]) == (new, old)
    error = await failure(deck.cancel(session_id, run_id=old))
    assert error.code == "run_mismatch"
    assert len(deckhouse.prompts()) == 1


async def test_a_starting_session_refuses_commands_for_its_run(deckhouse: Deckhouse) -> None:
    """R6: `session_starting`."""
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say x")
    error = await failure(deck.send(ids["session_id"], "say y", run_id=ids["run_id"]))
    assert error.code == "session_starting"


async def test_finishing_needs_the_active_run(deckhouse: Deckhouse) -> None:
    """R7: another run's id is refused; failure leads to failed(last_error)."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    session_id = ids["session_id"]
    await session_in(deck, session_id, "idle")
    other = await deckhouse.new(deck, "say other", wait=True)
    error = await failure(deck.call("run.finish", session_id=session_id, run_id=other["run_id"]))
    assert error.code == "run_mismatch"
    await deck.call(
        "run.finish", session_id=session_id, run_id=ids["run_id"], failure="out of memory"
    )
    view = await deck.session(session_id)
    assert (view.state, view.failure) == ("failed_needs_human", "out of memory")
    error = await failure(deck.call("run.finish", session_id=session_id, run_id=ids["run_id"]))
    assert error.code == "session_not_running"


async def test_cancel_ends_the_turn_and_not_the_agent(deckhouse: Deckhouse) -> None:
    """R8, A12: open questions are answered `cancelled`; a second cancel changes nothing."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch never")
    session_id = ids["session_id"]
    await approval_of(deck, session_id)
    command = await deck.cancel(session_id)
    assert command.state == "acknowledged"
    view = await session_in(deck, session_id, "idle")
    assert view.terminal_status == "cancelled"
    assert deckhouse.answers() == [{"outcome": "cancelled"}]
    assert (await deck.cancel(session_id)).reason == "nothing ran"
    assert {c.kind: c.state for c in await deck.commands(session_id)}["turn"] == "cancelled"
    await deck.send(session_id, "say alive")
    await session_in(deck, session_id, "running", "idle")
    eventually(lambda: deckhouse.prompts()[-1] == "say alive")
    assert not (deckhouse.project / "never").exists()


async def test_running_pairs_are_listed_without_starting_ones(deckhouse: Deckhouse) -> None:
    """R9."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "hang", wait=True)
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    await deckhouse.new(deck, "say x")
    live = (await deck.status())["live"]
    assert live == [{"session_id": ids["session_id"], "run_id": ids["run_id"]}]


async def test_prompts_to_a_busy_session_wait_their_turn(deckhouse: Deckhouse) -> None:
    """Agents lose or mix overlapping prompts, so they are sent one at a time."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "wait go\nsay one", wait=True)
    session_id = ids["session_id"]
    await session_in(deck, session_id, "running")
    await deck.send(session_id, "say two")
    await deck.send(session_id, "say three")
    assert (await deck.session(session_id)).queued == 2
    assert len(deckhouse.prompts()) <= 1
    (deckhouse.project / "go").touch()
    await eventually_async(lambda: _all_ended(deck, session_id))
    assert deckhouse.prompts() == ["wait go\nsay one", "say two", "say three"]


async def test_the_same_key_prompts_once(deckhouse: Deckhouse) -> None:
    """A4: the same payload gives the first command, another payload a conflict."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say one", wait=True, key="start-1")
    assert await deckhouse.new(deck, "say one", key="start-1") == ids
    assert (await failure(deckhouse.new(deck, "say other", key="start-1"))).code == "conflict"
    session_id = ids["session_id"]
    first = await deck.send(session_id, "say two", key="k1")
    again = await deck.send(session_id, "say two", key="k1")
    assert again.command_id == first.command_id
    assert (await failure(deck.send(session_id, "say three", key="k1"))).code == "conflict"
    await eventually_async(lambda: _all_ended(deck, session_id))
    assert deckhouse.prompts() == ["say one", "say two"]


async def test_files_are_served_inside_the_directory_only(deckhouse: Deckhouse) -> None:
    """C4: fs/* inside the session's directory; a read by rule, a write once approved."""
    (deckhouse.project / "in.txt").write_text("inside")
    outside = deckhouse.project.parent / "secret.txt"
    outside.write_text("secret")
    deck = await deckhouse.deck()
    prompt = "read in.txt\nread ../secret.txt\nwrite out.txt hello\nwrite ../secret.txt gone"
    ids = await deckhouse.new(deck, prompt)
    asked = await approval_of(deck, ids["session_id"])
    assert asked.kind == "file"
    assert "+hello" in asked.subject
    assert not (deckhouse.project / "out.txt").exists()
    await decide(deck, asked, "approve")
    await session_in(deck, ids["session_id"], "idle")
    texts = [
        e.payload["text"]
        for e in await trace(deck, ids["session_id"])
        if e.type == "assistant_message"
    ]
    assert texts[0] == "inside"
    assert "outside" in texts[1]
    assert texts[2] == "written"
    assert "outside" in texts[3]
    assert (deckhouse.project / "out.txt").read_text() == "hello"
    assert outside.read_text() == "secret"


async def test_a_terminal_nobody_allowed_is_asked_for(deckhouse: Deckhouse) -> None:
    """C4: the exact command is shown, then run under a keeper; output and exit status come back."""
    deck = await deckhouse.deck()
    command = "echo out; echo err >&2; exit 3"
    ids = await deckhouse.new(deck, f"terminal {command}\nterminal touch denied.txt")
    session_id = ids["session_id"]
    first = await approval_of(deck, session_id)
    assert (first.kind, first.subject) == ("terminal", command)
    await decide(deck, first, "approve")
    while (second := await approval_of(deck, session_id)).approval_id == first.approval_id:
        pass
    await decide(deck, second, "deny", reason="not now")
    await session_in(deck, session_id, "idle")
    texts = [
        e.payload["text"] for e in await trace(deck, session_id) if e.type == "assistant_message"
    ]
    assert texts[0] == "exit 3: out\nerr\n"
    assert texts[1] == "no terminal: not now"
    assert not (deckhouse.project / "denied.txt").exists()


async def test_an_approved_command_needs_no_second_question_for_its_terminal(
    deckhouse: Deckhouse,
) -> None:
    """C4: one approval covers one execution of its exact text."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch it\nterminal touch it\nterminal touch it")
    session_id = ids["session_id"]
    first = await approval_of(deck, session_id)
    await decide(deck, first, "approve")
    while (second := await approval_of(deck, session_id)).approval_id == first.approval_id:
        pass
    assert second.kind == "terminal"
    await decide(deck, second, "approve")
    await session_in(deck, session_id, "idle")


async def test_for_the_session_is_remembered_to_the_letter(deckhouse: Deckhouse) -> None:
    """C5: the same command is not asked again, a longer one is."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch a\nask touch a\nask touch a b")
    session_id = ids["session_id"]
    first = await approval_of(deck, session_id)
    await decide(deck, first, "approve_session")
    while (third := await approval_of(deck, session_id)).approval_id == first.approval_id:
        pass
    assert third.subject == "touch a b"
    await decide(deck, third, "deny")
    await session_in(deck, session_id, "idle")
    assert [a["optionId"] for a in deckhouse.answers()] == ["y", "y", "n"]


async def test_a_decision_on_something_else_changes_nothing(deckhouse: Deckhouse) -> None:
    """DESIGN §4: wrong hash or run is `stale`; a second decision is `not_pending`."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "ask touch it")
    approval = await approval_of(deck, ids["session_id"])
    shown: dict[str, Any] = {
        "run_id": approval.run_id,
        "payload_sha256": approval.payload_sha256,
    }
    for name, wrong in (("payload_sha256", "0" * 64), ("run_id", "run_other")):
        told = {**shown, name: wrong}
        call = deck.decide(approval.approval_id, action="approve", token="token-one", **told)
        assert (await failure(call)).code == "stale"
    assert (await deck.session(ids["session_id"])).state == "waiting"
    await decide(deck, approval, "deny", token="token-one")
    error = await failure(decide(deck, approval, "approve", token="token-two"))
    assert error.code == "not_pending"
    await session_in(deck, ids["session_id"], "idle")
    assert not (deckhouse.project / "it").exists()


@pytest.mark.slow
async def test_of_eight_supervisors_one_wins(deckhouse: Deckhouse) -> None:
    """D1: 20 rounds; the losers exit with 4 and have touched nothing."""
    command = [sys.executable, "-m", "quarterdeck.supervisor"]
    for _ in range(20):
        started = [
            subprocess.Popen(command, env=deckhouse.environment, stderr=subprocess.DEVNULL)
            for _ in range(8)
        ]
        loop = asyncio.get_running_loop()
        ended = [loop.run_in_executor(None, process.wait) for process in started]
        await eventually_async(lambda: _done(ended, 7), within=60)  # noqa: B023
        codes = sorted(future.result() for future in ended if future.done())
        assert codes == [4] * 7
        winner = next(process for process in started if process.poll() is None)
        # It may have to write its pid yet; until then the one of the round before is there.
        eventually(lambda: deckhouse.supervisor_pid() == winner.pid)  # noqa: B023
        await eventually_async(lambda: _answers(deckhouse))
        deck = await deckhouse.deck(start=False)
        assert (await deck.status())["pid"] == winner.pid
        await deck.close()
        winner.send_signal(signal.SIGTERM)
        assert await asyncio.gather(*ended) is not None
        assert winner.returncode == 0


async def _answers(deckhouse: Deckhouse) -> bool:
    try:
        await (await deckhouse.deck(start=False)).close()
    except QuarterdeckError:
        return False
    return True


async def _done(futures, count: int) -> bool:
    return sum(future.done() for future in futures) == count


async def test_the_agent_gets_a_clean_environment(deckhouse: Deckhouse) -> None:
    """DESIGN §11: what the profile names, from the client; nothing else of the supervisor's."""
    os.environ["QD_TEST_SECRET"] = "not for agents"
    try:
        deck = await deckhouse.deck()
    finally:
        del os.environ["QD_TEST_SECRET"]
    ids = await deckhouse.new(
        deck, "ask env > env.txt", env={"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": "/fresh"}
    )
    await decide(deck, await approval_of(deck, ids["session_id"]), "approve")
    await session_in(deck, ids["session_id"], "idle")
    text = (deckhouse.project / "env.txt").read_text()
    assert "QD_TEST_SECRET" not in text
    assert "SSH_AUTH_SOCK=/fresh" in text
    assert f"QUARTERDECK_SESSION={ids['session_id']}" in text
