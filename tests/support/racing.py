"""A session of the racing agent, what it was told to ask, and what reached its stdin."""

import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quarterdeck.client.deck import Deck
from quarterdeck.model.records import ApprovalView
from tests.support.deckhouse import Deckhouse, session_in
from tests.support.growing_files import whole_lines
from tests.support.waiting import eventually_async

AGENT = Path(__file__).with_name("racing_agent.py")


@dataclass
class Asked:
    """One question, and the answers that reached the agent for it."""

    text: str
    request_id: int
    agent: int
    answers: list[Any] = field(default_factory=list)

    @property
    def approved(self) -> bool:
        """Whether the agent was told to do it."""
        return any(_option(answer) == f"yes {self.text}" for answer in self.answers)

    def check(self) -> None:
        """Look whether no answer to another question came under this one's id."""
        for answer in self.answers:
            assert _option(answer) in (None, f"yes {self.text}", f"no {self.text}"), self


class RacingSession:
    """The agent's end of a session."""

    def __init__(self, house: Deckhouse, name: str = "racing") -> None:
        """Configure an agent of that name."""
        self.house, self.name = house, name
        self.home = house.agent_home / name
        self.home.mkdir()
        self.number = self.generation = 0
        self.asked: list[Asked] = []
        self.session_id = ""
        os.mkfifo(self.home / "orders")
        self._orders = os.open(self.home / "orders", os.O_RDWR | os.O_CLOEXEC)
        command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
        told = f'env = {{ SCRIPTED_DIR = "{self.home}" }}'
        house.configure(f"[agents.{name}]\ncommand = {command}\n{told}")

    async def start(self, deck: Deck) -> None:
        """Start the session and bring it into a turn."""
        ids = await self.house.new(deck, "go on", agent=self.name, wait=True)
        self.session_id = ids["session_id"]
        await session_in(deck, self.session_id, "running")

    def close(self) -> None:
        """Let go of the fifo."""
        os.close(self._orders)

    def order(self, **order: Any) -> None:
        """Tell the agent what to do, at once."""
        os.write(self._orders, json.dumps(order).encode() + b"\n")

    def ask(self, request_id: int | None = None) -> Asked:
        """Let the agent ask; under an id it used before, if told so."""
        self.number += 1
        asked = Asked(f"deploy part-{self.number}", request_id or self.number, self.generation)
        self.asked.append(asked)
        self.order(ask=asked.text, id=asked.request_id)
        return asked

    def die(self) -> None:
        """End the agent's process; questions asked from now on are of the next one's."""
        self.order(die=9)
        self.generation += 1

    async def approval(self, deck: Deck, asked: Asked) -> ApprovalView | None:
        """Wait for the approval of a question; None if the end of a turn has settled it."""
        found: list[ApprovalView] = []

        async def there() -> bool:
            views = await deck.approvals(self.session_id)
            found[:] = [view for view in views if view.subject == asked.text]
            if not found:
                self.hear()
            return bool(found or asked.answers)

        await eventually_async(there, what=asked.text)
        return found[0] if found else None

    async def prompted(self) -> None:
        """Wait until the newest process has a prompt: what it is ordered before finds no turn."""

        async def told() -> bool:
            lines = [json.loads(line) for line in self._heard()]
            newest = [pid for pid, _, what in lines if what == "started"][self.generation :]
            return bool(newest) and [newest[-1], None, "prompted"] in lines

        await eventually_async(told, what="the prompt has reached the agent")

    def _heard(self) -> list[str]:
        return whole_lines(self.home / "heard")

    def hear(self) -> None:
        """Put what reached the agent to the questions: of one id, answers come in their order."""
        lines = self._heard()
        pids: dict[int, int] = {}
        waiting: dict[tuple[int, int], list[Asked]] = defaultdict(list)
        for asked in self.asked:
            asked.answers = []
            waiting[asked.agent, asked.request_id].append(asked)
        for pid, request_id, told in map(json.loads, lines):
            agent = pids.setdefault(pid, len(pids))
            if request_id is None:
                continue
            queue = waiting[agent, request_id]
            assert queue, f"an answer to no question: {told}"
            queue.pop(0).answers.append(told)


def _option(answer: Any) -> str | None:
    return answer.get("outcome", {}).get("optionId") if isinstance(answer, dict) else None
