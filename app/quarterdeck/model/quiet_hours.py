"""Hours in which nobody is told outside of the screen: `22:00-07:00`, by this machine's clock."""

from datetime import time


def span(text: str) -> tuple[time, time]:
    """Return begin and end of quiet hours; raises ValueError if it is no `HH:MM-HH:MM`."""
    begin, dash, end = text.partition("-")
    if not dash:
        raise ValueError("write it as HH:MM-HH:MM")
    return time.fromisoformat(begin.strip()), time.fromisoformat(end.strip())


def is_quiet(text: str | None, now: time) -> bool:
    """Tell whether a time of day is within quiet hours, also over midnight."""
    if text is None:
        return False
    begin, end = span(text)
    return begin <= now < end if begin <= end else now >= begin or now < end
