"""One seed after the other: a world lives through chaos, comes to rest, and is checked."""

import argparse
import asyncio
import contextlib
import functools
import gc
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quarterdeck.store.schema import prepare
from tests.simulation import checks, planted, seams
from tests.simulation.clients import Client, Memory
from tests.simulation.world import STORMS, World

STEPS_MOST = 150_000
CALM_SECONDS = 60.0


@dataclass
class Outcome:
    """What became of a seed."""

    seed: int
    violations: list[str]
    history: str
    steps: int
    crashes: int
    sizes: dict[str, int] = field(default_factory=dict)
    told: list[str] | None = None
    weather: str | None = None
    """The storm that was not drawn by the seed."""

    def __str__(self) -> str:
        found = "\n  ".join(self.violations) or "nothing"
        weather = "" if self.weather is None else f" --storm {self.weather}"
        return (
            f"seed {self.seed}: {found}\n"
            f"replay: python -m tests.simulation --start {self.seed} --seeds 1{weather}"
        )


@functools.cache
def _template(folder: Path) -> Path:
    path = folder / "template.db"
    prepare(path)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder, in memory where there is such a place; its path has always the same length."""
    memory = Path("/dev/shm")
    base = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    folder = base / f"quarterdeck-simulation-{os.getpid():010d}"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _template.cache_clear()


def play(
    seed: int,
    folder: Path,
    *,
    bug: str | None = None,
    storm: str | None = None,
    tell: bool = False,
) -> Outcome:
    """Live through one seed and check it.

    Args:
        seed: Where every choice comes from.
        folder: The scratch folder.
        bug: One of `planted.PLANTED`, in place of the product as it is; some bring their weather.
        storm: What the world suffers from most, one of `world.STORMS`; else the seed says.
        tell: Keep the whole history.
    """
    storm = storm or planted.STORMY.get(bug or "")
    world = World(seed, folder / "world", _template(folder), storm)
    if tell:
        world.told = []
    memory = Memory()
    gc.collect()
    gc.disable()
    was_propagating = logging.getLogger("quarterdeck").propagate
    logging.getLogger("quarterdeck").propagate = False
    asyncio.events._set_running_loop(world.loop)
    world.live_context()
    steps = 0
    try:
        with seams.simulated(world), _planted(bug):
            steps = _live(world, memory)
    finally:
        world.end()
        logging.getLogger("quarterdeck").propagate = was_propagating
        outcome = Outcome(
            seed,
            world.violations + [f"fault: {fault}" for fault in world.loop.faults],
            world.history.hexdigest(),
            steps,
            len(world.supervisors) - 1,
            {"keepers": len(world.keepers), "power": world.power_losses},
            world.told,
            storm,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of what was never begun
            _bury(world)
        asyncio.events._set_running_loop(None)
        gc.enable()
    return outcome


@contextlib.contextmanager
def _planted(bug: str | None) -> Iterator[None]:
    before: list[tuple[Any, str, Any]] = []

    def put(where: Any, name: str, made: Any) -> None:
        before.append((where, name, vars(where)[name]))
        setattr(where, name, made)

    try:
        if bug is not None:
            planted.PLANTED[bug](put)
        yield
    finally:
        for where, name, made in before:
            setattr(where, name, made)


def _bury(world: World) -> None:
    """Close what the dead left half done, without a word: nothing of it has an effect."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: None
    try:
        for task in world.loop.tasks:
            if not task.done():
                with contextlib.suppress(BaseException):
                    task.get_coro().close()
        world.loop.tasks.clear()
        world.loop._ready.clear()
        world.loop._scheduled.clear()
        world.loop.close()
    finally:
        sys.unraisablehook = hook


def _live(world: World, memory: Memory) -> int:
    rng, fate = world.rng, world.fate
    crash = world.crash

    def crash_and_check() -> None:
        powers = world.power_losses
        crash()
        if world.power_losses != powers:
            memory.forget_unsure()
        checks.always(world, memory)

    world.crash = crash_and_check  # type: ignore[method-assign]
    fate.soon(world.start_supervisor)
    clients = [Client(world, memory, number + 1) for number in range(rng.choice((1, 2, 3)))]
    for client in clients:
        client.work(rng.choice((4, 8, 16)))
    length = rng.choice((2.0, 4.0, 8.0))
    for harm in (world.kill_some_keeper, world.kill_some_agent, world.fill_disk):
        if rng.random() < 0.35:
            fate.later(rng.random() * length, harm)
    for _ in range(6 if world.storm == "disk" else 0):
        fate.later(rng.random() * length, world.fill_disk)
    steps = _steps(world, lambda: world.loop.now < length, length)
    checks.always(world, memory)
    _calm(world)
    steps += _rest(world, Client(world, memory, 9))
    checks.when_quiet(world, memory)
    if rng.random() < 0.3 and not world.violations:
        # Once more with nothing under way: what is at rest must be found as it was.
        world.powerful = False
        world.crash()
        steps += _rest(world, Client(world, memory, 10))
        checks.when_quiet(world, memory)
    return steps


def _calm(world: World) -> None:
    world.calm = True
    world.free_disk()
    for process in world.supervisors:
        process.fatal_step = None


def _rest(world: World, tidier: Client) -> int:
    """Let all that is under way come to its end."""
    tidier.process.start(tidier.tidy())
    horizon = world.loop.now + CALM_SECONDS
    steps = _steps(world, lambda: True, horizon)
    world.loop.now = horizon
    if not tidier.done:
        world.violation("a client in the calm was not answered")
    return steps


def _steps(world: World, go_on: Callable[[], bool], horizon: float) -> int:
    steps = 0
    step = world.loop.step
    while go_on() and step(horizon):
        steps += 1
        if steps > STEPS_MOST:
            world.violation(f"still busy after {steps} steps")
            break
    return steps


def main(arguments: list[str]) -> int:
    """Play many seeds; 1 if one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--history", action="store_true", help="print the whole history")
    parser.add_argument("--bug", choices=planted.PLANTED, help="plant a bug")
    parser.add_argument("--storm", choices=STORMS, help="in this weather only")
    parser.add_argument("--go-on", action="store_true", help="go on after a finding")
    asked = parser.parse_args(arguments)
    began, played, steps, crashes, found = time.monotonic(), 0, 0, 0, 0
    with scratch() as folder:
        gc.freeze()
        for seed in range(asked.start, asked.start + asked.seeds):
            outcome = play(seed, folder, bug=asked.bug, storm=asked.storm, tell=asked.history)
            played, steps, crashes = played + 1, steps + outcome.steps, crashes + outcome.crashes
            if asked.history:
                print("\n".join(outcome.told or []))
            if outcome.violations:
                found += 1
                print(outcome, flush=True)
                if not asked.go_on:
                    break
            if asked.seeds == 1:
                print(outcome.history, outcome.sizes)
    seconds = time.monotonic() - began
    print(f"{played} seeds, {steps} steps, {crashes} crashes, {seconds:.1f} s")
    return 1 if found else 0
