"""A page of events of chosen types: complete, in order, and read through the indexes (A11)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import aiosqlite
import pytest

from quarterdeck.model.event_types import OUTPUT_TYPES, EventType
from quarterdeck.store import events
from quarterdeck.store.schema import prepare

SHOWN = OUTPUT_TYPES | {EventType.TOOL_CALL, EventType.USER_MESSAGE}
KINDS = [*EventType]


def filled(path: Path, count: int) -> None:
    """Put events of every type in turn into one run."""
    prepare(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        columns = {row[1]: row for row in db.execute("PRAGMA table_info(runs)")}
        given = {"run_id": "run_1", "last_event_seq": count, "run_no": 1}
        for name, (_, _, kind, needed, default, _) in columns.items():
            if needed and default is None and name not in given:
                given[name] = 0 if kind == "INTEGER" else "x"
        marks = ", ".join("?" * len(given))
        db.execute(f"INSERT INTO runs ({', '.join(given)}) VALUES ({marks})", (*given.values(),))
        rows = [(1, n, KINDS[n % len(KINDS)].value, n, "{}") for n in range(1, count + 1)]
        db.executemany(
            "INSERT INTO events (run_no, seq, type, at, payload) VALUES (?, ?, ?, ?, ?)", rows
        )
        db.commit()


@pytest.mark.parametrize(
    "types",
    [SHOWN, {EventType.TOOL_CALL}, {EventType.THOUGHT, EventType.DIFF}, frozenset(EventType)],
    ids=["output and calls", "one", "frequent and rare", "all"],
)
async def test_pages_of_some_types_are_complete_and_in_order(tmp_path: Path, types):
    filled(tmp_path / "q.db", 500)
    found: list[tuple[int, str]] = []
    cursor, pages = 0, 0
    async with aiosqlite.connect(tmp_path / "q.db") as db:
        db.row_factory = sqlite3.Row
        while cursor < 500:
            page, cursor = await events.page(db, "run_1", after_seq=cursor, limit=9, types=types)
            assert len(page) <= 9
            found += [(view.seq, view.type) for view in page]
            pages += 1
    wanted = [(n, KINDS[n % len(KINDS)]) for n in range(1, 501) if KINDS[n % len(KINDS)] in types]
    assert found == wanted
    assert pages <= len(wanted) // 9 + 1


def test_a_page_of_output_and_tool_calls_reads_only_what_it_returns(tmp_path: Path):
    prepare(tmp_path / "q.db")
    query, branches = events.typed_query(SHOWN, 200)
    with closing(sqlite3.connect(tmp_path / "q.db")) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", (1, 5, 10) * branches).fetchall()
    said = [row[3] for row in plan]
    searches = [line for line in said if line.startswith("SEARCH")]
    assert searches == [
        "SEARCH events USING INDEX events_output (run_no=? AND seq>? AND seq<?)",
        "SEARCH events USING COVERING INDEX events_rare (run_no=? AND type=? AND seq>? AND seq<?)",
        "SEARCH events USING COVERING INDEX events_rare (run_no=? AND type=? AND seq>? AND seq<?)",
        "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
    ]
    assert not any(line.startswith("SCAN events") for line in said)
