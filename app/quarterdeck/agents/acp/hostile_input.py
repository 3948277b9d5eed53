"""Bounds on what an agent's line may do to us: nesting, text no store can hold, long errors."""

import json
from typing import Any

NESTING_LIMIT = 128
RAW_SHOWN = 2_000
_ERROR_SHOWN = 1_000


def nested_too_deep(line: bytes, *values: Any) -> bool:
    """Tell whether a value of this line nests deeper than NESTING_LIMIT.

    Such a value would be parsed here and break whoever writes it as JSON with less stack left.
    """
    if line.count(b"[") + line.count(b"{") <= NESTING_LIMIT:
        return False
    level = [v for v in values if isinstance(v, dict | list)]
    for _ in range(NESTING_LIMIT):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def storable(text: str) -> str:
    """Return `text` with lone surrogates spelled out: they have no UTF-8 form."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shown(raw: bytes) -> str:
    """Return the beginning of a line that could not be read, whatever its bytes."""
    return raw[: 4 * RAW_SHOWN].decode("utf-8", "backslashreplace")[:RAW_SHOWN]


def error_text(error: dict[str, Any]) -> str:
    """Return a JSON-RPC error as one text: the message and, short, what its data adds.

    Agents put the cause into the message, into data, or into a member of data.
    """
    message = error.get("message")
    text = message if isinstance(message, str) and message else "the agent gave no reason"
    detail = _detail(error.get("data"))
    if detail and detail not in text:
        text = f"{text}: {detail}"
    return storable(text if len(text) <= _ERROR_SHOWN else text[: _ERROR_SHOWN - 1] + "…")


def _detail(data: Any) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, dict):
        named = (data.get(key) for key in ("message", "error", "details", "reason"))
        told = next((value for value in named if isinstance(value, str) and value), None)
        if told is not None:
            return told
    return "" if data in (None, {}, []) else json.dumps(data)
