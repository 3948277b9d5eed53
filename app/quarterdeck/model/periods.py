"""How long something lasts, as a person writes it: `"90s"`, `"30m"`, `"2h"`, `"1d"`, or seconds."""

import re
from typing import Any

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PERIOD = re.compile(r"(\d{1,9})([smhd])")


def seconds(value: Any) -> Any:
    """Return a text as seconds; what is no such text is returned as it is."""
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else value
