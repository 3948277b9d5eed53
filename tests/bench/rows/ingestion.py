"""How many events a second become committed and searchable, beside SQLite alone."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from quarterdeck.store.schema import prepare
from tests.bench.measured import Limit, Row, row
from tests.bench.stage import Setting, folder, stage
from tests.support.deckhouse import session_in

EVENTS = 100_000
ROUNDS = 3
BATCH = 1000
"""Rows of one transaction, on both sides."""
TABLES = {
    "events": "run_no, seq, type, at, payload",
    "search_blocks": "block_no, run_no, type, first_seq, last_seq",
    "search_text": "rowid, text, tags",
}
DOCUMENTS = """
    SELECT block_no, (
        SELECT group_concat(json_extract(payload, '$.text'), '') FROM events e
        WHERE e.run_no = b.run_no AND e.seq BETWEEN first_seq AND last_seq AND e.type = b.type
    ), 'session project agent type' FROM search_blocks b
"""
"""The index keeps no texts: what it was given is put together again."""
"""What an event becomes: its row, and for most of them a part of a document of the search."""

Rows = dict[str, list[tuple[object, ...]]]


async def measure(setting: Setting) -> list[Row]:
    """Return events a second of whole processes, and of `executemany` on the same rows."""
    events = setting.scaled(EVENTS)
    ours, raw = [], []
    for _ in range(ROUNDS):
        async with stage() as on:
            deck = await on.house.deck()
            (session_id,) = await on.start(deck, f"burst {events}")
            await session_in(deck, session_id, "idle", within=300)
            ours.append(_rate(on.house.places.database, events))
            with closing(sqlite3.connect(on.house.places.database)) as db:
                rows = {
                    table: db.execute(f"SELECT {columns} FROM {table}").fetchall()
                    for table, columns in TABLES.items()
                } | {"search_text": db.execute(DOCUMENTS).fetchall()}
            found, _ = await deck.search("burst", session_id=session_id)
            assert found, "nothing of it is searchable"
        raw.append(await asyncio.to_thread(_raw, rows))
    limit = Limit(least=20_000, least_ratio=0.25)
    reference = row("raw", "events/s", raw).p50
    return [
        row(
            "ingestion: journal to committed and searchable",
            "events/s",
            ours,
            limit=limit,
            reference=reference,
            against="raw executemany",
            note=f"{events:,} chunks that an agent writes at once; keeper, agent and supervisor"
            " share the cores. SQLite alone is given the same rows of events and search. The time"
            " is from the first event's commit to the last one's.",
        )
    ]


def _rate(path: Path, events: int) -> float:
    """Return the rate by the times in the rows: each transaction's events have its time."""
    with closing(sqlite3.connect(path)) as db:
        first, last = db.execute(
            "SELECT min(at), max(at) FROM events WHERE type = 'assistant_message'"
        ).fetchone()
        (said,) = db.execute(
            "SELECT count(*) FROM events WHERE type = 'assistant_message'"
        ).fetchone()
    assert said >= events, f"{events - said} events are missing"
    return events / max((last - first) / 1000, 0.001)


def _raw(rows: Rows) -> float:
    """Return events a second when SQLite alone is given the same rows of all tables."""
    count = len(rows["events"])
    with folder() as root:
        path = root / "raw.db"
        prepare(path)
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA synchronous = NORMAL")
            began = time.monotonic()
            for done in range(0, count, BATCH):
                db.execute("BEGIN")
                for table, columns in TABLES.items():
                    every = rows[table]
                    # As much of each table as of the events.
                    part = every[_share(every, done, count) : _share(every, done + BATCH, count)]
                    marks = ", ".join("?" * len(columns.split(", ")))
                    db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", part)
                db.execute("COMMIT")
            return count / (time.monotonic() - began)


def _share(rows: list[tuple[object, ...]], done: int, count: int) -> int:
    return len(rows) * min(done, count) // count
