"""Times: Unix milliseconds inside, ISO 8601 in UTC on the wire."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Return the wall clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def iso(at_ms: int) -> str:
    """Return `at_ms` as ISO 8601 with milliseconds, `2026-11-20T10:11:12.345Z`."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def from_iso(text: str) -> int:
    """Return the Unix milliseconds of a time written by `iso`."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def local_day(at_ms: int) -> str:
    """Return the day `at_ms` falls on in this machine's zone, as `2026-11-20`."""
    return time.strftime("%Y-%m-%d", time.localtime(at_ms / 1000))
