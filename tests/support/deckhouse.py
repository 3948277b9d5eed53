"""A real supervisor with directories of its own, for end-to-end tests."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.model.records import ApprovalView, EventView, SessionView
from tests.support.growing_files import whole_lines
from tests.support.waiting import eventually

AGENT = Path(__file__).with_name("scripted_agent.py")


class Deckhouse:
    """State, configuration and project directories; `deck()` starts the supervisor on demand."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root / "state", root / "config")
        self.project = root / "project"
        self.agent_home = root / "agent"
        for folder in (self.places.config, self.project, self.agent_home):
            folder.mkdir(parents=True)
        self.decks: list[Deck] = []
        self.configure()

    def configure(self, extra: str = "", **env: str) -> None:
        """Write config.toml with the scripted agent, its environment, and more agents."""
        values = {"SCRIPTED_DIR": str(self.agent_home), **env}
        listed = ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
        command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
        self.places.config_file.write_text(
            f"[agents.scripted]\ncommand = {command}\nenv = {{ {listed} }}\n{extra}\n"
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the product needs to find this deckhouse."""
        return os.environ | {
            "QUARTERDECK_STATE_DIR": str(self.places.state),
            "QUARTERDECK_CONFIG_DIR": str(self.places.config),
        }

    async def deck(
        self,
        *,
        reader: str = "tester",
        on_change: Callable[[int], None] | None = None,
        start: bool = True,
    ) -> Deck:
        """Connect, starting the supervisor if none runs and `start` is set."""
        deck = await Deck.connect(
            self.places, reader=reader, client="tests", start=start, on_change=on_change
        )
        self.decks.append(deck)
        return deck

    async def new(self, deck: Deck, prompt: str, **more: Any) -> dict[str, str]:
        """Start a session of the scripted agent."""
        given: dict[str, Any] = {"agent": "scripted", "cwd": str(self.project), "env": {}}
        return await deck.new(prompt=prompt, **(given | more))

    def start_supervisor(self, **variables: str) -> "subprocess.Popen[bytes]":
        """Start a supervisor with variables in its environment, such as a failpoint's rule."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "quarterdeck.supervisor"],
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )

    def supervisor_pid(self) -> int:
        """Return the pid in the lock file, waiting for one that is just being written.

        Whoever takes the lock empties the file before the pid is in it. While one supervisor
        follows another, the pid may still be that of the one before.
        """
        found = ""

        def written() -> bool:
            nonlocal found
            found = self.places.lock.read_text()
            return found.endswith("\n")

        eventually(written, what=f"a pid in {self.places.lock}")
        return int(found)

    def kill_supervisor(self) -> None:
        """kill -9 the supervisor and wait until it is gone."""
        pid = self.supervisor_pid()
        descriptor = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        import select

        gone = select.select([descriptor], [], [], 60)[0]
        os.close(descriptor)
        assert gone, f"supervisor {pid} survived SIGKILL"

    def qd(
        self, *arguments: str, check: bool = True, stdin: str | None = None, both: bool = False
    ) -> str:
        """Run a command of `qd` and return its stdout, or `both` this and its stderr."""
        done = subprocess.run(
            [sys.executable, "-m", "quarterdeck", *arguments],
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"qd {arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr if both else done.stdout

    def prompts(self) -> list[str]:
        """Return every prompt the scripted agent has got, in order."""
        return self._lines("prompts")

    def answers(self) -> list[Any]:
        """Return every answer the scripted agent's permissions have got, in order."""
        return self._lines("answers")

    def replies(self) -> list[Any]:
        """Return process and request id of every answer the scripted agent has got, in order."""
        return self._lines("replies")

    def _lines(self, name: str) -> list[Any]:
        return [json.loads(line) for line in whole_lines(self.agent_home / name)]

    async def end_supervisor(self) -> None:
        """End the supervisor with its agents, and return once its process is gone."""
        deck = await Deck.connect(self.places, reader="tester", client="tests", start=False)
        descriptor = os.pidfd_open(deck.hello["pid"])
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(descriptor, gone.set)
        try:
            await deck.down(agents=True)
            await asyncio.wait_for(gone.wait(), 60)
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            await deck.close()

    async def close(self) -> None:
        """Leave nothing running."""
        for deck in self.decks:
            await deck.close()
        with contextlib.suppress(QuarterdeckError):
            await self.end_supervisor()


async def session_in(deck: Deck, session_id: str, *states: str, within: float = 60) -> SessionView:
    """Wait until the session is in one of the states."""
    deadline = asyncio.get_running_loop().time() + within
    while (view := await deck.session(session_id)).state not in states:
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not {states} within {within} s: {view}")
        await asyncio.sleep(0.01)
    return view


async def approval_of(deck: Deck, session_id: str, within: float = 60) -> ApprovalView:
    """Wait for the session's first open approval."""
    deadline = asyncio.get_running_loop().time() + within
    while not (found := await deck.approvals(session_id)):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"no approval within {within} s: {await deck.session(session_id)}")
        await asyncio.sleep(0.01)
    return found[0]


async def decide(deck: Deck, approval: ApprovalView, action: str, **more: Any) -> Any:
    """Decide an approval as it was shown."""
    given: dict[str, Any] = {"token": f"token-{approval.approval_id}"} | more
    return await deck.decide(
        approval.approval_id,
        run_id=approval.run_id,
        payload_sha256=approval.payload_sha256,
        action=action,
        **given,
    )


async def trace(deck: Deck, session_id: str, run_id: str | None = None) -> list[EventView]:
    """Return every event of a run."""
    found: list[EventView] = []
    while True:
        _, page, cursor = await deck.events(
            session_id, run_id=run_id, after_seq=found[-1].seq if found else 0, limit=500
        )
        if not page:
            return found
        found += page
        assert cursor == page[-1].seq or len(page) < 500


async def whole_trace(deck: Deck, session_id: str) -> list[EventView]:
    """Return every event of all runs, checking that each run's seqs are 1, 2, 3 … (A2)."""
    found: list[EventView] = []
    for run in await deck.runs(session_id):
        events = await trace(deck, session_id, run.run_id)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert len(events) >= run.last_event_seq
        found += events
    return found


def said(events: list[EventView]) -> str:
    """Return what the agent said, put together."""
    return "".join(e.payload.get("text", "") for e in events if e.type == "assistant_message")
