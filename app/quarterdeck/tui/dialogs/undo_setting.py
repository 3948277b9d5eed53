"""`[approvals] undo_seconds` of config.toml: how long the screen holds a decision back."""

import tomllib
from pathlib import Path

LONGEST_S = 300.0


def undo_seconds_from(file: Path) -> float:
    """Read the setting; 0, the default, also if the file cannot be read, as the CLI names it."""
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("approvals", {})
    except (OSError, ValueError):
        return 0
    value = found.get("undo_seconds", 0) if isinstance(found, dict) else 0
    told = isinstance(value, int | float) and not isinstance(value, bool)
    return min(max(float(value), 0), LONGEST_S) if told else 0
