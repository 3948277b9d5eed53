"""Content blocks and tool content in our words: snake_case keys, diffs and texts picked out."""

import hashlib
import json
import re
from typing import Any

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_OUTPUT_KEYS = ("output", "aggregated_output", "formatted_output", "text")


def snake(value: Any) -> Any:
    """Return `value` with the keys of its objects in snake_case; what is under `_meta` stays."""
    if isinstance(value, dict):
        return {
            _HUMP.sub(r"_\1", key).lower() if key != "_meta" else key: (
                inner if key == "_meta" else snake(inner)
            )
            for key, inner in value.items()
        }
    return [snake(inner) for inner in value] if isinstance(value, list) else value


def items(update: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects in a list member; anything else there is passed over."""
    value = update.get(key)
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []


def is_diff(item: dict[str, Any]) -> bool:
    """Tell whether a piece of tool content is a whole diff."""
    return (
        item.get("type") == "diff"
        and isinstance(item.get("path"), str)
        and isinstance(item.get("newText"), str)
    )


def diff(item: dict[str, Any]) -> dict[str, Any]:
    """Return a diff in our words; `old_text` is None for a new file."""
    old = item.get("oldText")
    return {
        "type": "diff",
        "path": item["path"],
        "old_text": old if isinstance(old, str) else None,
        "new_text": item["newText"],
    }


def diff_hash(change: dict[str, Any]) -> str:
    """Return a short digest of path and both texts, to tell a repeated diff."""
    text = json.dumps([change["path"], change["old_text"], change["new_text"]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tool_content(content: list[dict[str, Any]], *, whole: bool) -> list[dict[str, Any]]:
    """Return tool content in our words.

    Args:
        content: The items as the agent sent them.
        whole: Give diffs with their texts; else by path only, for `diff` events tell the rest.
    """
    return [
        (diff(item) if whole else {"type": "diff", "path": item["path"]})
        if is_diff(item)
        else snake(item)
        for item in content
    ]


def text_of(content: list[dict[str, Any]]) -> str:
    """Return the text contents of a tool call, joined line by line."""
    blocks = [item.get("content") for item in content if item.get("type") == "content"]
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))


def output_of(raw_output: Any) -> str:
    """Return what a tool printed, from the fields real agents put it in, or an empty text."""
    if isinstance(raw_output, str):
        return raw_output
    if not isinstance(raw_output, dict):
        return ""
    for key in _OUTPUT_KEYS:
        if isinstance(raw_output.get(key), str) and raw_output[key]:
            return raw_output[key]
    streams = [raw_output.get("stdout"), raw_output.get("stderr")]
    printed = "\n".join(text for text in streams if isinstance(text, str) and text)
    if printed:
        return printed
    error = raw_output.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) else ""
