"""Whatever an agent does: the supervisor stays small, the others live, nothing valid is lost.

Each test has a real supervisor, a decent session, and hostile ones. After each outrage the decent
session is asked for an answer, and the supervisor's memory is held against its budget.
"""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quarterdeck.agents import process
from quarterdeck.agents.holding import is_held_back, read_exit
from quarterdeck.model.records import EventView
from tests.support.arena import Arena, hostile
from tests.support.deckhouse import Deckhouse, session_in
from tests.support.waiting import eventually, eventually_async

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.slow,
]

TINY_EVENTS = int(os.environ.get("QUARTERDECK_TINY_EVENTS", "10000"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Deckhouse]:
    found = Deckhouse(tmp_path)
    yield found
    await found.close()


async def rampage(house: Deckhouse, *arguments: str) -> tuple[Arena, str]:
    """Let one hostile agent have its turn to the end."""
    arena = await Arena.begin(house, hostile("hostile", *arguments))
    session_id = await arena.unleash()
    await arena.settled(session_id, "idle", within=200)
    await arena.check()
    return arena, session_id


def errors(events: list[EventView]) -> list[str]:
    return [event.payload["message"] for event in events if event.type == "error"]


async def test_torn_json_is_told_and_what_is_around_it_kept(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "torn")
    assert await arena.numbers(session_id) == [1, 2, 3, 4, 5]
    assert len(errors(await arena.trace(session_id))) == 4


async def test_invalid_utf8_is_told_and_what_is_around_it_kept(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "invalid")
    assert await arena.numbers(session_id) == [1, 2]
    assert sum("invalid UTF-8" in told for told in errors(await arena.trace(session_id))) == 2


async def test_a_line_of_100_megabytes_is_cut_and_the_next_one_kept(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "long", "100")
    assert await arena.numbers(session_id) == [1, 2]
    assert errors(await arena.trace(session_id)) == ["line over the limit"]


async def test_output_without_any_newline_holds_up_nobody(house: Deckhouse) -> None:
    """It is cut and passed over as it comes; closing ends it."""
    arena = await Arena.begin(house, hostile("hostile", "endless"))
    session_id = await arena.unleash()
    directory = await arena.run_directory(session_id)
    eventually(lambda: directory.journal.exists() and directory.journal.stat().st_size > 20_000_000)
    await arena.check()
    await arena.deck.close_session(session_id)
    await arena.settled(session_id, "closed")
    assert await arena.numbers(session_id) == [1]
    assert errors(await arena.trace(session_id)) == ["line over the limit"]


async def test_a_flood_of_tiny_events_is_recorded_whole_and_in_order(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "tiny", str(TINY_EVENTS))
    assert await arena.numbers(session_id) == list(range(1, TINY_EVENTS + 1))


async def test_blank_lines_by_the_million_are_passed_over(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "blank", "50")
    assert await arena.numbers(session_id) == [1, 2]


async def test_answers_to_calls_nobody_made_are_noted_and_do_nothing(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "strays", "500")
    assert await arena.numbers(session_id) == [1]
    assert len(errors(await arena.trace(session_id))) == 1000


async def test_a_request_id_used_again_has_one_answer_and_one_question(house: Deckhouse) -> None:
    """So has an answer to the prompt that comes three times."""
    arena = await Arena.begin(house, hostile("hostile", "repeats"))
    session_id = await arena.unleash()
    await arena.settled(session_id, "idle")
    events = await arena.trace(session_id)
    assert sum(event.type == "approval.requested" for event in events) == 1
    assert sum("used again" in told for told in errors(events)) >= 19
    commands = await arena.deck.commands(session_id)
    assert [command.state for command in commands] == ["completed"]
    await arena.check()


async def test_thousands_of_requests_leave_room_for_the_others(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "requests", "200")
    assert await arena.numbers(session_id) == [1]


async def test_an_agent_cannot_ask_a_person_without_end(house: Deckhouse) -> None:
    """64 questions wait; each further one is answered `cancelled`."""
    arena = await Arena.begin(house, hostile("hostile", "permissions", "100"))
    session_id = await arena.unleash()

    async def all_said() -> bool:
        return await arena.numbers(session_id) == [1]

    await eventually_async(all_said)
    assert len(await arena.deck.approvals(session_id)) == 64
    await arena.check()


async def test_large_inputs_of_open_tool_calls_are_not_all_kept(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "tools", "10")
    assert await arena.numbers(session_id) == [1]


async def test_a_line_of_a_million_empty_objects_is_not_read(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "values", "2")
    assert await arena.numbers(session_id) == [1]
    assert errors(await arena.trace(session_id)) == ["more than 100000 values in one line"] * 2


async def test_a_chunk_of_wide_characters_as_long_as_a_line_may_be_is_kept(
    house: Deckhouse,
) -> None:
    """Its text is four times as large in memory; it becomes several events."""
    arena, session_id = await rampage(house, "wide", "1")
    events = await arena.trace(session_id)
    text = "".join(e.payload["text"] for e in events if e.type == "assistant_message")
    assert text == "\U0001f600" + "w" * 7_900_000 + "#1 "


async def test_noise_on_stdout_and_a_flood_on_stderr_do_no_harm(house: Deckhouse) -> None:
    tables = hostile("hostile", "noise", "1000") + hostile("loud", "complaints", "50")
    arena = await Arena.begin(house, tables)
    for name in ("hostile", "loud"):
        session_id = await arena.unleash(name)
        await arena.settled(session_id, "idle")
        assert await arena.numbers(session_id) == [1]
        await arena.check()


async def test_two_hundred_escaped_processes_are_gone_after_close(house: Deckhouse) -> None:
    """V6: setsid, double forks and ignored signals change nothing."""
    arena, session_id = await rampage(house, "bomb", "200")
    run_id = (await arena.deck.session(session_id)).run_id
    assert run_id is not None
    assert len(process.survivors(run_id)) >= 200
    await arena.deck.close_session(session_id)
    await arena.settled(session_id, "closed")
    assert process.survivors(run_id) == []
    await arena.check()


async def test_an_agent_that_never_greets_fails_with_a_reason(house: Deckhouse) -> None:
    arena = await Arena.begin(house, hostile("hostile", "silent", more="start_timeout = 1"))
    session_id = await arena.unleash()
    view = await arena.settled(session_id, "failed_needs_human")
    assert view.failure == "the agent did not finish its handshake within 1 s"
    await arena.check()


async def test_an_agent_that_heeds_neither_cancel_nor_sigterm_is_killed(house: Deckhouse) -> None:
    arena = await Arena.begin(house, hostile("hostile", "stubborn"))
    session_id = await arena.unleash()

    async def busy() -> bool:
        return await arena.numbers(session_id) == [1]

    await eventually_async(busy)
    await arena.deck.cancel(session_id)
    await arena.check()
    assert (await arena.deck.session(session_id)).state == "running", "it was asked, and goes on"
    directory = await arena.run_directory(session_id)
    await arena.deck.close_session(session_id)
    await arena.settled(session_id, "closed")
    status = read_exit(directory)
    assert status is not None
    assert (status.signal, status.reason) == (9, "stopped")


async def test_an_agent_that_closes_its_output_and_lives_on_is_ended(house: Deckhouse) -> None:
    """V5: what can say nothing any more has failed; its session does not stay `running`."""
    arena = await Arena.begin(house, hostile("hostile", "mute"))
    session_id = await arena.unleash()
    view = await arena.settled(session_id, "failed_needs_human")
    assert view.failure == "agent cannot load sessions"
    assert await arena.numbers(session_id) == [1]
    reasons = [e.payload for e in await arena.trace(session_id) if e.type == "run.failed"]
    assert "it had closed its output" in reasons[0]["reason"]
    await arena.check()


async def test_requests_while_it_is_being_closed_change_nothing(house: Deckhouse) -> None:
    arena, session_id = await rampage(house, "closing")
    await arena.deck.close_session(session_id)
    await arena.settled(session_id, "closed")
    assert await arena.deck.approvals(session_id) == []
    await arena.check()


@pytest.mark.parametrize(
    ("moment", "numbers", "reason"),
    [
        ("exit-start", [], "the agent ended during its start (exit code 3)"),
        ("exit-initialize", [], "the agent ended during its start (exit code 3)"),
        ("exit-new", [], "the agent ended during its start (exit code 3)"),
        ("exit-turn", [1], "agent cannot load sessions"),
        ("exit-line", [1], "agent cannot load sessions"),
        ("exit-approval", [1], "agent cannot load sessions"),
    ],
)
async def test_an_agent_may_exit_at_any_moment(
    house: Deckhouse, moment: str, numbers: list[int], reason: str
) -> None:
    """D3, R4: the session says why, what was said before is kept, and no question stays open."""
    arena = await Arena.begin(house, hostile("hostile", moment))
    session_id = await arena.unleash()
    view = await arena.settled(session_id, "failed_needs_human")
    assert view.failure == reason
    assert await arena.numbers(session_id) == numbers
    assert [a.kind for a in await arena.deck.approvals(session_id)] in (
        [],
        ["session_recovery_required"],
    )
    torn = "the last line was torn" in errors(await arena.trace(session_id))
    assert torn is (moment == "exit-line")
    await arena.check()


async def test_an_agent_nobody_keeps_up_with_is_paused_and_nothing_is_lost(
    house: Deckhouse,
) -> None:
    """DESIGN §4: the trace says so, twice; each line is there once. No supervisor is needed."""
    events = 30_000
    tables = hostile("hostile", "tiny", str(events)) + "[limits]\njournal_ahead = 1048576\n"
    arena = await Arena.begin(house, tables)
    session_id = await arena.unleash()
    await arena.settled(session_id, "running")
    directory = await arena.run_directory(session_id)
    house.kill_supervisor()
    eventually(lambda: is_held_back(directory), what="the agent paused, with no supervisor")
    held = directory.journal.stat().st_size
    arena.deck = await house.deck()
    await arena.settled(session_id, "idle", within=100)
    assert directory.journal.stat().st_size > held
    assert await arena.numbers(session_id) == list(range(1, events + 1))
    told = [
        event.payload["message"]
        for event in await arena.trace(session_id)
        if event.type == "backend_status"
    ]
    assert told[0] == "paused: output runs ahead"
    assert told == ["paused: output runs ahead", "goes on: its output was read"] * (len(told) // 2)
    await arena.check()


@pytest.mark.parametrize(
    ("limit", "arguments", "said"),
    [
        ("processes = 20", ("bomb", "100"), "the limit processes is 20, and there were "),
        ("memory = 50000000", ("fat", "150"), "the limit memory is 47.7 MiB, and 1 process used "),
        ("run_time = 1", ("stubborn",), "the limit run_time is 1 s, and it ran for 1 s"),
    ],
)
async def test_a_session_over_its_limit_ends_with_the_measured_value(
    house: Deckhouse, limit: str, arguments: tuple[str, ...], said: str
) -> None:
    """Not resumed by itself, to exceed it again; nothing of it runs on."""
    tables = hostile("hostile", *arguments, more=f"limits = {{ {limit} }}")
    arena = await Arena.begin(house, tables)
    session_id = await arena.unleash()
    view = await arena.settled(session_id, "failed_needs_human")
    assert view.failure is not None
    assert view.failure.startswith(f"ended by a limit: {said}")
    assert view.failure_kind == "limit_exceeded"
    (run,) = await arena.deck.runs(session_id)
    assert run.state == "failed"
    failed = [e.payload for e in await arena.trace(session_id) if e.type == "run.failed"]
    assert [payload["reason"] for payload in failed] == [view.failure]
    assert process.survivors(run.run_id) == []
    await arena.check()


async def test_limits_for_every_session_hold_where_a_profile_has_none(house: Deckhouse) -> None:
    """`[limits.session]`, and a profile's own limits in its place."""
    tables = hostile("hostile", "bomb", "30") + hostile(
        "trusted", "bomb", "30", more="limits = { processes = 1000 }"
    )
    arena = await Arena.begin(house, tables + "[limits.session]\nprocesses = 10\n")
    trusted = await arena.unleash("trusted")
    await arena.settled(trusted, "idle")
    session_id = await arena.unleash()
    view = await session_in(arena.deck, session_id, "failed_needs_human")
    assert view.failure_kind == "limit_exceeded"
    assert (await arena.deck.session(trusted)).state == "idle"
