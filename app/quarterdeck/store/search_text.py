"""Which words of an event can be searched for, and how a hit is found again in its text."""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from quarterdeck.model.event_types import EventType

STREAMED = frozenset({EventType.ASSISTANT_MESSAGE, EventType.THOUGHT})
"""Types whose events are pieces of one message: words go over from one to the next."""

UNSEEN = frozenset({EventType.USAGE, EventType.MODE})
"""Types without words of their own; some agents send them between any two pieces."""

_NO_WORDS = frozenset(
    {
        "agent_session_id",
        "appended_by",
        "approval_id",
        "capabilities",
        "command_id",
        "message_id",
        "payload_sha256",
        "raw_output",
        "role",
        "tool_call_id",
    }
)
_REPEATED_BY_UPDATES = frozenset({"title", "kind", "status", "content", "locations"})
_LAST_WORDS = frozenset({"stop_reason", "usage", "code"})
_PLAIN = '{"text":"'
_WORD = re.compile(r"[^\W_]+")


def text_of(kind: str, payload: dict[str, Any]) -> str:
    """Return the words of an event that is no piece of a message; empty if it has none.

    A tool call's output and diffs are events of their own, and its updates repeat its title:
    each is found once.
    """
    if kind in UNSEEN:
        return ""
    left_out = _NO_WORDS
    if kind == EventType.TOOL_CALL and payload.get("update"):
        left_out = _NO_WORDS | _REPEATED_BY_UPDATES
    elif kind == EventType.TERMINAL_STATUS:
        left_out = _NO_WORDS | _LAST_WORDS
    kept = {key: value for key, value in payload.items() if key not in left_out}
    return "\n".join(_strings(kept))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in _NO_WORDS:
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def piece_of(payload: str) -> tuple[str, str]:
    """Return text and message id of a stored piece of a message."""
    if payload.startswith(_PLAIN) and payload.count('"') == 4 and "\\" not in payload:
        return payload[len(_PLAIN) : -2], ""
    try:
        told = json.loads(payload)
    except ValueError:
        return "", ""
    if not isinstance(told, dict):
        return "", ""
    text, message = told.get("text"), told.get("message_id")
    return (
        storable(text) if isinstance(text, str) else "",
        message if isinstance(message, str) else "",
    )


def storable(text: str) -> str:
    """Return text that has a UTF-8 form: lone surrogates become a replacement."""
    return text.encode("utf-8", "replace").decode()


def words_of(text: str) -> list[tuple[str, int, int]]:
    """Return the words of a text as they are compared, with where they begin and end."""
    return [(fold(match.group()), match.start(), match.end()) for match in _WORD.finditer(text)]


def fold(word: str) -> str:
    """Return a word without case and diacritics, as the index compares it."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.lower())
    return "".join(char for char in plain if not unicodedata.combining(char))


def first_match(
    words: Sequence[tuple[str, int, int]], phrase: Sequence[str], *, prefix: bool
) -> tuple[int, int] | None:
    """Return where a phrase first stands in a text, or None.

    Args:
        words: What `words_of` gave.
        phrase: Folded words in a row.
        prefix: Whether the last one may go on.
    """
    size = len(phrase)
    for at in range(len(words) - size + 1):
        if all(words[at + n][0] == phrase[n] for n in range(size - 1)):
            last = words[at + size - 1][0]
            if last == phrase[-1] or (prefix and last.startswith(phrase[-1])):
                return words[at][1], words[at + size - 1][2]
    return None
