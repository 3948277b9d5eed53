"""Bringing a database file to this version's schema, or refusing it (DESIGN §4, C9)."""

import contextlib
import os
import sqlite3
from importlib import resources
from pathlib import Path

from quarterdeck.model.clock import iso, now_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.places import DAMAGED, DAMAGED_REASON
from quarterdeck.store import soundness


def migrations() -> list[tuple[int, str]]:
    """Return (number, SQL) of every migration, in order."""
    files = resources.files("quarterdeck.store.migrations").iterdir()
    found = [
        (int(item.name.split("_", 1)[0]), item.read_text("utf-8"))
        for item in files
        if item.name.endswith(".sql")
    ]
    return sorted(found)


def statements(sql: str) -> list[str]:
    """Split a migration into its statements."""
    found, held = [], ""
    for line in sql.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            found.append(held.strip())
            held = ""
    return found


def prepare(path: Path) -> str | None:
    """Create or migrate the file at `path`; afterwards it has the newest schema.

    A file that is no sound database is moved aside and a new one begun; the message that says
    so is returned, for the log, the status and the screen.

    Raises:
        QuarterdeckError: `store_newer` for a schema of a later version, `store_unusable` if
            the file cannot be opened or written. Nothing was changed then.
    """
    newest = migrations()[-1][0]
    said = _move_aside_if_damaged(path)
    try:
        with contextlib.closing(_open(path)) as db:
            present = db.execute("PRAGMA user_version").fetchone()[0]
            if present > newest:
                raise QuarterdeckError(
                    "store_newer", f"{path} has schema {present}, this version knows {newest}"
                )
            if present < newest:
                _migrate(db, path, present)
    except (sqlite3.Error, OSError) as error:
        raise QuarterdeckError("store_unusable", f"{path}: {error}") from error
    return said


def _open(path: Path) -> sqlite3.Connection:
    failpoint("schema.open.before")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    db.execute("PRAGMA journal_mode=WAL")
    return db


def _migrate(db: sqlite3.Connection, path: Path, present: int) -> None:
    if present:
        _backup(db, path.with_name(f"{path.name}.schema{present}.bak"))
    for number, sql in migrations():
        if number <= present:
            continue
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements(sql):
                failpoint("schema.statement.before")
                db.execute(statement)
            db.execute(f"PRAGMA user_version={number}")
            failpoint("schema.commit.before")
            db.execute("COMMIT")
            failpoint("schema.commit.after")
        except BaseException:
            db.execute("ROLLBACK")
            raise


def _backup(db: sqlite3.Connection, target: Path) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    with contextlib.closing(sqlite3.connect(target)) as copy:
        failpoint("schema.backup.before")
        db.backup(copy)
        failpoint("schema.backup.after")


def _move_aside_if_damaged(path: Path) -> str | None:
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        verdict = soundness.at_opening(path)
    except sqlite3.OperationalError as error:
        raise QuarterdeckError("store_unusable", f"{path}: {error}") from error
    if verdict is None:
        return None
    moment = iso(now_ms()).replace(":", "")
    aside = path.with_name(f"{path.name}{DAMAGED}{moment}")
    failpoint("schema.reason.before")
    path.with_name(f"{path.name}{DAMAGED_REASON}{moment}").write_text(verdict, "utf-8")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            failpoint("schema.aside.before")
            part.rename(aside.with_name(aside.name + suffix))
    soundness.settle(path)
    return f"the store was damaged ({verdict}); it was moved to {aside} and a new one begun"
