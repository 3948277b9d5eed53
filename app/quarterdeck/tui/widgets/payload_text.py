"""Reads payloads of events that may lack anything or hold anything."""

import json
from typing import Any


def member(payload: Any, key: str) -> str:
    """Return a member of a payload as text: a string as it is, nothing as the empty string."""
    value = payload.get(key) if isinstance(payload, dict) else None
    return as_text(value)


def as_text(value: Any) -> str:
    """Return any decoded JSON value as text; strings without quotes."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return as_json(value, indent=None)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Return any decoded JSON value as JSON text, even one that cannot be written as such."""
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    except (ValueError, TypeError, RecursionError):
        return "(not shown: nested too deeply)"
