"""Trying a migration without touching the store: on a copy in memory."""

import contextlib
import re
import sqlite3
from pathlib import Path

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.store.schema import migrations, statements

WHOLE_BYTES = 32 * 1024 * 1024
"""Up to this size the rows are copied as well; of a larger store only the schema is tried."""
_VIRTUAL = re.compile(r"CREATE VIRTUAL TABLE", re.IGNORECASE)


def rehearse(path: Path) -> tuple[int | None, int]:
    """Return the schema of the store at `path`, None without one, and the one of this version.

    Migrations that are still to be done are done to a copy, so that one that would fail is known
    before the supervisor that runs is asked to end.

    Raises:
        QuarterdeckError: `store_newer`, or `store_unusable` with what SQLite says.
    """
    newest = migrations()[-1][0]
    if not path.exists() or path.stat().st_size == 0:
        return None, newest
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            present = int(db.execute("PRAGMA user_version").fetchone()[0])
            if present > newest:
                raise QuarterdeckError(
                    "store_newer", f"{path} has schema {present}, this version knows {newest}"
                )
            if present < newest:
                _try(db, present, whole=path.stat().st_size <= WHOLE_BYTES)
    except sqlite3.Error as error:
        raise QuarterdeckError("store_unusable", f"{path}: {error}") from error
    return present, newest


def _try(db: sqlite3.Connection, present: int, *, whole: bool) -> None:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        if whole:
            failpoint("rehearsal.backup.before")
            db.backup(copy)
        else:
            _copy_schema(db, copy)
        for number, sql in migrations():
            if number > present:
                for statement in statements(sql):
                    copy.execute(statement)


def _copy_schema(db: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Make every table, index and trigger; a virtual table makes its own shadows."""
    found = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    virtual = [name for name, sql in found if _VIRTUAL.match(sql)]
    for name, sql in found:
        if not name.startswith("sqlite_") and not _is_shadow(name, virtual):
            copy.execute(sql)


def _is_shadow(name: str, virtual: list[str]) -> bool:
    return any(name.startswith(f"{table}_") for table in virtual)
