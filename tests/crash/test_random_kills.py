"""kill -9 of supervisor, keeper, agent and client at random moments, in one world, many times.

`QUARTERDECK_KILL_ROUNDS=1000` makes it longer, `QUARTERDECK_KILL_SEED=N` makes the same choices
again; which moment they meet is up to the machine.
"""

import os
import random

import pytest

from tests.crash.kill_world import KillWorld
from tests.support.deckhouse import Deckhouse

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("QUARTERDECK_KILL_ROUNDS", "100"))


async def test_random_kills_lose_nothing_and_double_nothing(deckhouse: Deckhouse) -> None:
    """R2, R3, A2, D1-D5, V5: the promise of DESIGN §4, whoever is killed and when."""
    seed = int(os.environ.get("QUARTERDECK_KILL_SEED", random.randrange(10**6)))
    print(f"QUARTERDECK_KILL_SEED={seed} QUARTERDECK_KILL_ROUNDS={ROUNDS}")
    world = KillWorld(deckhouse, seed)
    try:
        await world.begin()
        for number in range(ROUNDS):
            await world.round(number)
        await world.finish()
    finally:
        world.close()
        print(f"killed: {dict(world.killed)}")
