"""A connection to the store whose small statements need no change of threads."""

import functools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite

MANY_ROWS = 64
"""More rows than this are written on the connection's own thread, whatever was asked for."""


class StoreConnection(aiosqlite.Connection):
    """A connection that can do without its thread for a while.

    The way to a thread and back takes many times as long as a small statement, and a decision is
    thirty of them. What may wait, for a lock or for the disk, must not be done at once: while it
    waits, so does everything else.
    """

    at_once = False
    """Whether statements are carried out on the caller's thread; one caller at a time."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        many = len(args) > 1 and isinstance(args[1], list) and len(args[1]) > MANY_ROWS
        if self.at_once and not many:
            return fn(*args, **kwargs)
        return await super()._execute(fn, *args, **kwargs)


def connect(path: Path) -> StoreConnection:
    """Return a connection to `path`, to be awaited; each statement is a transaction by itself."""
    opened = functools.partial(sqlite3.connect, path, isolation_level=None, check_same_thread=False)
    return StoreConnection(opened, 64)
