"""Whether a run of characters after a tell-tale head is a secret, and how much of it.

Each test takes the run and the character after it: `""` at the end of the text, None if the run
goes on beyond what was looked at. It returns how many characters to hide, 0 for no secret.
"""

import math
import re
from collections import Counter
from collections.abc import Callable

ValueTest = Callable[[str, str | None], int]

_DIGIT = re.compile("[0-9]")
_LETTER = re.compile("[A-Za-z]")
_DIGIT_OR_CAPITAL = re.compile("[0-9A-Z]")
_PLACEHOLDER = re.compile(r"[$%{<*(\[]|\.\.\.|(?i:x+\Z|your|none\b|null\b|true\b|false\b|redacted)")
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z")
_WORD_PART = re.compile(r"[A-Za-z]*\d{0,2}")
_PART_BREAK = re.compile(r"[_.:/\-]+")
_AWS_KEY_ID = re.compile(r"[A-Z0-9]{16}\Z")
_AWS_SECRET = re.compile(r"[A-Za-z0-9/+]{40}=?\Z")
_JWT = re.compile(r"[\w-]{8,}\.[\w-]{8,}", re.ASCII)
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{16}|[A-Z][A-Za-z-]{2,20}: \S")


def at_least(length: int, *, mixed: bool = False) -> ValueTest:
    """Hide a run of this length or more; `mixed` asks for a digit or a capital in it."""

    def test(run: str, after: str | None) -> int:
        kept = run if after is None else run.rstrip(".")
        if len(kept) < length:
            return 0
        if mixed and _DIGIT_OR_CAPITAL.search(kept) is None:
            return 0
        return len(kept)

    return test


def aws_key_id(run: str, after: str | None) -> int:
    """Hide exactly sixteen capitals and digits."""
    return len(run) if after is not None and _AWS_KEY_ID.match(run) else 0


def aws_secret(run: str, after: str | None) -> int:
    """Hide exactly forty characters of base64."""
    return len(run) if after is not None and _AWS_SECRET.match(run) else 0


def jwt(run: str, after: str | None) -> int:
    """Hide two parts of base64 or more, joined by dots."""
    kept = run if after is None else run.rstrip(".")
    return len(kept) if _JWT.match(kept) else 0


def key_block(run: str, after: str | None) -> int:
    """Hide all of a block that shows key material or a header line, not a mere mention of one."""
    return len(run) if _KEY_MATERIAL.search(run) else 0


def url_password(run: str, after: str | None) -> int:
    """Hide what stands before the last @ of a URL's authority."""
    password = run[: max(run.rfind("@"), 0)]
    return 0 if not password or _PLACEHOLDER.match(password) else len(password)


def credential(run: str, after: str | None) -> int:
    """Hide what an Authorization header carries; words are no credentials."""
    if len(run) < 8 or _PLACEHOLDER.match(run):
        return 0
    return len(run) if len(run) >= 24 or not run.isalpha() else 0


def bearer(run: str, after: str | None) -> int:
    """Hide a long value with letters and digits after the word `bearer`."""
    kept = run if after is None else run.rstrip(".")
    return len(kept) if len(kept) >= 16 and _mixes(kept) and not _is_words(kept) else 0


def password(run: str, after: str | None) -> int:
    """Hide what a person may have chosen as a password; code and types are none."""
    kept = run.partition("</")[0]
    if after is not None and after not in ("'", '"', "`", "\\"):
        kept = kept.rstrip(",.)}]>")
    if len(kept) < 6 or _PLACEHOLDER.match(kept) or _CALL.match(kept) or _DOTTED.match(kept):
        return 0
    if after is not None and after in ("(", "["):
        return 0
    telling = any(not c.isalpha() and c not in "_.-/\\:=" for c in kept)
    return len(kept) if telling or (len(kept) >= 16 and kept.isalpha()) else 0


def random_value(run: str, after: str | None) -> int:
    """Hide a value of twelve characters or more that looks made by a machine."""
    kept = run if after is None else run.rstrip(".:!")
    if len(kept) < 12 or kept[0] == "=" or _PLACEHOLDER.match(kept) or _DOTTED.match(kept):
        return 0
    if (after is not None and after in ("(", "[")) or "://" in kept or kept.startswith("./"):
        return 0
    if not _mixes(kept) or _is_words(kept) or _entropy(kept) < 2.5:
        return 0
    return len(kept)


def _mixes(text: str) -> bool:
    return _DIGIT.search(text) is not None and _LETTER.search(text) is not None


def _is_words(text: str) -> bool:
    """Tell names like `session-token-v2` from random characters."""
    return all(_WORD_PART.fullmatch(part) for part in _PART_BREAK.split(text))


def _entropy(text: str) -> float:
    """Return the entropy of the characters in bits per character."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())
