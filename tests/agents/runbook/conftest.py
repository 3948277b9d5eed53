"""One agent process for the tests that do not end it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.runbook.agent_pipe import AgentPipe, PipedSession


@pytest.fixture(scope="package")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentPipe]:
    """Give an initialized agent, shared: every test has a session of its own."""
    pipe = AgentPipe(tmp_path_factory.mktemp("progress"))
    pipe.call("initialize", protocolVersion=1)
    yield pipe
    assert pipe.close() == 0


@pytest.fixture
def session(agent: AgentPipe, tmp_path: Path) -> PipedSession:
    """Give a new session whose directory is `tmp_path`."""
    return agent.session(tmp_path)
