"""Copies of the store: made while it is in use, checked and put back while it is not."""

import contextlib
import os
import sqlite3
from pathlib import Path

from quarterdeck.model.clock import iso, now_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.store import soundness
from quarterdeck.store.schema import migrations


def back_up(path: Path, target: Path) -> int:
    """Copy the store as it is at one moment to a new file, 0600, and return its size in bytes.

    Raises:
        QuarterdeckError: `backup_failed`; no part of a copy is left.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        if target.exists():
            raise FileExistsError(f"{target} is there already")
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            _copy(path, part)
            failpoint("backup.link.before")
            os.link(part, target)
            failpoint("backup.link.after")
        finally:
            part.unlink(missing_ok=True)
        _sync_directory(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise QuarterdeckError("backup_failed", f"no backup was made: {error}") from error
    return target.stat().st_size


def restore(path: Path, source: Path) -> Path | None:
    """Put a backup in the place of the store at `path`; nobody may have that open.

    Returns:
        Where the replaced store was moved, or None if there was none.

    Raises:
        QuarterdeckError: `backup_unusable` or `store_newer`; nothing was changed.
    """
    _check(source)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        failpoint("restore.copy.before")
        _copy(source, part)
        failpoint("restore.aside.before")
        aside = _move_aside(path)
        failpoint("restore.rename.before")
        part.rename(path)
        soundness.settle(path)
        failpoint("restore.rename.after")
        _sync_directory(path.parent)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise QuarterdeckError("backup_failed", f"could not restore: {error}") from error
    return aside


def _copy(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(_read_only(source), uri=True, timeout=30)) as db,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        failpoint("backup.copy.before")
        db.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


def _check(source: Path) -> None:
    newest = migrations()[-1][0]
    try:
        with contextlib.closing(sqlite3.connect(_read_only(source), uri=True)) as db:
            verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            schema = db.execute("PRAGMA user_version").fetchone()[0]
            ours = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sessions'")
            known = ours.fetchone()[0] == 1
    except sqlite3.Error as error:
        raise QuarterdeckError("backup_unusable", f"{source}: {error}") from error
    if verdict != "ok" or not known or schema < 1:
        raise QuarterdeckError("backup_unusable", f"{source} is no sound backup: {verdict}")
    if schema > newest:
        raise QuarterdeckError(
            "store_newer", f"{source} has schema {schema}, this version knows {newest}"
        )


def _move_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    aside = path.with_name(f"{path.name}.replaced-{iso(now_ms()).replace(':', '')}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            failpoint("restore.move.before")
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
