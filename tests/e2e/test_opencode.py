"""A real third-party agent, opencode, against a stub of its model API on 127.0.0.1."""

import asyncio
import json
import os
import signal
import sys

import pytest

from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
from tests.support.deckhouse import Deckhouse, approval_of, decide, said, session_in, whole_trace
from tests.support.model_stub import ModelStub
from tests.support.opencode import prepare_opencode, require_opencode
from tests.support.screen import approve_in_dialog
from tests.support.tmux import Terminal
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.slow


async def test_a_killed_opencode_is_resumed_and_knows_the_conversation(
    deckhouse: Deckhouse,
) -> None:
    """D2: a turn with a permission, kill -9 in mid-stream, resume; the model sees it all again."""
    command = require_opencode()
    with ModelStub() as stub:
        setup = prepare_opencode(command, deckhouse.agent_home, stub.base_url)
        deckhouse.configure(setup.config_entry())
        deck = await deckhouse.deck()
        ids = await deck.new(
            agent="opencode",
            cwd=str(deckhouse.project),
            prompt="Remember zebra. [[WRITE proof.txt zebra]]",
            env={"PATH": os.environ["PATH"]},
            wait=True,
        )
        session_id = ids["session_id"]
        approval = await approval_of(deck, session_id, within=60)
        assert "proof.txt" in approval.subject
        assert "zebra" in approval.subject
        await decide(deck, approval, "approve")
        await session_in(deck, session_id, "idle", within=60)
        assert (deckhouse.project / "proof.txt").read_text() == "zebra"
        stub.hold_after(3)
        await deck.send(session_id, "Go slowly. [[SLOW 10]]")
        assert stub.held.wait(60)
        info = read_info(RunDirectory(deckhouse.places.runs / ids["run_id"]))
        assert info is not None
        os.kill(info.agent.pid, signal.SIGKILL)
        await eventually_async(lambda: _in_another_run(deck, session_id, ids["run_id"]))
        await session_in(deck, session_id, "idle", within=60)
        stub.release()
        await deck.send(session_id, "After the kill. [[PLAIN still here]]")
        await session_in(deck, session_id, "idle", within=60)
        heard = " ".join(stub.last_texts("user"))
        assert "Remember zebra" in heard
        assert "After the kill" in heard
        events = await whole_trace(deck, session_id)
        assert "still here" in said(events)
        kinds = {event.type for event in events}
        assert {
            "session.started",
            "user_message",
            "assistant_message",
            "tool_call",
            "approval.requested",
            "approval.decided",
            "run.failed",
            "terminal_status",
        } <= kinds


async def _in_another_run(deck: Deck, session_id: str, run_id: str) -> bool:
    return (await deck.session(session_id)).run_id not in (None, run_id)


async def test_a_permission_of_opencode_is_approved_on_the_screen(deckhouse: Deckhouse) -> None:
    """From the key press to the file: shown, approved with keys, written, all in the trace."""
    command = require_opencode()
    with ModelStub() as stub:
        setup = prepare_opencode(command, deckhouse.agent_home, stub.base_url)
        deckhouse.configure(setup.config_entry())
        prompt = "Write it. [[WRITE proof.txt zebra]]"
        where = ["--cwd", str(deckhouse.project)]
        told = await asyncio.to_thread(
            deckhouse.qd, "new", "--agent", "opencode", *where, "--json", prompt
        )
        session_id = json.loads(told)["session_id"]
        qd = [sys.executable, "-m", "quarterdeck"]
        with Terminal(qd, width=100, height=30, env=deckhouse.environment) as terminal:
            await asyncio.to_thread(_approve_and_leave, terminal)
        assert (deckhouse.project / "proof.txt").read_text() == "zebra"
        await asyncio.to_thread(
            deckhouse.qd, "wait", session_id, "--until", "idle", "--timeout", "60"
        )
        lines = await asyncio.to_thread(deckhouse.qd, "trace", session_id, "--json")
    events = [json.loads(line) for line in lines.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    kinds = [event["type"] for event in events]
    for kind in ("session.started", "user_message", "tool_call", "approval.requested"):
        assert kind in kinds
    decided = next(e["payload"] for e in events if e["type"] == "approval.decided")
    assert decided["action"] == "approve"
    assert kinds[-1] == "terminal_status"


def _approve_and_leave(terminal: Terminal) -> None:
    terminal.wait_for("1 waiting", within=90)
    screen = approve_in_dialog(terminal)
    assert "proof.txt" in screen
    assert "zebra" in screen
    terminal.wait_for("0 waiting", within=60)
    terminal.wait_for("turn ended", within=60)
    terminal.send_keys("q")
    assert terminal.wait_exit() == 0
