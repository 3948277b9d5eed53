"""A real agent's own session/fork: opencode, against a stub of its model API (C1)."""

import os

import pytest

from tests.support.deckhouse import Deckhouse, said, session_in, trace
from tests.support.model_stub import ModelStub
from tests.support.opencode import prepare_opencode, require_opencode

pytestmark = pytest.mark.slow


async def test_c1_a_fork_of_opencode_knows_what_was_said(deckhouse: Deckhouse) -> None:
    """The fork is opencode's own, in a process of its own, while its parent lives on."""
    command = require_opencode()
    with ModelStub() as stub:
        setup = prepare_opencode(command, deckhouse.agent_home, stub.base_url)
        deckhouse.configure(setup.config_entry())
        deck = await deckhouse.deck()
        env = {"PATH": os.environ["PATH"]}
        ids = await deck.new(
            agent="opencode",
            cwd=str(deckhouse.project),
            prompt="Remember zebra. [[PLAIN noted]]",
            env=env,
            wait=True,
        )
        parent = await session_in(deck, ids["session_id"], "idle", within=90)
        made = await deck.fork(
            parent.session_id, prompt="And now? [[PLAIN forked]]", env=env, wait=True
        )
        fork = await session_in(deck, str(made["session_id"]), "idle", within=90)
        events = await trace(deck, fork.session_id)
        started = next(event for event in events if event.type == "session.started")
        assert started.payload["via"] == "fork"
        assert fork.agent_session_id != parent.agent_session_id
        assert "history" not in next(e for e in events if e.type == "user_message").payload
        assert said(events) == "forked"
        heard = " ".join(stub.last_texts("user"))
        assert "Remember zebra" in heard
        assert "And now?" in heard
        await deck.send(parent.session_id, "Still there? [[PLAIN yes]]")
        await session_in(deck, parent.session_id, "idle", within=90)
