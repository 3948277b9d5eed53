"""Times: Unix milliseconds inside, ISO 8601 in UTC on the wire."""

import time
from datetime import UTC, datetime
from functools import lru_cache


def now_ms() -> int:
    """Return the wall clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


_STEADY_AHEAD_MS = now_ms() - time.monotonic_ns() // 1_000_000


def steady_ms() -> int:
    """Return Unix milliseconds that no change of the wall clock moves while this process lives.

    For how long something has lasted, as leases and expiry need it; not for what people read.
    """
    return _STEADY_AHEAD_MS + time.monotonic_ns() // 1_000_000


def iso(at_ms: int) -> str:
    """Return `at_ms` as ISO 8601 with milliseconds, `2026-11-20T10:11:12.345Z`."""
    seconds, ms = divmod(at_ms, 1000)
    return f"{_second(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=4096)
def _second(at: int) -> str:
    """Write a second; a page of a list or a trace has few different ones."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")[:19]


def from_iso(text: str) -> int:
    """Return the Unix milliseconds of a time written by `iso`."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def local_day(at_ms: int) -> str:
    """Return the day `at_ms` falls on in this machine's zone, as `2026-11-20`."""
    return time.strftime("%Y-%m-%d", time.localtime(at_ms / 1000))
