"""Where the production modules touch the world outside: in the simulation's hands."""

import asyncio
import contextlib
import itertools
import os
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from quarterdeck.agents import holding, keeper_files, keeper_sockets, process
from quarterdeck.model import clock, ids
from quarterdeck.rpc.connection import Connection
from quarterdeck.store import store
from quarterdeck.supervisor import file_watch, ingestion, origin

if TYPE_CHECKING:
    from tests.simulation.world import World

EPOCH_SECONDS = 1_800_000_000


def _time(world: "World") -> Any:
    return types.SimpleNamespace(
        time_ns=lambda: int((EPOCH_SECONDS + world.loop.now) * 1_000_000_000),
        monotonic_ns=lambda: int(world.loop.now * 1_000_000_000),
        strftime=clock.time.strftime,
        localtime=clock.time.gmtime,
    )


def _randomness(world: "World") -> Any:
    return types.SimpleNamespace(urandom=world.rng.randbytes)


def _serial_hash() -> Callable[[Any], int]:
    serials = itertools.count(1)

    def serial(self: Any) -> int:
        return self.__dict__.setdefault("_serial", next(serials))

    return serial


async def _no_news(*given: Any) -> None:
    """Stand in for a watcher of files: its threads are no part of the simulated world."""
    await asyncio.Event().wait()


@contextlib.contextmanager
def simulated(world: "World") -> Iterator[None]:
    """Have the production modules live in `world`; afterwards all is as it was."""
    seams: list[tuple[Any, str, Any]] = [
        (clock, "time", _time(world)),
        (clock, "_STEADY_AHEAD_MS", EPOCH_SECONDS * 1000),
        (ids, "time", _time(world)),
        (ids, "os", _randomness(world)),
        (os, "getpid", world.getpid),
        (Connection, "__hash__", _serial_hash()),
        (store, "_connect", world.connect_store),
        (origin, "look", lambda *given: None),
        (file_watch, "watch", _no_news),
        (ingestion, "Bell", world.bell),
        (holding, "_launch", world.launch),
        (keeper_sockets, "_tell", world.tell),
        (keeper_files, "_write_all", world.write_all),
        (process, "boot_id", lambda: world.boot),
        (process, "identify", world.identify),
        (process, "is_alive", world.is_alive),
        (process, "watch", world.watch),
        (process, "survivors_by_run", world.survivors_by_run),
        (process, "sweep", world.sweep),
    ]
    before = [(where, name, getattr(where, name)) for where, name, _ in seams]
    try:
        for where, name, made in seams:
            setattr(where, name, made)
        yield
    finally:
        for where, name, made in before:
            setattr(where, name, made)
