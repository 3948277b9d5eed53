"""From what agents ask to calls the policy can judge (C4).

A call is judged by its structured fields: what the agent calls it, and says of it, is its own
claim. Whatever names a command is judged as one; fields that contradict each other, or that
change what would run, leave a doubt, with which nothing is allowed.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from quarterdeck.policy.call import Call, Mode, Tool


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMAND_KEYS = ("command", "cmd", "commands", "shell_command", "script", "code", "bash")
_DIRECTORY_KEYS = ("cwd", "workdir", "working_directory", "directory", "dir_path", "dir")
_TELLING_KEYS = _words(
    """
    args available_decisions call_id description explanation is_background justification
    parsed_cmd process_id proposed_execpolicy_amendment reason run_in_background
    max_output_tokens started_at_ms thought timeout timeout_ms timeout_seconds title
    tool_call_id turn_id yield_time_ms
    """
)
_TEXT_KEYS = _words(
    """
    body content edits explanation file_text insert_text new_content new_source new_str
    new_string new_text old_str old_string old_text reason replacement text thought
    """
)
_WRITTEN_KEYS = _words(
    """
    changes content diff edits file_text insert_text new_content new_source new_str new_string
    new_text patch replacement unified_diff
    """
)
_PATCH_KEYS = ("diff", "input", "patch", "unified_diff")
_URL_KEYS = ("url", "urls", "uri")
_PATH_KEY = re.compile(
    r"path|file|folder|director|^(source|destination|target|from|to|dest|src|root|base|workspace)$"
)
_MORE_THAN_A_PATH = re.compile(r"[\s,;:|](/|~|\.\.(/|\Z))")
_PATCH_PATH = re.compile(
    r"^(?:\*\*\* (?:Add|Update|Delete) File: |\*\*\* Move to: |--- |\+\+\+ |rename (?:from|to) )"
    r"([^\t\n]+)",
    re.MULTILINE,
)
_MCP_TITLE = re.compile(r"mcp__([A-Za-z0-9.-]+(?:_[A-Za-z0-9.-]+)*)__([A-Za-z0-9_.-]+)")
_URL_IN_TEXT = re.compile(r"\bhttps?://[^\s\"'<>]+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_SHELLS = frozenset(
    prefix + name
    for prefix in ("", "/bin/", "/usr/bin/", "/usr/local/bin/")
    for name in ("sh", "bash", "dash", "zsh")
)
_SHELL_FLAGS = ("-c", "-lc")
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_KINDS = {kind.value: kind for kind in Tool}
_DEPTH = 8


def call_from_permission(
    payload: dict[str, Any], root: Path, agent: str, mode: Mode = Mode.NORMAL
) -> Call:
    """Return the call that an approval's payload is about; never raises.

    Args:
        payload: `{"kind", "tool_call": {"kind", "raw_input", "locations", "content"}, "cwd"}`, or
            one of kind `terminal` with the request's own `params`.
        root: The session's directory.
        agent: The profile's name.
        mode: The session's approval mode.
    """
    params = payload.get("params")
    if payload.get("kind") == "terminal" and isinstance(params, dict):
        return call_from_terminal(params, root, agent, mode)
    told = payload.get("tool_call")
    tool_call: dict[str, Any] = told if isinstance(told, dict) else {}
    raw = tool_call.get("raw_input")
    given: dict[str, Any] = raw if isinstance(raw, dict) else {}
    cwd, doubt = _directory(given, _start(payload.get("cwd"), root))
    if raw is not None and not isinstance(raw, dict):
        doubt = doubt or "its input is no object"
    if _too_deep(given):
        doubt = doubt or "its input is nested too deeply to be looked through"
    base = Call(_kind(tool_call), root, cwd, agent, mode, doubt=doubt)
    if base.tool is Tool.EXECUTE or any(given.get(key) for key in _COMMAND_KEYS):
        return _running(base, given)
    paths = _paths(tool_call, given, tool=base.tool)
    return _doing(base, tool_call, given, paths)


def call_from_file(
    path: str, *, write: bool, root: Path, agent: str, mode: Mode = Mode.NORMAL
) -> Call:
    """Return the call of an fs/read_text_file or fs/write_text_file request."""
    tool = Tool.EDIT if write else Tool.READ
    return Call(tool, root, root, agent, mode, paths=(path,), doubt=_odd_path((path,)))


def call_from_terminal(
    params: dict[str, Any], root: Path, agent: str, mode: Mode = Mode.NORMAL
) -> Call:
    """Return the call of a terminal/create request: a shell's if it has no `args`."""
    cwd, doubt = _directory({"cwd": params.get("cwd")}, root)
    if params.get("env"):
        doubt = "it sets environment variables, which can change what a command does"
    base = Call(Tool.EXECUTE, root, cwd, agent, mode, doubt=doubt)
    command, args = params.get("command"), params.get("args")
    if not isinstance(command, str):
        return replace(base, doubt="it does not say what would be run")
    if not args:
        return replace(base, shell=command)
    if not _are_texts(args):
        return replace(base, shell=command, doubt="its arguments are no texts")
    return _with_argv(base, (command, *args))


def _running(base: Call, given: dict[str, Any]) -> Call:
    """Return the call of a command, given as a text, as words, or as a program and `args`."""
    named = [given[key] for key in _COMMAND_KEYS if given.get(key)]
    known = _TELLING_KEYS.union(_COMMAND_KEYS, _DIRECTORY_KEYS)
    odd = [key for key, value in given.items() if value and _snake(str(key)) not in known]
    doubt = base.doubt
    if odd:
        doubt = doubt or f"its input has {odd[0]!r}, which may change what runs"
    if any(other != named[0] for other in named[1:]):
        doubt = "it names more than one command"
    base = replace(base, tool=Tool.EXECUTE, doubt=doubt)
    if not named:
        return replace(base, doubt="it does not say what would be run")
    command, args = named[0], given.get("args")
    if isinstance(command, str):
        if not args:
            return replace(base, shell=command)
        if not _are_texts(args):
            return replace(base, shell=command, doubt="its arguments are no texts")
        if not all(_PLAIN.fullmatch(word) for word in args):
            doubt = doubt or "whether a shell reads its arguments is not known"
        return replace(base, shell=" ".join((command, *args)), doubt=doubt)
    if _are_texts(command) and not args:
        return _with_argv(base, tuple(command))
    return replace(base, doubt="it does not say plainly what would be run")


def _with_argv(base: Call, argv: tuple[str, ...]) -> Call:
    """Take `bash -lc TEXT`, which is how some agents run every command, for the text."""
    if len(argv) == 3 and argv[0] in _SHELLS and argv[1] in _SHELL_FLAGS:
        return replace(base, shell=argv[2])
    return replace(base, argv=argv)


def _doing(
    base: Call, tool_call: dict[str, Any], given: dict[str, Any], paths: tuple[str, ...]
) -> Call:
    """Return a call that runs no command, judged by the most it could be."""
    if base.tool in (Tool.MCP, Tool.OTHER) or "server" in given:
        server, tool = _mcp(tool_call, given)
        if server is not None:
            return replace(base, tool=Tool.MCP, mcp_server=server, mcp_tool=tool)
    tool, doubt = base.tool, base.doubt or _odd_path(paths)
    host, host_doubt = _host(given, in_texts=tool is Tool.FETCH)
    if host is not None or host_doubt is not None:
        doubt = doubt or host_doubt
        if tool not in (Tool.FETCH, Tool.THINK) or paths:
            doubt = doubt or f"it is called {tool.value!r} and names a host"
        tool = Tool.FETCH
    elif tool in (Tool.READ, Tool.SEARCH, Tool.THINK) and _writes(tool_call, given):
        doubt = doubt or f"it is called {tool.value!r} and brings text to write"
        tool = Tool.EDIT
    elif tool is Tool.THINK and (paths or set(given) & {"server", "tool"}):
        tool = Tool.OTHER
    if tool is Tool.SEARCH and not paths:
        paths = (str(base.cwd),)
    return replace(base, tool=tool, paths=paths, host=host, doubt=doubt)


def _kind(tool_call: dict[str, Any]) -> Tool:
    kind = tool_call.get("kind")
    return _KINDS.get(kind, Tool.OTHER) if isinstance(kind, str) else Tool.OTHER


def _start(cwd: Any, root: Path) -> Path:
    return root / cwd if isinstance(cwd, str) and cwd else root


def _directory(given: dict[str, Any], start: Path) -> tuple[Path, str | None]:
    """Return where a call works, and a doubt if it names more than one place."""
    named = {given[key] for key in _DIRECTORY_KEYS if isinstance(given.get(key), str)} - {""}
    if any(given.get(key) and not isinstance(given[key], str) for key in _DIRECTORY_KEYS):
        return start, "its directory is no text"
    if not named:
        return start, None
    if len(named) > 1:
        return start, "it names more than one directory"
    (name,) = named
    if name.startswith("~"):
        return start, "its directory is one that only a shell knows"
    return start / name, None


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, str) for x in value)


def _paths(tool_call: dict[str, Any], given: dict[str, Any], *, tool: Tool) -> tuple[str, ...]:
    """Return every path a call names: by key, by look, in its diffs, patches and locations."""
    found = list(_named_paths(given, tool))
    for key in ("locations", "content"):
        items = tool_call.get(key)
        for item in items if isinstance(items, list) else []:
            if isinstance(item, dict) and isinstance(item.get("path"), str):
                found.append(item["path"])
    return tuple(dict.fromkeys(found))


def _named_paths(given: dict[str, Any], tool: Tool) -> Iterator[str]:
    by_look = tool not in (Tool.THINK, Tool.FETCH)
    for key, text in _texts(given):
        if key in _PATCH_KEYS:
            yield from (path for path in _PATCH_PATH.findall(text) if path != "/dev/null")
        elif key in _TEXT_KEYS or not text:
            continue
        elif _PATH_KEY.search(key) or (by_look and _looks_like_path(text)):
            yield text
    changes = given.get("changes")
    if isinstance(changes, dict):
        yield from (str(path) for path in changes)


def _looks_like_path(text: str) -> bool:
    return text.startswith(("/", "~", "./")) or ".." in text or "/." in text or text[:1] == "."


def _texts(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Give every text in a value with the key it stands under, in lower snake case."""
    if isinstance(value, str):
        yield key, value
    elif depth < _DEPTH and isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, _snake(str(name)), depth + 1)
    elif depth < _DEPTH and isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key, depth + 1)


def _too_deep(value: Any, depth: int = 0) -> bool:
    """Tell whether there is more in a value than `_texts` looks at."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(inner) and (depth == _DEPTH or any(_too_deep(one, depth + 1) for one in inner))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _writes(tool_call: dict[str, Any], given: dict[str, Any]) -> bool:
    content = tool_call.get("content")
    items = content if isinstance(content, list) else []
    if any(isinstance(item, dict) and item.get("type") == "diff" for item in items):
        return True
    return any(_snake(str(key)) in _WRITTEN_KEYS and value for key, value in given.items())


def _odd_path(paths: tuple[str, ...]) -> str | None:
    odd = (p for p in paths if not p.isprintable() or _MORE_THAN_A_PATH.search(p))
    return next((f"{p!a} is an odd path" for p in odd), None)


def _host(given: dict[str, Any], *, in_texts: bool) -> tuple[str | None, str | None]:
    """Return the one host a call names; or a doubt if there are more, or it is odd."""
    urls = [text for key, text in _texts(given) if key in _URL_KEYS and text]
    if in_texts:
        urls += [url for _, text in _texts(given) for url in _URL_IN_TEXT.findall(text)]
    hosts = {_host_of(url) for url in urls}
    if not hosts:
        return None, None
    if None in hosts:
        return None, "the host of its address cannot be told"
    if len(hosts) > 1:
        return None, "it names more than one host"
    return hosts.pop(), None


def _host_of(url: str) -> str | None:
    if "\\" in url or not url.isprintable() or not url.isascii() or " " in url:
        return None
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        host = (parts.hostname or "").lower().rstrip(".")
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc:
        return None
    return host if _HOST.fullmatch(host) or ":" in host else None


def _mcp(tool_call: dict[str, Any], given: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return server and tool of an MCP call, from its input or the usual form of its title."""
    server, tool = given.get("server"), given.get("tool")
    if isinstance(server, str) and server and isinstance(tool, str) and tool:
        return server, tool
    title = tool_call.get("title")
    match = _MCP_TITLE.fullmatch(title) if isinstance(title, str) else None
    return (match[1], match[2]) if match else (None, None)
