"""Whether the store's file is sound: a glance while opening, the whole of it beside the work (C9).

SQLite's own check reads every page, which takes seconds for a store of gigabytes. So opening a
large one only looks at where its tables begin; the supervisor has it checked whole once it works.
What that finds is noted beside the file, and the next opening then checks it whole too.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from quarterdeck.model.failpoints import failpoint

WHOLE_BYTES = 32 * 1024 * 1024
"""Files up to this size are checked whole while opening: a tenth of a second."""


def at_opening(path: Path) -> str | None:
    """Return what is wrong with a file that is about to be opened; None if nothing is.

    Raises:
        sqlite3.OperationalError: It cannot be read just now, which says nothing of its soundness.
    """
    return whole(path) if _small(path) or _suspicion(path).exists() else _judged(path, _glance)


def whole(path: Path) -> str | None:
    """Return what is wrong with any page of a file; None if nothing is.

    Raises:
        sqlite3.OperationalError: It cannot be read just now.
    """
    return _judged(path, _every_page)


def look_beside(path: Path) -> str | None:
    """Check a store in use that was only glanced at; returns what a person should know, or None.

    What is found is remembered, so that the store is moved aside when it is opened next.
    """
    if _small(path):
        return None
    try:
        found = whole(path)
    except sqlite3.OperationalError:
        return None
    if found is None:
        return None
    failpoint("store.suspect.before")
    _suspicion(path).write_text(found)
    return (
        f"the store is damaged ({found}); `qd store backup` saves what can be read, and when the"
        " supervisor starts again the file is moved aside"
    )


def settle(path: Path) -> None:
    """Forget what was suspected of a file that has been moved aside, or put back."""
    failpoint("store.unsuspect.before")
    _suspicion(path).unlink(missing_ok=True)


def _suspicion(path: Path) -> Path:
    return path.with_name(f"{path.name}.suspect")


def _small(path: Path) -> bool:
    return path.stat().st_size <= WHOLE_BYTES


def _judged(path: Path, look: Callable[[sqlite3.Connection], str | None]) -> str | None:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as db:
            return look(db)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise
        return str(error)


def _every_page(db: sqlite3.Connection) -> str | None:
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    return None if verdict == "ok" else verdict


def _glance(db: sqlite3.Connection) -> str | None:
    """Read the schema and from each table's root to a row; SQLite itself sees a missing end."""
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        db.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchall()
    return None
