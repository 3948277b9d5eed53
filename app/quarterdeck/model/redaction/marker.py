"""What stands where a secret was: its kind and the class of its length, nothing of itself."""

SHORT_BELOW = 16
LONG_FROM = 64


def length_class(length: int) -> str:
    """Return `short` (under 16 characters), `medium` (under 64) or `long`."""
    if length < SHORT_BELOW:
        return "short"
    return "medium" if length < LONG_FROM else "long"


def marker(kind: str, length: int) -> str:
    """Return the stable text that replaces `length` characters of a secret of this kind."""
    return f"‹redacted {kind} {length_class(length)}›"
