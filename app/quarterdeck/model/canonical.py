"""One way to write JSON, so that a hash is about one exact text."""

import hashlib
import json
from typing import Any


def canonical(value: Any) -> str:
    """Return compact JSON with sorted keys; lone surrogates stay escaped, so UTF-8 always works."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def sha256(text: str) -> str:
    """Return the hex digest of `text` in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
