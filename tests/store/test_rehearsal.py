"""A migration tried on a copy: what it tells, and that the store stays as it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store import rehearsal
from quarterdeck.store.rehearsal import rehearse
from tests.store.test_migrations import EARLIER, NUMBERS, fixture


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("schema", [*EARLIER, NUMBERS[-1]])
def test_every_earlier_schema_can_be_migrated_and_is_not(
    tmp_path: Path, schema: int, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its rows, or of a large store with its tables alone."""
    if not whole:
        monkeypatch.setattr(rehearsal, "WHOLE_BYTES", 0)
    path = tmp_path / "store.db"
    fixture(path, schema)
    before = path.read_bytes()
    assert rehearse(path) == (schema, NUMBERS[-1])
    assert path.read_bytes() == before


def test_a_missing_store_is_made_later(tmp_path: Path) -> None:
    assert rehearse(tmp_path / "store.db") == (None, NUMBERS[-1])
    assert not (tmp_path / "store.db").exists()


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 9999")
        db.execute("CREATE TABLE t (x)")
    with pytest.raises(QuarterdeckError) as found:
        rehearse(path)
    assert found.value.code == "store_newer"


def test_a_migration_that_fails_on_the_rows_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
        db.execute("INSERT INTO t VALUES (1), (1)")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    monkeypatch.setattr(
        rehearsal, "migrations", lambda: [(1, ""), (2, "CREATE UNIQUE INDEX u ON t (x);\n")]
    )
    with pytest.raises(QuarterdeckError, match="UNIQUE constraint failed") as found:
        rehearse(path)
    assert found.value.code == "store_unusable"
