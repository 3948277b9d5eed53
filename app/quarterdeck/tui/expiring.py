"""When an approval expires, in words, and when those words change."""

from quarterdeck.model.clock import from_iso

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_LEAST_MS = 500
"""No repaint sooner than that, whatever the clock says."""


def left_text(expires_at: str | None, now_ms: int) -> str:
    """Return `12 min`, `3 h` or `< 1 min` as what is left; empty if it does not expire.

    Args:
        expires_at: ISO time, or None.
        now_ms: Unix milliseconds.
    """
    left = _left(expires_at, now_ms)
    if left is None:
        return ""
    if left < _MINUTE:
        return "< 1 min"
    return f"{left // _MINUTE} min" if left < 2 * _HOUR else f"{left // _HOUR} h"


def expiry_text(expires_at: str | None, now_ms: int) -> str:
    """Return `expires in 12 min`, or an empty text."""
    left = left_text(expires_at, now_ms)
    return f"expires in {left}" if left else ""


def next_change(expires_at: str | None, now_ms: int) -> float | None:
    """Return in how many seconds the words change: never twice a minute, None if no more."""
    left = _left(expires_at, now_ms)
    if left is None or left < _MINUTE:
        return None
    step = _MINUTE if left < 2 * _HOUR else _HOUR
    return max(left % step + 1, _LEAST_MS) / 1000


def _left(expires_at: str | None, now_ms: int) -> int | None:
    if expires_at is None:
        return None
    try:
        return max(0, from_iso(expires_at) - now_ms)
    except ValueError:
        return None
