"""What rows are measured on: state directories, a real supervisor, synthetic agents, screens."""

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from quarterdeck.client.deck import Deck
from tests.bench.filling import Filled, fill
from tests.bench.pty_screen import PtyScreen
from tests.support.deckhouse import Deckhouse, session_in

AGENT = Path(__file__).with_name("tagging_agent.py")
AT_ONCE = 4
"""Agents started side by side."""


@dataclass(frozen=True)
class Setting:
    """How much is measured, and where stores that were filled once are kept.

    Attributes:
        root: A folder that is removed when all rows are done.
        rounds: How often a thing is taken, at least.
        quick: Measure with a tenth of agents, sessions and events: shows that it works.
        soak: Seconds the soak lasts; 0 leaves it out.
    """

    root: Path
    rounds: int = 20
    quick: bool = False
    soak: int = 0

    def scaled(self, amount: int) -> int:
        """Return an amount, or a tenth of it when it has to be quick."""
        return max(amount // 10, 2) if self.quick else amount

    @cached_property
    def _stores(self) -> dict[tuple[int, int], tuple[Path, Filled]]:
        return {}

    def store(self, sessions: int, events: int) -> tuple[Path, Filled]:
        """Return a filled store, filled at the first call only; do not change it."""
        key = (sessions, events)
        if key not in self._stores:
            path = self.root / f"store-{sessions}-{events}.db"
            self._stores[key] = path, fill(path, sessions=sessions, events=events)
        return self._stores[key]


class Stage:
    """A supervisor with directories of its own and the synthetic agent configured."""

    def __init__(self, house: Deckhouse, root: Path) -> None:
        self.house, self.root = house, root
        self.answers = root / "answers"

    def screen(self) -> PtyScreen:
        """Start the full-screen client."""
        env = self.house.environment | {"QUARTERDECK_READER": "bench"}
        return PtyScreen([sys.executable, "-P", "-m", "quarterdeck"], env=env, cwd=self.root)

    async def start(self, deck: Deck, prompt: str, count: int = 1, title: str = "") -> list[str]:
        """Start sessions of the synthetic agent, and return their ids once all of them work."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> str:
            async with gate:
                more = {"title": f"{title}{number}"} if title else {}
                ids = await self.house.new(deck, prompt, agent="bench", **more)
                states = ("idle", "running", "waiting")
                await session_in(deck, ids["session_id"], *states, within=120)
                return ids["session_id"]

        return list(await asyncio.gather(*(one(number) for number in range(count))))

    @property
    def supervisor(self) -> int:
        """The supervisor's pid."""
        return self.house.supervisor_pid()


@asynccontextmanager
async def stage(store: Path | None = None, config: str = "") -> AsyncIterator[Stage]:
    """Give a stage, on a copy of a filled store if one is given, and leave nothing running."""
    with folder() as root:
        house = Deckhouse(root)
        command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
        house.configure(
            f'[agents.bench]\ncommand = {command}\nenv = {{ BENCH_DIR = "{root}" }}\n{config}'
        )
        if store is not None:
            house.places.state.mkdir(mode=0o700)
            shutil.copyfile(store, house.places.database)
        try:
            yield Stage(house, root)
        finally:
            await house.close()


@contextmanager
def folder() -> Iterator[Path]:
    """Give a short-named folder that is removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="qd-bench-"))
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
