"""Finding the rarer events of a run reads the index and not the run (A11)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quarterdeck.model.event_types import EventType
from quarterdeck.store import event_finding
from quarterdeck.store.schema import prepare


@pytest.mark.parametrize("sign", [">", "<"])
@pytest.mark.parametrize("kind", [EventType.ERROR, EventType.TOOL_CALL, EventType.PLAN])
def test_a_rare_type_is_looked_up_in_its_own_index(tmp_path: Path, kind: EventType, sign: str):
    path = tmp_path / "q.db"
    prepare(path)
    query = event_finding._union([kind], sign)
    with closing(sqlite3.connect(path)) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", (1, kind.value, 5)).fetchall()
    assert [row[3] for row in plan] == [
        f"SEARCH events USING COVERING INDEX events_rare (run_no=? AND type=? AND seq{sign}?)"
    ]


def test_a_frequent_type_is_read_in_order_of_seq(tmp_path: Path):
    path = tmp_path / "q.db"
    prepare(path)
    query = event_finding._union([EventType.THOUGHT], ">")
    with closing(sqlite3.connect(path)) as db:
        plan = db.execute(f"EXPLAIN QUERY PLAN {query}", (1, "thought", 5)).fetchall()
    assert [row[3] for row in plan] == ["SEARCH events USING INDEX events_seq (run_no=? AND seq>?)"]
