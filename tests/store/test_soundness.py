"""C9: a large store is opened by a glance and checked whole beside the work."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quarterdeck.store import soundness
from quarterdeck.store.schema import prepare
from quarterdeck.store.store import Store


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a store that counts as large."""
    monkeypatch.setattr(soundness, "WHOLE_BYTES", 1024)
    path = tmp_path / "q.db"
    prepare(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO events (run_no, seq, type, at, payload) VALUES (1, ?, 'other', 1, ?)",
            [(seq, "x" * 500) for seq in range(1, 400)],
        )
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def spoil(path: Path, *, root: bool) -> None:
    """Overwrite a page of the events: its first, or one far behind it."""
    with closing(sqlite3.connect(path)) as db:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'events'"
        (page,) = db.execute(sql).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (count,) = db.execute("PRAGMA page_count").fetchone()
    at = page if root else count - 10
    whole = bytearray(path.read_bytes())
    whole[(at - 1) * size : at * size] = b"\xff" * size
    path.write_bytes(whole)


def test_opening_a_large_store_reads_a_few_of_its_pages(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless something was found before: then every page is read."""
    looked: list[Path] = []
    monkeypatch.setattr(soundness, "whole", lambda path: looked.append(path))
    assert prepare(large) is None
    assert looked == []
    soundness._suspicion(large).write_text("found")
    assert prepare(large) is None
    assert looked == [large]


def test_a_large_store_that_is_damaged_at_its_root_or_cut_short_is_moved_aside(
    large: Path,
) -> None:
    whole = large.read_bytes()
    spoil(large, root=True)
    assert "damaged" in str(prepare(large))
    large.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in str(prepare(large))


async def test_damage_inside_a_large_store_is_said_and_the_file_moved_aside_next(
    large: Path,
) -> None:
    spoil(large, root=False)
    store = await Store.open(large)
    assert store.note is None
    found = soundness.look_beside(large)
    assert found is not None
    assert "the store is damaged" in found
    await store.close()
    assert "moved to" in str(prepare(large))
    assert soundness.look_beside(large) is None
    assert prepare(large) is None
