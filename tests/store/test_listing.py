"""A9, A10: pages of sessions against a plain model, and how SQLite goes about them."""

import asyncio
import itertools
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiosqlite
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView, to_table
from quarterdeck.model.states import ATTENTION_ORDER, Attention, SessionState, attention
from quarterdeck.store import listing, sessions
from quarterdeck.store.listing import FILTERS, Wanted
from quarterdeck.store.schema import prepare

T = TypeVar("T")
READER = "me"


@dataclass(frozen=True)
class Made:
    """A session as the test makes it."""

    number: int
    state: str
    approvals: int
    pinned: bool
    activity: int
    seen: int
    """How many versions behind the reader's mark is; -1 for no mark."""
    shelf: int
    agent: str
    project: str

    @property
    def session_id(self) -> str:
        return f"ses_{self.number:04d}"

    @property
    def version(self) -> int:
        return self.number + 10

    @property
    def attention(self) -> Attention:
        mark = 0 if self.seen < 0 else self.version - self.seen
        return attention(
            SessionState(self.state),
            open_approvals=self.approvals,
            version=self.version,
            read_version=mark,
        )

    def key(self) -> tuple[int, int, int, str]:
        """Its place: attention, pin, activity, and the id downwards where all are alike."""
        rank = ATTENTION_ORDER[self.attention]
        digits = "".join(chr(ord("9") - int(d)) for d in f"{self.number:04d}")
        return (rank, -int(self.pinned), -self.activity, digits)


made = st.builds(
    Made,
    number=st.integers(0, 400),
    state=st.sampled_from([state.value for state in SessionState]),
    approvals=st.sampled_from([0, 0, 0, 1]),
    pinned=st.booleans(),
    activity=st.integers(1, 6),
    seen=st.sampled_from([-1, 0, 0, 1]),
    shelf=st.sampled_from([0, 0, 0, 1, 2]),
    agent=st.sampled_from(["a", "b"]),
    project=st.sampled_from(["/p", "/q"]),
)
many = st.lists(made, max_size=40, unique_by=lambda m: m.number)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("listing") / "q.db"
    prepare(path)
    return path


def fill(path: Path, rows: list[Made]) -> None:
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("BEGIN")
        db.execute("DELETE FROM readers")
        db.execute("DELETE FROM sessions")
        for row in rows:
            put(db, row)
        db.execute("UPDATE counters SET value = 100000 WHERE name = 'version'")
        db.execute("COMMIT")
    db.close()


def put(db: sqlite3.Connection, row: Made) -> None:
    db.execute(
        "INSERT OR REPLACE INTO sessions (session_id, project, agent, cwd, title, state,"
        " state_since, state_source, open_approvals, pinned, archived_at, deleted_at, version,"
        " created_at, last_activity)"
        " VALUES (?, ?, ?, '/', 't', ?, 1, 'event', ?, ?, ?, ?, ?, 1, ?)",
        (
            row.session_id,
            row.project,
            row.agent,
            row.state,
            row.approvals,
            int(row.pinned),
            1 if row.shelf == 1 else None,
            1 if row.shelf == 2 else None,
            row.version,
            row.activity,
        ),
    )
    if row.seen >= 0:
        db.execute(
            "INSERT OR REPLACE INTO readers VALUES (?, ?, ?, 1)",
            (READER, row.session_id, row.version - row.seen),
        )


def reading(path: Path, work: Callable[[aiosqlite.Connection], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with aiosqlite.connect(path) as db:
            db.row_factory = aiosqlite.Row
            return await work(db)

    return asyncio.run(opened())


def shown(row: Made, state: str) -> bool:
    """Tell by A10's words whether a filter shows a session."""
    if state in ("archived", "deleted"):
        return row.shelf == (1 if state == "archived" else 2)
    rules: dict[str, bool] = {
        "all": True,
        "default": row.attention is not Attention.READ or row.pinned,
        "waiting": row.attention is Attention.WAITING,
        "failed": row.attention is Attention.FAILED,
        "running": row.attention is Attention.ACTIVE,
        "unread": row.attention is Attention.UNREAD,
        "terminal": False,
        "idle": row.state == "idle",
    }
    return row.shelf == 0 and rules[state]


async def pages(
    db: aiosqlite.Connection, wanted: Wanted, limit: int, between: Callable[[], None] = lambda: None
) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page, cursor = await listing.page(db, wanted, cursor=cursor, limit=limit)
        assert len(page) <= limit
        found += [SessionView(*told).session_id for told in page]
        if cursor is None:
            return found
        assert len(page) == limit
        between()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=many, state=st.sampled_from(list(FILTERS)), limit=st.integers(1, 9), data=st.data())
def test_a10_pages_are_the_whole_list_in_order(
    database: Path, rows: list[Made], state: str, limit: int, data: st.DataObject
) -> None:
    """Any filter, agent and project: nothing skipped, nothing twice, A10's order."""
    agent = data.draw(st.sampled_from([None, "a"]))
    project = data.draw(st.sampled_from([None, "/q"]))
    fill(database, rows)
    wanted = Wanted(READER, state, agent, project)
    expected = [
        row.session_id
        for row in sorted(rows, key=Made.key)
        if shown(row, state) and agent in (None, row.agent) and project in (None, row.project)
    ]
    assert reading(database, lambda db: pages(db, wanted, limit)) == expected


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=many, changed=st.lists(made, max_size=20), limit=st.integers(1, 5))
def test_a10_what_does_not_change_is_neither_skipped_nor_repeated(
    database: Path, rows: list[Made], changed: list[Made], limit: int
) -> None:
    """While somebody pages, other sessions come, move and go."""
    fill(database, rows)
    left = list(changed)
    touched = {row.number for row in changed}

    def disturb() -> None:
        if left:
            with sqlite3.connect(database) as db:
                put(db, left.pop())
            db.close()

    found = reading(database, lambda db: pages(db, Wanted(READER, "all"), limit, disturb))
    still = [row for row in sorted(rows, key=Made.key) if row.number not in touched]
    expected = [row.session_id for row in still if shown(row, "all")]
    names = {row.session_id for row in still}
    assert [name for name in found if name in names] == expected


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=many, limit=st.integers(1, 7))
def test_a8_a10_changes_go_by_version_and_counts_agree(
    database: Path, rows: list[Made], limit: int
) -> None:
    fill(database, rows)

    async def work(db: aiosqlite.Connection) -> list[int]:
        found: list[int] = []
        cursor = 0
        while True:
            page, cursor = await listing.changes(db, READER, after_version=cursor, limit=limit)
            if not page:
                break
            found += [SessionView(*told).version for told in page]
            assert cursor == found[-1]
        counts = await listing.counts(db, READER)
        for kind in Attention:
            listed = [row for row in rows if row.shelf == 0 and row.attention is kind]
            assert counts[kind.value] == len(listed)
        return found

    assert reading(database, work) == sorted(row.version for row in rows)


@pytest.mark.parametrize("agent", [None, "a"])
@pytest.mark.parametrize("project", [None, "/p"])
@pytest.mark.parametrize("state", FILTERS)
def test_a10_a_page_walks_an_index_and_sorts_nothing(
    database: Path, state: str, project: str | None, agent: str | None
) -> None:
    """EXPLAIN: no scan of a table and no sorting, for the first page and for later ones."""
    wanted = Wanted(READER, state, agent, project)
    segments = FILTERS[state].segments
    index = "sessions_listed" if project is None else "sessions_of_project"
    with sqlite3.connect(database) as db:
        for at, first in itertools.product(range(len(segments)), (False, True)):
            after = None if first else [1] * (len(segments[at].key) - 1) + ["ses_1"]
            sql, values = listing.page_query(wanted, at, after, 101)
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            walks = [step for step in plan if step.startswith("SEARCH")]
            walked = [step for step in walks if f"INDEX {index} (" in step]
            kept = [step for step in walks if "COVERING INDEX unread_listed (reader=? AND" in step]
            unread = sum(segment.read is False for segment in segments[at:])
            assert len(kept) == unread
            assert len(walked) == len(segments[at:])
            assert not any("TEMP B-TREE" in step for step in plan)
            assert not any(
                step.startswith("SCAN") and not step.startswith(("SCAN (", "SCAN CONSTANT"))
                for step in plan
            ), plan
    db.close()


async def test_a10_a_page_is_one_query(database: Path) -> None:
    """Each more would be a change of threads, which a busy machine makes long."""
    fill(database, [Made(n, "asleep", 0, False, n, 0, 0, "a", "/p") for n in range(9)])
    asked: list[str] = []
    async with aiosqlite.connect(database) as db:
        db.row_factory = aiosqlite.Row
        await db.set_trace_callback(asked.append)
        for state in FILTERS:
            await listing.page(db, Wanted(READER, state))
    assert len(asked) == len(FILTERS)


@pytest.mark.parametrize("marks", ["none", "all", "newest half", "oldest half"])
@pytest.mark.parametrize("state", FILTERS)
def test_a10_a_page_does_not_look_through_what_the_reader_has_read(
    database: Path, state: str, marks: str
) -> None:
    """The work for a page, counted in SQLite's own steps, is far below a look at every session."""
    count = 4000
    rows = [
        Made(n, "running" if n < 200 else "asleep", 0, False, n, seen(n, marks), 0, "a", "/p")
        for n in range(count)
    ]
    fill(database, rows)
    steps = 0

    def counted() -> int:
        nonlocal steps
        steps += 1
        return 0

    async def work(db: aiosqlite.Connection) -> list[SessionView]:
        await db.set_progress_handler(counted, 100)
        found, _ = await listing.page(db, Wanted(READER, state))
        await listing.counts(db, READER)
        return [SessionView(*told) for told in found]

    found = reading(database, work)
    assert steps * 100 < 60 * count, f"{steps * 100} steps for {len(found)} rows"


async def test_a10_a_list_with_nothing_in_it_is_not_walked(database: Path) -> None:
    """Neither for what is unread of a reader who has read all, nor for the read of a new one."""
    fill(database, [Made(n, "asleep", 0, True, n, 0, 0, "a", "/p") for n in range(4000)])
    steps = 0

    def counted() -> int:
        nonlocal steps
        steps += 1
        return 0

    async with aiosqlite.connect(database) as db:
        db.row_factory = aiosqlite.Row
        await db.set_progress_handler(counted, 10)
        found, _ = await listing.page(db, Wanted(READER, "unread"))
        assert (found, steps * 10 < 1000) == ([], True)
        sql, values = listing.page_query(Wanted("somebody new", "all"), 2, None, 101)
        assert (await db.execute_fetchall(sql, values), steps * 10 < 2000) == ([], True)


def seen(number: int, marks: str) -> int:
    """Return how far behind a reader's mark is, or -1 for none."""
    read = {"none": False, "all": True, "newest half": number >= 2000, "oldest half": number < 2000}
    return 0 if read[marks] else -1


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=many, changed=st.lists(made, max_size=20), gone=st.sets(st.integers(0, 400)))
def test_a9_what_is_kept_as_unread_is_what_the_marks_say(
    database: Path, rows: list[Made], changed: list[Made], gone: set[int]
) -> None:
    """Whoever writes sessions and marks, in any order."""
    fill(database, rows)
    with sqlite3.connect(database) as db:
        for row in changed:
            put(db, row)
        for number in gone:
            db.execute("DELETE FROM readers WHERE session_id = ?", (f"ses_{number:04d}",))
        for number in list(gone)[::2]:
            db.execute("DELETE FROM sessions WHERE session_id = ?", (f"ses_{number:04d}",))
        kept = db.execute(
            "SELECT reader, session_id, shelf, pinned, last_activity, project, agent, state,"
            " execution_state FROM unread ORDER BY 1, 2"
        ).fetchall()
        expected = db.execute(
            "SELECT k.reader, s.session_id, shelf, pinned, last_activity, project, agent, state,"
            " execution_state FROM sessions s, known_readers k LEFT JOIN readers r"
            " ON r.reader = k.reader AND r.session_id = s.session_id"
            " WHERE s.urgency = 0 AND s.version > COALESCE(r.version, 0) ORDER BY 1, 2"
        ).fetchall()
    db.close()
    assert kept == expected


def test_a10_a_forged_cursor_is_refused(database: Path) -> None:
    """Also one that has the right fingerprint and nonsense for its key."""
    import base64
    import json

    wanted = Wanted(READER, "all")
    print_ = wanted.fingerprint()
    for key in (
        [print_, 0, [1]],
        [print_, 9, [1, 1, "x"]],
        [print_, True, [1, 1, "x"]],
        [print_, 1, [1, "1", "x"]],
        [print_, 1, [1, 2**70, "x"]],
        [print_],
        7,
    ):
        cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
        with pytest.raises(QuarterdeckError, match="cursor"):
            reading(database, lambda db, cursor=cursor: listing.page(db, wanted, cursor=cursor))


def test_a10_a_page_has_the_members_of_each_session_in_their_order(database: Path) -> None:
    """A page is written without a record between, and reads back as what `session.get` tells."""
    fill(database, [Made(n, "idle", n % 2, n % 3 == 0, n, 0, 0, "a", "/p") for n in range(9)])
    page, _ = reading(database, lambda db: listing.page(db, Wanted(READER, "all"), limit=5))
    read = SessionView.from_table(json.loads(json.dumps(to_table(SessionView, page))))
    for view in read:
        of = view.session_id
        assert view == reading(database, lambda db, of=of: sessions.view(db, of, READER))
    assert len(read) == 5
