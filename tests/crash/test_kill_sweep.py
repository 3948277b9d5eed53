"""kill -9 at the first failpoint, the second, the third …, until none is left (R, D1-D5).

Every k is a whole morning of a person's (`scenario.py`) in which one process is killed at the
k-th place where it changes something. Nothing acknowledged may be lost, nothing may come twice,
and every session has to be in a known state soon after each start.
"""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.crash import scenario
from tests.crash.scenario import Person, Site
from tests.support.supervisor_zygote import Zygote

pytestmark = pytest.mark.slow

STEP = int(os.environ.get("QUARTERDECK_SWEEP_STEP", "1"))
AT_ONCE = int(os.environ.get("QUARTERDECK_SWEEP_AT_ONCE", "2"))
FAILURES_MOST = 5

SUPERVISOR, KEEPER = "QUARTERDECK_FAILPOINT", "QUARTERDECK_KEEPER_FAILPOINT"

CUT_SHORT = {
    "with both agents being started": "kill:keeper_start.after:1",
    "with a line committed and not spooled": "kill:spool.append.before:7",
    "with output read and not committed": "kill:journal.flush.before:6",
}
"""First crashes, after which a recovery has something to do."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """Give the process that supervisors are forked from."""
    made = Zygote()
    yield made
    made.close()


@dataclass
class Sweep:
    """A walk over k = 1, 2, 3 … until nothing is killed any more.

    Attributes:
        zygote: Where supervisors come from.
        folder: For the sites, one each.
        store: The store they begin with.
        starts: For a k and the file that will name where it killed, the supervisors' environments.
        doing: What the person does, and is then sure of.
        reboot: Whether keepers and agents die with the first supervisor.
        recovery: Whether the walk ends once the second supervisor is killed when it has
            recovered, since what follows is walked elsewhere.
    """

    zygote: Zygote
    folder: Path
    store: Path
    starts: Callable[[int, Path], list[dict[str, str]]]
    doing: Callable[[Person], Awaitable[None]]
    reboot: bool = False
    recovery: bool = False
    killed: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    _next: int = 1
    _over: bool = False
    _failures: list[Exception] = field(default_factory=list)

    async def walk(self) -> None:
        """Walk; raises what was found, at the latest after a few."""
        await asyncio.gather(*(self._work() for _ in range(AT_ONCE)))
        total = sum(self.killed.values())
        print(f"{total} runs, slowest to settle after a start {self.longest:.2f} s; killed at:")
        print(", ".join(f"{name or 'nothing'} {times}" for name, times in self.killed.items()))
        if self._failures:
            raise ExceptionGroup(f"{len(self._failures)} kills were not survived", self._failures)

    async def _work(self) -> None:
        while not self._over and len(self._failures) < FAILURES_MOST:
            k, self._next = self._next, self._next + STEP
            await self.once(k)

    async def once(self, k: int) -> None:
        """Kill at the k-th, and see what becomes of it."""
        file = self.folder / f"k{k}.killed"
        site = Site(self.folder / f"k{k}", self.zygote, self.starts(k, file), reboot=self.reboot)
        shutil.copyfile(self.store, site.places.database)
        try:
            await scenario.run(site, self.doing)
        except Exception as error:
            error.add_note(f"k = {k}, killed at {_text(file) or 'nothing'}")
            self._failures.append(error)
        finally:
            await asyncio.to_thread(site.clear)
        where = _text(file)
        self._over = self._over or not where or (self.recovery and 2 in site.settling)
        self.killed[where] += 1
        self.longest = max([self.longest, *site.settling.values()])


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def _strict_morning(person: Person) -> None:
    await scenario.morning(person, strict=True)


async def _morning(person: Person) -> None:
    await scenario.morning(person, strict=False)


async def test_a_supervisor_killed_anywhere_loses_and_doubles_nothing(
    zygote: Zygote, tmp_path: Path
) -> None:
    """R, D2, D9, DESIGN §4: the agents live on, so everything must go on as if nothing was."""
    await Sweep(
        zygote,
        tmp_path,
        scenario.newest_store(tmp_path),
        lambda k, file: [{SUPERVISOR: f"kill:{k}@{file}"}],
        _strict_morning,
    ).walk()


@pytest.mark.parametrize("first", CUT_SHORT.values(), ids=CUT_SHORT)
async def test_a_recovery_killed_anywhere_is_taken_up_again(
    zygote: Zygote, tmp_path: Path, first: str
) -> None:
    """D2: a second crash, at any place of the recovery from the first one."""
    await Sweep(
        zygote,
        tmp_path,
        scenario.newest_store(tmp_path),
        lambda k, file: [{SUPERVISOR: first}, {SUPERVISOR: f"kill:{k}@{file}"}],
        _strict_morning,
        recovery=True,
    ).walk()


async def test_a_recovery_after_a_reboot_killed_anywhere_is_taken_up_again(
    zygote: Zygote, tmp_path: Path
) -> None:
    """D2, D3: the agents died too; prompts they had are not sent again by themselves."""
    await Sweep(
        zygote,
        tmp_path,
        scenario.newest_store(tmp_path),
        lambda k, file: [
            {SUPERVISOR: CUT_SHORT["with a line committed and not spooled"]},
            {SUPERVISOR: f"kill:{k}@{file}"},
        ],
        _morning,
        reboot=True,
        recovery=True,
    ).walk()


async def test_a_keeper_killed_anywhere_costs_its_turn_at_most(
    zygote: Zygote, tmp_path: Path
) -> None:
    """D3, keeper rule 2: its agent dies with it, and what that had got is not sent again."""
    await Sweep(
        zygote,
        tmp_path,
        scenario.newest_store(tmp_path),
        lambda k, file: [{KEEPER: f"kill:{k}@{file}"}],
        _morning,
    ).walk()


@pytest.mark.parametrize("place", ["fork.before", "report.before", "report.after"])
async def test_a_launcher_killed_anywhere_leaves_no_agent_unseen(
    zygote: Zygote, tmp_path: Path, place: str
) -> None:
    """R4: the start fails with a reason or succeeds; nothing runs that nobody knows."""
    await _by_name(zygote, tmp_path, f"launcher.{place}")


@pytest.mark.parametrize("place", ["start.before", "exec.before"])
async def test_an_agent_killed_before_its_exec_is_a_start_that_failed(
    zygote: Zygote, tmp_path: Path, place: str
) -> None:
    """R4: it fails with a reason."""
    await _by_name(zygote, tmp_path, f"child.{place}")


async def _by_name(zygote: Zygote, folder: Path, name: str) -> None:
    sweep = Sweep(
        zygote,
        folder,
        scenario.newest_store(folder),
        lambda k, file: [{KEEPER: f"kill:{name}:{k}@{file}"}],
        _morning,
    )
    await sweep.walk()
    assert sweep.killed[name]


async def test_a_start_killed_anywhere_in_its_migrations_is_taken_up_again(
    zygote: Zygote, tmp_path: Path
) -> None:
    """C9, D1: from the lock over the backup and every migration to the socket, and the end."""
    await Sweep(
        zygote,
        tmp_path,
        scenario.oldest_store(tmp_path),
        lambda k, file: [{SUPERVISOR: f"kill:{k}@{file}"}],
        scenario.only_start,
    ).walk()
