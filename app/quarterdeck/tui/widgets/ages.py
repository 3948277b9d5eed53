"""How long ago something was, in as few cells as possible."""

from datetime import datetime, tzinfo

from quarterdeck.model.clock import from_iso

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def age_text(since: str, now_ms: int) -> str:
    """Return the age of an ISO time as `5s`, `3m`, `2h` or `4d`; empty if it is no time.

    Args:
        since: ISO 8601 with a zone; one from the future counts as now.
        now_ms: Unix milliseconds.
    """
    try:
        seconds = max(0, (now_ms - from_iso(since)) // 1000)
    except (TypeError, ValueError, OverflowError):
        return ""
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return "0s"


def moment_text(at: str, tz: tzinfo | None) -> str:
    """Return an ISO time as day and minute of a zone, such as `09-21 14:13`; empty if it is none.

    Args:
        at: ISO 8601 with a zone.
        tz: The zone; None is this machine's.
    """
    return _told(at, tz, "%m-%d %H:%M")


def second_text(at: str, tz: tzinfo | None) -> str:
    """Return an ISO time as `2026-09-21 14:13:20` of a zone; empty if it is none."""
    return _told(at, tz, "%Y-%m-%d %H:%M:%S")


def _told(at: str, tz: tzinfo | None, form: str) -> str:
    try:
        return datetime.fromtimestamp(from_iso(at) / 1000, tz).strftime(form)
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
