"""Python, SQLite and what the system lets a process have."""

import resource
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing

from quarterdeck.cli.doctor.finding import Finding, bad, ok, warn

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)
"""The first one with what the store's SQL uses."""
ENOUGH_FILES = 1024
FIRST_PLAUSIBLE = 1_735_689_600
"""2025-01-01: a clock before that was never set."""
Version = tuple[int, ...]


def findings() -> Iterator[Finding]:
    """Check the interpreter, its SQLite, the clock and the limits."""
    yield python(sys.version_info[:3])
    yield from sqlite(sqlite3.sqlite_version_info, has_fts5=_has_fts5())
    yield clock(time.time())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield open_files(soft, hard)


def python(version: Version) -> Finding:
    """Check the version of Python."""
    told = f"Python {_dotted(version)} at {sys.executable}"
    if version < OLDEST_PYTHON:
        return bad("python", told, f"install Python {_dotted(OLDEST_PYTHON)} or newer")
    return ok("python", told)


def sqlite(version: Version, *, has_fts5: bool) -> Iterator[Finding]:
    """Check the version of SQLite, its known bugs, and its search."""
    told = f"SQLite {_dotted(version)}"
    if version < OLDEST_SQLITE:
        remedy = f"use a Python that is linked with SQLite {_dotted(OLDEST_SQLITE)} or newer"
        yield bad("sqlite", told, remedy)
    elif has_wal_reset_bug(version):
        yield warn(
            "sqlite",
            f"{told} has the WAL-reset bug (www.sqlite.org/wal.html#walresetbug): two connections "
            "that write and checkpoint in the same instant can damage a database. The supervisor "
            "alone writes and checkpoints, so it cannot be met here, but do not write to the store "
            "with other programs",
            "where you can choose, use a Python with SQLite 3.51.3 or newer, 3.50.7 or 3.44.6",
        )
    else:
        yield ok("sqlite", f"{told}, without known bugs that matter here")
    if has_fts5:
        yield ok("sqlite search", "FTS5 is there")
    else:
        yield bad("sqlite search", "FTS5 is missing", "use a Python whose SQLite has FTS5")


def has_wal_reset_bug(version: Version) -> bool:
    """Whether a version has the bug mended in 3.51.3 and, backported, in 3.50.7 and 3.44.6.

    Of 3.52.0, which was withdrawn, and all after it the mending is part.
    """
    if version[:2] == (3, 44):
        return version < (3, 44, 6)
    if version[:2] == (3, 50):
        return version < (3, 50, 7)
    return (3, 7, 0) <= version < (3, 51, 3)


def _has_fts5() -> bool:
    with closing(sqlite3.connect(":memory:")) as db:
        try:
            db.execute("CREATE VIRTUAL TABLE probe USING fts5 (text)")
        except sqlite3.Error:
            return False
    return True


def clock(now: float) -> Finding:
    """Check that the clock was set."""
    if now < FIRST_PLAUSIBLE:
        year = time.gmtime(now).tm_year
        return bad("clock", f"the clock says {year}", "set it: ages, expiry and ids go by it")
    return ok("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def open_files(soft: int, hard: int) -> Finding:
    """Check how many files a process may have open: the supervisor holds one for each agent."""
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_FILES:
        return warn(
            "open files",
            f"a process may have {soft} files open",
            f"`ulimit -n {ENOUGH_FILES}` before `qd up`"
            + ("" if hard == resource.RLIM_INFINITY or hard >= ENOUGH_FILES else ", as root"),
        )
    return ok("open files", "unlimited" if soft == resource.RLIM_INFINITY else f"up to {soft}")


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
