"""Times as a person types them."""

import re
from datetime import datetime

from quarterdeck.model.clock import iso, now_ms
from quarterdeck.model.errors import QuarterdeckError

_UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def moment(text: str, option: str) -> str:
    """Return the ISO 8601 time of a time or date of this machine's zone, or of an age like `7d`.

    Raises:
        QuarterdeckError: `invalid_params`, naming the option.
    """
    age = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if age:
        return iso(max(0, now_ms() - int(age[1]) * _UNITS[age[2]]))
    try:
        return iso(round(datetime.fromisoformat(text).timestamp() * 1000))
    except (ValueError, OverflowError, OSError) as error:
        raise QuarterdeckError(
            "invalid_params",
            f"{option}: {text!r} is no time; write 2026-11-20, 2026-11-20T10:00 or 7d",
        ) from error


def later(text: str, option: str) -> str:
    """Return the ISO 8601 time of a time or date of this machine's zone, or of a span from now.

    Raises:
        QuarterdeckError: `invalid_params`, naming the option.
    """
    span = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if span:
        return iso(now_ms() + int(span[1]) * _UNITS[span[2]])
    return moment(text, option)
