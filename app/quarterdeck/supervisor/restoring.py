"""Putting a backup in the store's place, under the supervisor's own lock (D1)."""

import json
from pathlib import Path
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.store import backup
from quarterdeck.supervisor.lock import Lock
from quarterdeck.supervisor.state_directory import prepare_state_directory


def print_restored(places: Places, source: str) -> int:
    """Restore, print the answer as one line of JSON, and return the exit code."""
    told = restore(places, Path(source))
    print(json.dumps(told))  # noqa: T201 - read by `qd store restore`
    return int("error" in told)


def restore(places: Places, source: Path) -> dict[str, Any]:
    """Restore, and return `{"restored", "aside"}`, or `{"error"}` as a client gets it.

    While a supervisor runs, this is refused with `session_manager_already_running`. Journals of
    runs that are still there are read again from where the backup had come.
    """
    try:
        prepare_state_directory(places.state)
        lock = Lock.take(places.lock)
        try:
            aside = backup.restore(places.database, source)
        finally:
            lock.release()
    except QuarterdeckError as error:
        return {"error": {"message": error.message, **error.to_wire()}}
    return {"restored": str(source), "aside": None if aside is None else str(aside)}
