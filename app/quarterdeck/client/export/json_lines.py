"""JSON Lines: every record as it is; an import reads it back."""

import json
from typing import Any


def line(record: dict[str, Any]) -> str:
    """Return a record as one line; lone surrogates stay escaped, so it always has a UTF-8 form."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(record, separators=(",", ":"))
    return text + "\n"
