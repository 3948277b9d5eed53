"""One bad agent or one bad file holds up nobody else."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3

from quarterdeck.agents import process
from quarterdeck.agents.holding import RunDirectory, read_info
from tests.support.deckhouse import Deckhouse, said, session_in, whole_trace
from tests.support.waiting import eventually_async


async def heard(deck, session_id: str, text: str) -> bool:
    return text in said(await whole_trace(deck, session_id))


async def test_a_broken_config_at_a_crash_stops_no_other_session(deckhouse: Deckhouse) -> None:
    """The crashed session needs a person; the others stream on."""
    deck = await deckhouse.deck()
    doomed = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, doomed["session_id"], "idle")
    other = await deckhouse.new(deck, "wait go\nsay still here", wait=True)
    good = deckhouse.places.config_file.read_text()
    deckhouse.places.config_file.write_text("this is [not toml")
    info = read_info(RunDirectory(deckhouse.places.runs / doomed["run_id"]))
    assert info is not None
    os.kill(info.agent.pid, signal.SIGKILL)
    await session_in(deck, doomed["session_id"], "failed_needs_human")
    (deckhouse.project / "go").touch()
    await eventually_async(lambda: heard(deck, other["session_id"], "still here"))
    deckhouse.places.config_file.write_text(good)


async def test_blank_lines_without_end_leave_the_supervisor_answering(
    deckhouse: Deckhouse,
) -> None:
    """Lines that make no event count too: the loop is given up after a bounded amount."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    journal = RunDirectory(deckhouse.places.runs / ids["run_id"]).journal
    with journal.open("ab") as file:
        file.write(b"\n" * (24 * 1024 * 1024))
    await deck.send(ids["session_id"], "say after")
    status = await asyncio.wait_for(deck.status(), 30)
    assert status["running"]
    await eventually_async(lambda: heard(deck, ids["session_id"], "after"), within=60)


async def test_a_garbled_offset_file_stops_nothing(deckhouse: Deckhouse) -> None:
    """What a loss of power leaves in it is not taken for a number, and ends no writer."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, ids["session_id"], "idle")
    (deckhouse.places.runs / ids["run_id"] / "in.offset").write_bytes(b"\0" * 21)
    await deck.send(ids["session_id"], "say after")
    await eventually_async(lambda: heard(deck, ids["session_id"], "after"))
    assert deckhouse.prompts() == ["say hello", "say after"]


async def test_a_streaming_agent_does_not_hold_up_the_start(deckhouse: Deckhouse) -> None:
    """D2: recovery reads what is there, and does not wait for silence."""
    deck = await deckhouse.deck()
    other = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, other["session_id"], "idle")
    await deckhouse.new(deck, "count 100000 0.004", wait=True)
    deckhouse.kill_supervisor()
    deck = await deckhouse.deck()
    await deck.send(other["session_id"], "say after")
    await eventually_async(lambda: heard(deck, other["session_id"], "after"))
    sessions, _ = await deck.sessions(state="running")
    assert len(sessions) == 1, "it streams on meanwhile"


async def test_a_request_id_used_again_after_a_withdrawal_is_no_poison(
    deckhouse: Deckhouse,
) -> None:
    """`$/cancel_request` forgets the request here too."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello", wait=True)
    view = await session_in(deck, ids["session_id"], "idle")
    params = {"sessionId": view.agent_session_id, "command": "touch never", "args": []}
    ask = json.dumps({"jsonrpc": "2.0", "id": 77, "method": "terminal/create", "params": params})
    back = json.dumps({"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"id": 77}})
    (deckhouse.project / "said").write_text("\n".join([ask, back, ask, back]))
    await deck.send(ids["session_id"], "rawfile said\nsay after")
    await eventually_async(lambda: heard(deck, ids["session_id"], "after"))


async def test_what_was_taken_in_is_answered_before_the_end(deckhouse: Deckhouse) -> None:
    """D5: a client must not take for lost what was committed, and send it again."""
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "hang", wait=True)
    sends = [asyncio.create_task(deck.send(ids["session_id"], f"say {n}")) for n in range(3)]
    await asyncio.sleep(0)
    os.kill(deckhouse.supervisor_pid(), signal.SIGTERM)
    told = await asyncio.gather(*sends, return_exceptions=True)
    deck = await deckhouse.deck()
    stored = {c.text for c in await deck.commands(ids["session_id"])}
    for number, answer in enumerate(told):
        assert isinstance(answer, BaseException) != (f"say {number}" in stored)


async def test_a_quiet_run_is_read_in_each_transaction_beside_those_that_flood(
    deckhouse: Deckhouse,
) -> None:
    """Shares are fair: its line waits for no other run's backlog, however it is queued."""
    deck = await deckhouse.deck()
    started = [await deckhouse.new(deck, "say hello", wait=True) for _ in range(6)]
    for ids in started:
        await session_in(deck, ids["session_id"], "idle")
    *floods, quiet = [deckhouse.places.runs / ids["run_id"] / "out.jsonl" for ids in started]
    views = [await deck.session(ids["session_id"]) for ids in started]
    lines = [_chunk(view.agent_session_id or "", "flood ") for view in views]
    supervisor = deckhouse.supervisor_pid()
    os.kill(supervisor, signal.SIGSTOP)
    try:
        for journal, line in zip([*floods, quiet], lines, strict=True):
            with journal.open("ab") as file:
                file.write(line * (4000 if journal is not quiet else 1))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
            for ids in started:
                bell.sendto(ids["run_id"].encode(), str(deckhouse.places.bell))
    finally:
        os.kill(supervisor, signal.SIGCONT)
    await eventually_async(lambda: heard(deck, started[-1]["session_id"], "flood"))
    with contextlib.closing(sqlite3.connect(deckhouse.places.database)) as db:
        earlier = db.execute(
            "WITH quiet AS (SELECT r.run_no, max(e.at) AS at FROM runs r JOIN events e"
            " USING (run_no) WHERE r.run_id = ?)"
            " SELECT count(DISTINCT e.at) FROM events e, quiet q WHERE e.run_no <> q.run_no"
            " AND e.payload LIKE '%flood%' AND e.at < q.at",
            (started[-1]["run_id"],),
        ).fetchone()[0]
    assert earlier <= 2, "transactions with the others' lines before the quiet one's"


def _chunk(session_id: str, text: str) -> bytes:
    content = {"type": "text", "text": text}
    update = {"sessionUpdate": "agent_message_chunk", "content": content}
    params = {"sessionId": session_id, "update": update}
    message = {"jsonrpc": "2.0", "method": "session/update", "params": params}
    return json.dumps(message).encode() + b"\n"


async def test_a_journal_that_cannot_be_read_stops_no_other_run(deckhouse: Deckhouse) -> None:
    """A transaction that fails for one run is tried for each by itself."""
    deck = await deckhouse.deck()
    bad = await deckhouse.new(deck, "wait go\nsay never seen", wait=True)
    other = await deckhouse.new(deck, "say hello", wait=True)
    await session_in(deck, other["session_id"], "idle")
    journal = deckhouse.places.runs / bad["run_id"] / "out.jsonl"
    journal.rename(journal.with_name("out.moved"))
    journal.mkdir()
    for number in range(200):
        (journal / f"{number:0200}").touch()
    (deckhouse.project / "go").touch()
    for word in ("first", "second"):
        await deck.send(other["session_id"], f"say {word}")
        await eventually_async(lambda word=word: heard(deck, other["session_id"], word))
    shutil.rmtree(journal)  # else the end of the supervisor would wait for this run's
    journal.with_name("out.moved").rename(journal)


async def test_the_late_end_of_a_cancelled_start_changes_no_newer_run(
    deckhouse: Deckhouse,
) -> None:
    """R5: the session belongs to the run that was started since."""
    deckhouse.configure(SCRIPTED_FAIL_START="silent")
    deck = await deckhouse.deck()
    ids = await deckhouse.new(deck, "say hello")
    old = RunDirectory(deckhouse.places.runs / ids["run_id"])
    await eventually_async(lambda: _there(old))
    info = read_info(old)
    assert info is not None
    os.kill(info.keeper.pid, signal.SIGSTOP)
    try:
        await deck.cancel(ids["session_id"])
        await session_in(deck, ids["session_id"], "closed")
        deckhouse.configure()
        await deck.send(ids["session_id"], "say again")
        await eventually_async(lambda: heard(deck, ids["session_id"], "again"))
        before = await session_in(deck, ids["session_id"], "idle")
    finally:
        os.kill(info.keeper.pid, signal.SIGCONT)
    await process.wait_gone(info.keeper)
    await deck.send(ids["session_id"], "say after")
    await eventually_async(lambda: heard(deck, ids["session_id"], "after"))
    after = await session_in(deck, ids["session_id"], "idle")
    assert (after.run_id, after.active) == (before.run_id, True)
    states = {run.run_id: run.state for run in await deck.runs(ids["session_id"])}
    assert states == {ids["run_id"]: "cancelled", before.run_id: "running"}


async def _there(directory: RunDirectory) -> bool:
    return read_info(directory) is not None
