"""How long pages of the store take with 10,000 sessions and 1,000,000 events in it.

    python -m tests.bench.store_pages [--sessions N] [--events N] [--seed N] [--rounds N]

Each thing is measured as a call on the store, and, where clients ask for it, as a whole call
through the supervisor's socket. Times are milliseconds; a row over its budget at the median is
marked. Figures are of the machine they were taken on, and of a store that is in the page cache.
"""

import argparse
import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosqlite

from quarterdeck.client.deck import Deck
from quarterdeck.model.places import Places
from quarterdeck.store import events, listing, search, sessions
from quarterdeck.store.listing import FILTERS, Wanted
from quarterdeck.store.search import Search
from quarterdeck.store.store import Store
from tests.bench import filling
from tests.bench.filling import Filled, fill

LIST_MS = TRACE_MS = 5.0
OPEN_MS = 300.0
SEARCH_MS = 100.0
READERS = ("nothing", "everything", "newest half", "oldest half")
"""What each of them has read."""

Call = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured: its budget and what it took, in milliseconds."""

    name: str
    budget: float
    p50: float
    p99: float
    cpu: float
    """The median of what this process worked, which a busy machine changes less."""
    cpu_p99: float
    rounds: int

    def __str__(self) -> str:
        mark = "" if self.p50 <= self.budget else "  OVER"
        times = f"{self.p50:9.2f} {self.p99:9.2f} {self.cpu:9.2f} {self.cpu_p99:9.2f}"
        return f"{self.name:58} {self.budget:6.0f} {times}{mark}"


async def measure(name: str, budget: float, call: Call, rounds: int) -> Row:
    """Call so many times, after once for warming up, and return what it took."""
    await call()
    took, worked = [], []
    for _ in range(rounds):
        begun, working = time.perf_counter(), time.process_time()
        await call()
        took.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - working) * 1000)
    took.sort()
    worked.sort()
    half, late = rounds // 2, min(rounds - 1, rounds * 99 // 100)
    return Row(name, budget, took[half], took[late], worked[half], worked[late], rounds)


def mark_readers(path: Path) -> None:
    """Give each reader the marks that their name says."""
    chosen = {
        "everything": "SELECT session_id, version FROM sessions",
        "newest half": "SELECT session_id, version FROM sessions ORDER BY last_activity DESC"
        " LIMIT (SELECT count(*) / 2 FROM sessions)",
        "oldest half": "SELECT session_id, version FROM sessions ORDER BY last_activity"
        " LIMIT (SELECT count(*) / 2 FROM sessions)",
    }
    with closing(sqlite3.connect(path)) as db:
        for reader, query in chosen.items():
            found = db.execute(query).fetchall()
            db.executemany(
                "INSERT INTO readers VALUES (?, ?, ?, 1)", [(reader, *row) for row in found]
            )
        db.commit()


def searches(filled: Filled) -> dict[str, dict[str, Any]]:
    """Return what is looked for, by what it is called."""
    half = filling.BEGIN_MS + 500 * 1_000_000
    return {
        "rare word": {"query": filling.RARE},
        "common word": {"query": filling.COMMON},
        "phrase": {"query": f'"{filling.PHRASE}"'},
        "prefix of two letters": {"query": f"{filling.PREFIX}*"},
        "prefix of one letter": {"query": "t*"},
        "prefix of four letters": {"query": "anch*"},
        "common word, one session": {"query": filling.COMMON, "session_id": filled.longest},
        "common word, one agent": {"query": filling.COMMON, "agent": filling.AGENTS[0]},
        "common word, type diff": {"query": filling.COMMON, "types": ("diff",)},
        "common word, since a date": {"query": filling.COMMON, "since": half},
        "prefix, one project": {
            "query": f"{filling.PREFIX}*",
            "project": "/home/me/project3",
        },
    }


async def store_rows(path: Path, filled: Filled, rounds: int) -> list[Row]:
    """Measure calls on the store itself."""

    async def opened() -> None:
        store = await Store.open(path)
        await listing.page(store.reading, Wanted("everything"))
        await store.close()

    found = [await measure("open the store, first page of the list", OPEN_MS, opened, 5)]
    store = await Store.open(path)
    db = store.reading
    for reader in READERS:
        for state in FILTERS:
            wanted = Wanted(reader, state)
            name = f"list {state}, {reader} read"
            found.append(await measure(name, LIST_MS, lambda w=wanted: listing.page(db, w), rounds))
            _, cursor = await listing.page(db, wanted)
            if cursor is not None:
                found.append(
                    await measure(
                        f"{name}, second page",
                        LIST_MS,
                        lambda w=wanted, c=cursor: listing.page(db, w, cursor=c),
                        rounds,
                    )
                )
        wanted = Wanted(reader, "all", filling.AGENTS[0], "/home/me/project3")
        name = f"list all of an agent in a project, {reader} read"
        found.append(await measure(name, LIST_MS, lambda w=wanted: listing.page(db, w), rounds))

    async def session() -> None:
        view = await sessions.view(db, filled.longest, "everything")
        assert view.run_id is not None
        await events.page(db, view.run_id)

    found.append(await measure("open a session: it and its first page", OPEN_MS, session, rounds))
    for name, asked in searches(filled).items():
        for order in ("newest", "relevance"):
            look = Search(**asked, order=order)
            title = f"search {name}, {order} first"
            found.append(await measure(title, SEARCH_MS, lambda s=look: search.page(db, s), rounds))
    await store.close()
    return found


async def trace_rows(path: Path, run_id: str, count: int, rounds: int) -> list[Row]:
    """Measure pages of one run of so many events: of its beginning, its middle and its end."""
    found = []
    async with aiosqlite.connect(path) as db:
        db.row_factory = aiosqlite.Row
        for place, after in (("start", 0), ("middle", count // 2), ("end", count - 100)):
            for what in ("trace", "output"):
                found.append(
                    await measure(
                        f"{what} of a run of {count} events, {place}",
                        TRACE_MS,
                        lambda a=after, w=what: events.page(
                            db, run_id, after_seq=a, output=w == "output"
                        ),
                        rounds,
                    )
                )
    return found


@contextmanager
def supervisor(places: Places) -> Iterator[None]:
    """Run a supervisor on a state directory."""
    environment = os.environ | {
        "QUARTERDECK_STATE_DIR": str(places.state),
        "QUARTERDECK_CONFIG_DIR": str(places.config),
    }
    program = [sys.executable, "-P", "-m", "quarterdeck.supervisor", "--foreground"]
    running = subprocess.Popen(program, env=environment, stderr=subprocess.DEVNULL)
    try:
        while not places.socket.exists():
            time.sleep(0.01)
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait()


async def socket_rows(places: Places, filled: Filled, rounds: int) -> list[Row]:
    """Measure whole calls: from the client, over the socket, and back into records.

    What the supervisor does by itself when it starts, such as checking the store, is over by then.
    """
    found = []
    deck = await Deck.connect(places, reader="everything", client="bench", start=False)
    while (await deck.store_stats())["last_trim"] is None:  # noqa: ASYNC110 - nobody is told of it
        await asyncio.sleep(0.05)
    await deck.close()
    for reader in READERS:
        deck = await Deck.connect(places, reader=reader, client="bench", start=False)
        try:
            for state in FILTERS:
                name = f"socket: list {state}, {reader} read"
                found.append(
                    await measure(
                        name, LIST_MS, lambda d=deck, s=state: d.sessions(state=s), rounds
                    )
                )
        finally:
            await deck.close()
    deck = await Deck.connect(places, reader="everything", client="bench", start=False)

    async def session() -> None:
        await deck.session(filled.longest)
        await deck.events(filled.longest)

    try:
        last = (await deck.session(filled.longest)).last_event_seq
        for place, after in (("start", 0), ("middle", last // 2), ("end", last - 100)):
            found.append(
                await measure(
                    f"socket: trace of a run of {last} events, {place}",
                    TRACE_MS,
                    lambda a=after: deck.events(filled.longest, after_seq=a),
                    rounds,
                )
            )
        found.append(await measure("socket: open a session", OPEN_MS, session, rounds))
        for name, asked in searches(filled).items():
            if "since" not in asked:
                title = f"socket: search {name}"
                found.append(
                    await measure(title, SEARCH_MS, lambda a=asked: deck.search(**a), rounds)
                )
    finally:
        await deck.close()
    return found


def rows(
    *, count: int = 10_000, events: int = 1_000_000, seed: int = 1, rounds: int = 30
) -> list[Row]:
    """Fill stores in a directory of their own, and measure.

    Args:
        count: How many sessions.
        events: How many events in all; also how many the long run of a second store has.
        seed: Of what they are filled with.
        rounds: How often each call is made.
    """
    with tempfile.TemporaryDirectory(prefix="qd-bench-") as name:
        places = Places(Path(name) / "state", Path(name) / "config")
        for folder in (places.state, places.config):
            folder.mkdir(mode=0o700)
        filled = fill(places.database, sessions=count, events=events, seed=seed)
        mark_readers(places.database)
        found = asyncio.run(store_rows(places.database, filled, rounds))
        with supervisor(places):
            found += asyncio.run(socket_rows(places, filled, rounds))
        for many in (1_000, events):
            path = Path(name) / f"run{many}.db"
            run = fill(path, sessions=1, events=many, seed=seed, indexed=False).runs[0]
            found += asyncio.run(trace_rows(path, run, many, rounds))
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    head = f"{'what':58} {'budget':>6} {'p50':>9} {'p99':>9} {'cpu':>9} {'cpu p99':>9}"
    print(f"{head}   load {os.getloadavg()[0]:.1f}")
    for row in rows(
        count=given.sessions, events=given.events, seed=given.seed, rounds=given.rounds
    ):
        print(row)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
