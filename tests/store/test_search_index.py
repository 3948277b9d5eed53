"""The search index over blocks of a message: sizes, boundaries, rollback, removal, plans."""

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store import checking, search, search_index
from quarterdeck.store.search_index import BLOCK_CHARS, BLOCK_PIECES, RunIndex
from quarterdeck.store.search_query import parse
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx

AT = 1_763_600_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "q.db")

    async def work(tx: Tx) -> None:
        await tx.run(
            "INSERT INTO sessions (session_id, project, agent, cwd, title, state, state_since,"
            " state_source, created_at, last_activity)"
            " VALUES ('ses_1', '/p', 'a', '/p', 'T', 'closed', 0, 'request', 0, 0)"
        )
        await tx.run(
            "INSERT INTO runs (run_no, run_id, session_id, number, state, via, created_at)"
            " VALUES (1, 'run_1', 'ses_1', 1, 'completed', 'new', 0)"
        )

    await opened.write(work)
    yield opened
    await opened.close()


def piece(text: str, message: str | None = None) -> tuple[str, str]:
    told = {"text": text} if message is None else {"text": text, "message_id": message}
    return "assistant_message", json.dumps(told)


async def put(
    store: Store, *events: tuple[str, str], index: RunIndex | None = None, growing: bool = False
) -> RunIndex:
    """Store events and index them as one transaction; without `index`, as after a restart."""

    async def work(tx: Tx) -> RunIndex:
        known = index or await RunIndex.open(tx.db, 1)
        while await known.catch_up(tx):
            pass
        rows = [
            (known.seq + n, kind, AT + known.seq + n, p) for n, (kind, p) in enumerate(events, 1)
        ]
        await tx.many(
            "INSERT INTO events (run_no, seq, type, at, payload) VALUES (1, ?, ?, ?, ?)", rows
        )
        await tx.run("UPDATE runs SET last_event_seq = (SELECT max(seq) FROM events)")
        known.take(rows)
        await search_index.write(tx, [known], growing=growing)
        return known

    return await store.write(work)


async def found(store: Store, query: str) -> list[int]:
    hits, _ = await search.page(store.reading, search.Search(query), limit=100)
    return [hit.seq for hit in hits]


END = ("terminal_status", '{"stop_reason": "end_turn"}')


async def test_a_phrase_over_the_border_of_two_blocks_is_found(store: Store) -> None:
    filler = [piece(f"word{n % 7} ") for n in range(BLOCK_PIECES * 2)]
    filler[BLOCK_PIECES - 1] = piece("elephan")
    filler[BLOCK_PIECES] = piece("tine memory ")
    await put(store, *filler, END)
    rows = await store.reading.execute_fetchall("SELECT * FROM search_blocks")
    assert len(list(rows)) >= 2
    assert await found(store, '"elephantine memory"') == [BLOCK_PIECES]


async def test_large_pieces_make_small_blocks(store: Store) -> None:
    big = "x " * (BLOCK_CHARS // 2)
    await put(store, piece(f"{big} hippo"), piece(f"potamus {big}"), piece("end"), END)
    assert await found(store, "hippopotamus") == [1]
    assert await found(store, "end") == [3]


async def test_messages_are_not_joined_and_reports_between_pieces_do_not_part(store: Store) -> None:
    usage = ("usage", '{"used": 1, "size": 2}')
    await put(store, piece("hip", "m1"), usage, piece("po ", "m1"), piece("mouse", "m2"), END)
    assert await found(store, "hippo") == [1]
    assert await found(store, '"hippo mouse"') == []
    assert await found(store, "hippomouse") == []


async def test_a_message_goes_on_after_a_restart(store: Store) -> None:
    """A growing block is taken out with the words it had, and put in again whole."""
    await put(store, piece("hip"), growing=True)
    assert await found(store, "hip") == [1]
    await put(store, piece("po"), growing=True)
    await put(store, piece("potamus"))
    await put(store, END)
    assert await found(store, "hippopotamus") == [1]
    assert await found(store, "hip") == await found(store, "hippo") == []
    assert checking.check(await path_of(store)) == []


async def path_of(store: Store) -> Path:
    rows = list(await store.reading.execute_fetchall("PRAGMA database_list"))
    return Path(rows[0][2])


async def test_a_rolled_back_transaction_leaves_no_words(store: Store) -> None:
    async def fails(tx: Tx) -> None:
        index = await RunIndex.open(tx.db, 1)
        index.take([(1, "error", AT, '{"message": "never"}')])
        await search_index.write(tx, [index])
        raise QuarterdeckError("stale", "no")

    with pytest.raises(QuarterdeckError):
        await store.write(fails)
    assert await found(store, "never") == []
    await put(store, ("error", '{"message": "ever"}'))
    assert await found(store, "ever") == [1]


async def test_more_events_of_a_millisecond_than_numbers_for_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "_MS_SHIFT", 2)
    rows = [(n, "error", AT, '{"message": "same time"}') for n in range(1, 10)]
    rows.append((10, "error", AT + 1, '{"message": "later"}'))

    async def work(tx: Tx) -> None:
        await tx.many(
            "INSERT INTO events (run_no, seq, type, at, payload) VALUES (1, ?, ?, ?, ?)", rows
        )
        for row in rows:
            index = RunIndex(1, "", 0)
            index.take([row])
            await search_index.write(tx, [index])

    await store.write(work)
    assert sorted(await found(store, "same")) == list(range(1, 10))
    assert await found(store, "later") == [10]


async def test_a_forgotten_run_leaves_nothing_in_the_index(store: Store) -> None:
    await put(store, *[piece(f"needle{n} ") for n in range(50)], growing=True)
    await put(store, ("command_output", '{"text": "needle too"}'), piece("hay"), END)
    await store.write(lambda tx: search_index.forget_run(tx, 1))
    with sqlite3.connect(await path_of(store)) as db:
        db.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'search_text', 'row')")
        assert db.execute("SELECT term FROM words").fetchall() == []
        assert db.execute("SELECT count(*) FROM search_text_docsize").fetchone() == (0,)
    db.close()


async def test_a_lone_surrogate_is_no_obstacle(store: Store) -> None:
    await put(store, piece("half \ud83d pair"), ("error", '{"message": "a \\udc00 b"}'))
    assert await found(store, "pair") == [1]
    assert await found(store, '"a"') == [2]


async def test_the_first_page_costs_no_sort_and_no_scan(store: Store) -> None:
    """Newest first comes from the index's own order; blocks, runs, sessions by their keys."""
    values = {"match": "x", "since": 0, "before": 1, "limit": 1, "score": 0.0, "after": 0}
    for sql, sorts in ((search._NEWEST, 0), (search._RANKED, 1)):
        plan = await store.reading.execute_fetchall(f"EXPLAIN QUERY PLAN {sql}", values)
        steps = [row[3] for row in plan]
        assert sum("TEMP B-TREE" in step for step in steps) == sorts, steps
        assert not {"SCAN b", "SCAN r", "SCAN s"} & set(steps), steps


def test_a_query_is_words_phrases_and_beginnings() -> None:
    terms = parse('Two words "a  Phrase" begin* "to the e"* foo_bar.baz')
    assert [(term.words, term.prefix) for term in terms] == [
        (("two",), False),
        (("words",), False),
        (("a", "phrase"), False),
        (("begin",), True),
        (("to", "the", "e"), True),
        (("foo", "bar", "baz"), False),
    ]
