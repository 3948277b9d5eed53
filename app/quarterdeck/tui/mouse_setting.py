"""`[screen] mouse` of config.toml: whether the screen takes the mouse or the terminal has it."""

import tomllib
from pathlib import Path


def mouse_from(file: Path) -> bool:
    """Read the setting; true, the default, also if the file cannot be read, as the CLI names it."""
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("screen", {})
    except (OSError, ValueError):
        return True
    return not isinstance(found, dict) or found.get("mouse", True) is not False
