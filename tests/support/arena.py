"""A supervisor with one decent session and as many hostile ones as a test wants."""

import json
import sys
from pathlib import Path

from quarterdeck.agents.holding import RunDirectory, read_info
from quarterdeck.client.deck import Deck
from quarterdeck.model.records import EventView, SessionView
from tests.support.deckhouse import Deckhouse, said, session_in, whole_trace
from tests.support.waiting import eventually_async

HOSTILE = Path(__file__).with_name("hostile_agent.py")
BASE_BYTES = 150_000_000
BYTES_PER_AGENT = 32_000_000


def hostile(name: str, *arguments: str, more: str = "") -> str:
    """Return the table of config.toml for a hostile agent."""
    command = json.dumps([sys.executable, "-I", "-S", str(HOSTILE), *arguments])
    return f"[agents.{name}]\ncommand = {command}\n{more}\n"


class Arena:
    """The decent session is there first, and is asked after each outrage whether it lives."""

    def __init__(self, house: Deckhouse, deck: Deck, decent: str) -> None:
        self.house, self.deck, self.decent = house, deck, decent
        self.asked = 0
        self.hostile_agents = 0

    @classmethod
    async def begin(cls, house: Deckhouse, tables: str) -> "Arena":
        """Start the supervisor and the decent session."""
        house.configure(tables)
        deck = await house.deck()
        ids = await house.new(deck, "say hello", wait=True)
        await session_in(deck, ids["session_id"], "idle")
        return cls(house, deck, ids["session_id"])

    async def unleash(self, name: str = "hostile", prompt: str = "go") -> str:
        """Start a session of a hostile agent."""
        self.hostile_agents += 1
        ids = await self.house.new(self.deck, prompt, agent=name)
        return ids["session_id"]

    async def settled(self, session_id: str, *states: str, within: float = 60) -> SessionView:
        """Wait for the session to be in one of the states."""
        return await session_in(self.deck, session_id, *states, within=within)

    async def check(self) -> None:
        """Check that the decent session still works, and what the supervisor has taken."""
        self.asked += 1
        text = f"round-{self.asked}"
        await self.deck.send(self.decent, f"say {text}")

        async def heard() -> bool:
            return text in said(await whole_trace(self.deck, self.decent))

        await eventually_async(heard, what="the decent session's answer")
        assert self.peak() <= BASE_BYTES + self.hostile_agents * BYTES_PER_AGENT

    def peak(self) -> int:
        """Return the most memory the supervisor ever had, in bytes."""
        status = Path(f"/proc/{self.house.supervisor_pid()}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    async def trace(self, session_id: str) -> list[EventView]:
        """Return every event of a session, seqs checked."""
        return await whole_trace(self.deck, session_id)

    async def numbers(self, session_id: str) -> list[int]:
        """Return the numbers of the chunks that were recorded, in order."""
        words = said(await self.trace(session_id)).split()
        return [int(word[1:]) for word in words if word[:1] == "#" and word[1:].isdigit()]

    async def run_directory(self, session_id: str) -> RunDirectory:
        """Return the directory of the session's latest run."""
        view = await self.deck.session(session_id)
        return RunDirectory(self.house.places.runs / (view.run_id or ""))

    async def agent_pid(self, session_id: str) -> int:
        """Return the pid of the session's agent."""
        info = read_info(await self.run_directory(session_id))
        assert info is not None
        return info.agent.pid
