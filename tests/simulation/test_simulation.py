"""A supervisor lives through 500 seeds of chaos and loses nothing (R, D1-D5, A2, A4, A12, D9)."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.campaign import play, scratch
from tests.simulation.planted import PLANTED
from tests.simulation.world import STORMS

SEEDS = int(os.environ.get("QUARTERDECK_SIM_SEEDS", "500"))
BATCHES = 10
BUG_SEEDS = 80
"""Within so many seeds a planted bug must be found."""
RARE_SEEDS = {"flood_not_heeded": 400}
"""More for what needs something rare: a bell that is full just before its agent falls silent."""
STORMY_SEEDS = 8


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    gc.collect()
    gc.freeze()  # what is imported by now need not be looked at again after each seed
    with scratch() as made:
        yield made
    gc.unfreeze()


def _lives(seed: int, folder: Path) -> tuple[int, int]:
    outcome = play(seed, folder)
    assert not outcome.violations, str(outcome)
    return outcome.crashes, outcome.sizes["keepers"]


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_nothing_is_lost_and_nothing_comes_twice(batch: int, folder: Path) -> None:
    """R, D1-D5: whatever dies, whenever; a failing seed is printed and replays exactly."""
    crashes, keepers = zip(*(_lives(n, folder) for n in range(batch, SEEDS, BATCHES)), strict=True)
    assert sum(keepers) > len(keepers), "hardly an agent ran: this shows nothing"
    if len(crashes) >= 20:
        assert sum(crashes) > len(crashes) / 3, "hardly a crash: this shows nothing"


@pytest.mark.parametrize("storm", STORMS)
def test_what_was_found_once_stays_mended(storm: str, folder: Path) -> None:
    """Losses of power after a prompt was handed over, and full disks while recovering (R, D2)."""
    for seed in range(STORMY_SEEDS):
        outcome = play(seed, folder, storm=storm)
        assert not outcome.violations, str(outcome)


@pytest.mark.parametrize("seed", [3, 16])
def test_a_seed_replays_exactly(seed: int, folder: Path) -> None:
    first, second = play(seed, folder, tell=True), play(seed, folder, tell=True)
    assert first.told and first.told == second.told
    assert first.history == second.history
    assert play(seed + 1, folder).history != first.history


def test_a_seed_replays_exactly_in_another_process_with_another_hash_seed() -> None:
    def history(hash_seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seeds", "1", "--start", "16"],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()[0]

    assert history("1") == history("2")


@pytest.mark.slow
@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, folder: Path) -> None:
    """The simulation can fail: each of these is found within a few seeds."""
    seeds = RARE_SEEDS.get(bug, BUG_SEEDS)
    for seed in range(seeds):
        if play(seed, folder, bug=bug).violations:
            return
    pytest.fail(f"{bug} was not found within {seeds} seeds")
