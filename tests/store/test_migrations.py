"""C9: a store of every earlier schema comes to the newest with its data, whatever interrupts it."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from quarterdeck.store import checking
from quarterdeck.store.schema import migrations, prepare, statements

FIXTURES = Path(__file__).with_name("fixtures")
NUMBERS = [number for number, _ in migrations()]
EARLIER = NUMBERS[:-1]

RENAMED = {4: {("sessions", "approval_mode"): {"ask": "normal"}}}
"""Values that a migration means to change: its number, table and column, old and new."""

EMPTIED = {9: ("search_blocks",)}
"""Tables that a migration empties, as what they hold is made anew from the events."""

KILLED = """
import os, signal, sys
from pathlib import Path
from quarterdeck.store import schema

split, k, path = schema.statements, int(sys.argv[1]), Path(sys.argv[2])
done = 0

def until_killed(sql):
    global done
    for statement in split(sql):
        if done == k:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        yield statement
    if done == k:
        os.kill(os.getpid(), signal.SIGKILL)

schema.statements = until_killed
schema.prepare(path)
"""


def fixture(path: Path, schema: int) -> None:
    """Make a store as the version with that schema left it, with data in it.

    The data of each schema's own tables is in fixtures/NNNN.sql, put in when that schema was the
    newest; later migrations find it there.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for number, sql in migrations():
            if number > schema:
                break
            for statement in statements(sql):
                db.execute(statement)
            data = FIXTURES / f"{number:04}.sql"
            if data.exists():
                for statement in statements(data.read_text("utf-8")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={number}")
    path.chmod(0o600)


def content(path: Path, columns: dict[str, list[str]]) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of tables, of the named columns only."""
    with closing(sqlite3.connect(path)) as db:
        return {
            table: sorted(db.execute(f"SELECT {', '.join(names)} FROM {table}"), key=repr)
            for table, names in columns.items()
        }


def expected(
    before: dict[str, list[tuple[object, ...]]],
    columns: dict[str, list[str]],
    schema: int,
    now: int = NUMBERS[-1],
) -> dict[str, list[tuple[object, ...]]]:
    """Return what the rows of a schema are in a later one."""
    after = dict(before)
    for number, renamed in RENAMED.items():
        for (table, column), names in renamed.items():
            if schema < number <= now and table in columns:
                at = columns[table].index(column)
                after[table] = [
                    (*row[:at], names.get(str(row[at]), row[at]), *row[at + 1 :])
                    for row in after[table]
                ]
    for number, tables in EMPTIED.items():
        if schema < number <= now:
            after |= {table: [] for table in tables if table in after}
    return after


def columns_of(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as db:
        tables = [
            row[0]
            for row in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND name NOT LIKE 'search_text%' AND name NOT LIKE 'sqlite_%'"
            )
        ]
        return {
            table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")] for table in tables
        }


def schema_of(path: Path) -> tuple[int, list[tuple[str, str]]]:
    with closing(sqlite3.connect(path)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return version, sorted(rows.fetchall())


def integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA integrity_check").fetchone()[0]


@pytest.mark.parametrize("schema", EARLIER)
def test_every_earlier_schema_is_migrated_with_its_data(tmp_path: Path, schema: int) -> None:
    path, fresh = tmp_path / "q.db", tmp_path / "fresh.db"
    fixture(path, schema)
    columns = columns_of(path)
    before = content(path, columns)
    assert sum(len(rows) for rows in before.values()) > 10
    assert prepare(path) is None
    prepare(fresh)
    assert schema_of(path) == schema_of(fresh)
    assert content(path, columns) == expected(before, columns, schema)
    assert checking.check(path) == []
    saved = path.with_name(f"{path.name}.schema{schema}.bak")
    assert content(saved, columns) == before
    assert saved.stat().st_mode & 0o777 == 0o600


def test_the_fixtures_data_is_of_every_table(tmp_path: Path) -> None:
    """A table without a row would be migrated unseen."""
    path = tmp_path / "q.db"
    for number in EARLIER:
        fixture(path, number)
        empty = [table for table, rows in content(path, columns_of(path)).items() if not rows]
        assert empty == [], f"give fixtures/{number:04}.sql rows of {empty}"
        path.unlink()


@pytest.mark.parametrize("schema", EARLIER)
def test_the_fixtures_data_is_of_every_column_that_a_schema_added(
    tmp_path: Path, schema: int
) -> None:
    """One that is as the migration made it in every row would be carried on unseen."""
    path, earlier = tmp_path / "q.db", tmp_path / "earlier.db"
    fixture(path, schema)
    fixture(earlier, schema - 1)
    known = columns_of(earlier) if schema > 1 else {}
    with closing(sqlite3.connect(path)) as db:
        for table, names in columns_of(path).items():
            defaults = {row[1]: row[4] for row in db.execute(f"PRAGMA table_info({table})")}
            for name in set(names) - set(known.get(table, names)):
                usual = defaults[name] or "NULL"
                found = db.execute(f"SELECT count(*) FROM {table} WHERE {name} IS NOT {usual}")
                assert found.fetchone()[0] > 0, f"fixtures/{schema:04}.sql: {table}.{name}"


@pytest.mark.slow
@pytest.mark.parametrize("schema", [0, *EARLIER])
def test_killed_between_any_two_statements_it_is_the_old_schema_or_the_new(
    tmp_path: Path, schema: int
) -> None:
    """Whole either way, with all data; and the next try succeeds."""
    first = tmp_path / "first.db"
    if schema:
        fixture(first, schema)
    columns = columns_of(first)
    before = content(first, columns)
    known = {0: (0, []), schema: schema_of(first)}
    for number in NUMBERS[NUMBERS.index(schema) + 1 if schema else 0 :]:
        whole = tmp_path / f"whole{number}.db"
        with closing(sqlite3.connect(whole, isolation_level=None)) as db:
            for _, sql in migrations()[: NUMBERS.index(number) + 1]:
                for statement in statements(sql):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version={number}")
        known[number] = schema_of(whole)
    steps = sum(len(statements(sql)) for number, sql in migrations() if number > schema)
    children = []
    for k in range(steps + 1):
        path = tmp_path / f"killed{k}.db"
        if first.exists():
            path.write_bytes(first.read_bytes())
        children.append((k, path))
    script = (
        "import os, sys\n"
        f"source = compile({KILLED!r}, 'killed', 'exec')\n"
        "import quarterdeck.store.schema\n"
        f"for k, path in {json.dumps([(k, str(path)) for k, path in children])}:\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        sys.argv = ['', str(k), path]\n"
        "        exec(source, {})\n"
        "        os._exit(0)\n"
        "    print(os.waitpid(pid, 0)[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.split() == ["9"] * (steps + 1)
    for _, path in children:
        found = schema_of(path)
        assert found == known[found[0]]
        assert integrity(path) == "ok"
        assert content(path, columns) == expected(before, columns, schema, found[0])
        assert prepare(path) is None
        assert schema_of(path) == known[NUMBERS[-1]]
        assert content(path, columns) == expected(before, columns, schema)
