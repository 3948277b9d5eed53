"""Bringing files to the schema, or refusing them; nothing is ever silently replaced (C9)."""

import sqlite3
import stat
from pathlib import Path

import pytest

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store.schema import migrations, prepare, statements


def version_of(path: Path) -> int:
    return sqlite3.connect(path).execute("PRAGMA user_version").fetchone()[0]


def test_a_new_file_gets_the_newest_schema_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    assert prepare(path) is None
    assert version_of(path) == migrations()[-1][0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert prepare(path) is None


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    prepare(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=999")
    db.close()
    with pytest.raises(QuarterdeckError, match="999") as caught:
        prepare(path)
    assert caught.value.code == "store_newer"
    assert version_of(path) == 999


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, None])
def test_a_damaged_file_is_moved_aside_and_said_so(tmp_path: Path, damage: bytes | None) -> None:
    """C9: neither replaced nor lost."""
    path = tmp_path / "q.db"
    if damage is None:
        prepare(path)
        db = sqlite3.connect(path)
        db.executescript("CREATE TABLE t (x); PRAGMA wal_checkpoint(TRUNCATE);")
        db.close()
        whole = bytearray(path.read_bytes())
        whole[4096:8192] = b"\xff" * 4096
        damage = bytes(whole)
    path.write_bytes(damage)
    said = prepare(path)
    assert said is not None
    assert "damaged" in said
    aside = next(tmp_path.glob("q.db.damaged-*"))
    assert str(aside) in said
    assert aside.read_bytes() == damage
    assert version_of(path) == migrations()[-1][0]


def test_a_directory_in_the_way_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "q.db"
    path.mkdir()
    with pytest.raises(QuarterdeckError) as caught:
        prepare(path)
    assert caught.value.code == "store_unusable"


def test_statements_are_split_whole() -> None:
    for _, sql in migrations():
        parts = statements(sql)
        assert all(sqlite3.complete_statement(part) for part in parts)
        assert "".join("".join(parts).split()) == "".join(sql.split())
        assert all(part.count(";") == 1 or "CREATE TRIGGER" in part for part in parts)
