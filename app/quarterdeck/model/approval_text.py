"""The exact text of what an approval would let happen, made from its payload and nothing else.

The supervisor stores it and the screen makes it again from the payload it hashed, so what is
shown and what is decided cannot differ (DESIGN §4, §5).
"""

import difflib
import json
import shlex
from typing import Any

_NAMED = ("command", "cmd")
_SHORT = 100
_PER_CALL = frozenset({"call_id", "turn_id", "item_id", "started_at_ms"})


def subject(payload: dict[str, Any]) -> str:
    """Return the whole text a person must see before deciding on `payload`.

    A command is shown as it is (one given as a list, quoted for a shell); an edit as a unified
    diff per file; every other argument of the tool call follows by name, so that nothing of the
    input is left unseen. Lone surrogates are spelled out, so that the text always has a UTF-8
    form.
    """
    call = payload.get("tool_call")
    if not isinstance(call, dict):
        text = payload.get("text")
        return _storable(text if isinstance(text, str) else _json(payload))
    content = call.get("content")
    content = content if isinstance(content, list) else []
    diffs = [item for item in content if _is_diff(item)]
    parts = _aims(payload) + _command(call.get("raw_input"))
    parts += [_diff(item) for item in diffs]
    parts += _arguments(call.get("raw_input"), diffs, payload.get("cwd"))
    parts += [_content(item) for item in content if not _is_diff(item)]
    if not any(part.strip() for part in parts):
        paths = [str(x.get("path")) for x in call.get("locations") or [] if isinstance(x, dict)]
        parts = paths or [f"(no details but the agent's own title: {call.get('title')})"]
    return _storable("\n".join(part for part in parts if part))


def headline(text: str) -> str:
    """Return one line that tells a subject from others in a list; never enough to decide on."""
    first, _, rest = text.partition("\n")
    if not (first.startswith("--- ") and rest.startswith("+++ ")):
        return first
    path = rest.partition("\n")[0].removeprefix("+++ ")
    return f"create {path}" if first == "--- /dev/null" else f"edit {path}"


def essence(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload without what differs between two calls for the very same thing.

    Some agents write ids and times of the call into its input, so that "for the session" would
    never match again. Everything else of the input counts.
    """
    call = payload.get("tool_call")
    raw = call.get("raw_input") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(raw, dict):
        return payload
    lasting = {key: value for key, value in raw.items() if key not in _PER_CALL}
    return payload | {"tool_call": call | {"raw_input": lasting}}


def runs_command(call: dict[str, Any]) -> bool:
    """Tell whether a tool call's input names a command."""
    return _command_key(call.get("raw_input")) is not None


def _aims(payload: dict[str, Any]) -> list[str]:
    """Name the MCP server's tool or the host, of which a call's input may say nothing."""
    mcp, host = payload.get("mcp"), payload.get("host")
    if isinstance(mcp, dict):
        return [f"tool {mcp.get('tool')} of the MCP server {mcp.get('server')}"]
    return [f"fetch from the host {host}"] if isinstance(host, str) else []


def _command(raw: Any) -> list[str]:
    """Return the command of a tool's input."""
    name = _command_key(raw)
    if name is None:
        return []
    command = raw[name]
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return [shlex.join(command)]
    return [command if isinstance(command, str) else _json(command)]


def _command_key(raw: Any) -> str | None:
    if not isinstance(raw, dict):
        return None
    return next((name for name in _NAMED if raw.get(name) not in (None, "", [])), None)


def _arguments(raw: Any, diffs: list[dict[str, Any]], cwd: Any) -> list[str]:
    """Return every argument but the command and what diffs and directory already show."""
    if not isinstance(raw, dict):
        return [] if raw in (None, "") else [raw if isinstance(raw, str) else _json(raw)]
    shown = {key for item in diffs for key in _told_by_diff(raw, item)}
    shown |= {_command_key(raw)}
    shown |= {key for key in ("cwd", "workdir") if raw.get(key) == cwd}
    return [
        f"{key}: {value if isinstance(value, str) else _json(value)}"
        for key, value in raw.items()
        if key not in shown
    ]


def _is_diff(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.get("type") == "diff"
        and isinstance(item.get("path"), str)
        and isinstance(item.get("new_text"), str)
        and isinstance(item.get("old_text"), str | None)
    )


def _told_by_diff(raw: dict[str, Any], diff: dict[str, Any]) -> list[str]:
    """Name the arguments whose whole value the diff already shows."""
    told = (diff["path"], diff["new_text"])
    return [key for key, value in raw.items() if isinstance(value, str) and value in told]


def _diff(item: dict[str, Any]) -> str:
    """Return a unified diff; the path is one line of it whatever characters it has."""
    path, old, new = item["path"].replace("\n", "\\n"), item.get("old_text"), item["new_text"]
    before = "/dev/null" if old is None else path
    lines = difflib.unified_diff(_lines(old or ""), _lines(new), before, path, lineterm="", n=3)
    body = "\n".join(lines)
    if body:
        return body
    return f"{path}: a new empty file" if old is None else f"{path}: no change of text"


def _lines(text: str) -> list[str]:
    """Cut at newlines only, so that every other character stays, and tell a missing last one."""
    lines = text.split("\n")
    if lines[-1] == "":
        return lines[:-1]
    return [*lines[:-1], f"{lines[-1]}\n\\ No newline at end of file"]


def _content(item: Any) -> str:
    if isinstance(item, dict) and item.get("type") == "content":
        block = item.get("content")
        if isinstance(block, dict) and block.get("type") == "text":
            text = block.get("text")
            if isinstance(text, str):
                return text
    return _json(item)


def _json(value: Any) -> str:
    short = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(short) <= _SHORT:
        return short
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
