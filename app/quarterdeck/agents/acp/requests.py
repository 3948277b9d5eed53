"""The agent's requests for files and terminals: checked and put into our words."""

from typing import Any

from quarterdeck.agents.acp import validation
from quarterdeck.agents.acp.facts import FileAsked, FileOp, TerminalAsked, TerminalOp
from quarterdeck.rpc.message import Id

FILES: dict[str, tuple[FileOp, str]] = {
    "fs/read_text_file": ("read", "ReadTextFileRequest"),
    "fs/write_text_file": ("write", "WriteTextFileRequest"),
}
TERMINALS: dict[str, tuple[TerminalOp, str]] = {
    "terminal/create": ("create", "CreateTerminalRequest"),
    "terminal/output": ("output", "TerminalOutputRequest"),
    "terminal/wait_for_exit": ("wait", "WaitForTerminalExitRequest"),
    "terminal/kill": ("kill", "KillTerminalRequest"),
    "terminal/release": ("release", "ReleaseTerminalRequest"),
}
_FORGIVEN = {"args": "args", "env": "env", "cwd": "cwd", "outputByteLimit": "output_byte_limit"}


def problem(method: str, params: Any) -> str | None:
    """Return what is wrong with a file or terminal request, or None.

    The schema forgives a bad argument or directory of terminal/create by leaving it out; another
    command than the one asked for would run then, so here it is a fault.
    """
    name = (FILES.get(method) or TERMINALS[method])[1]
    fault = validation.problem(name, params)
    if fault is not None or method != "terminal/create":
        return fault
    read = _read("CreateTerminalRequest", params)
    for key, member in _FORGIVEN.items():
        asked = params.get(key)
        lost = isinstance(asked, list) and len(asked) != len(read[member] or [])
        if asked is not None and (read[member] is None or lost):
            return f"{key}: not as the schema has it"
    return None


def file_asked(request_id: Id, method: str, params: dict[str, Any]) -> FileAsked:
    """Return a valid file request as a fact."""
    op, name = FILES[method]
    read = _read(name, params)
    return FileAsked(
        request_id, op, read["path"], read.get("line"), read.get("limit"), read.get("content")
    )


def terminal_asked(request_id: Id, method: str, params: dict[str, Any]) -> TerminalAsked:
    """Return a valid terminal request as a fact."""
    op, name = TERMINALS[method]
    read = _read(name, params)
    if op != "create":
        return TerminalAsked(request_id, op, {"terminal_id": read["terminal_id"]})
    env = [{"name": pair["name"], "value": pair["value"]} for pair in read["env"] or []]
    told = {key: read[key] for key in ("command", "cwd", "output_byte_limit")}
    return TerminalAsked(request_id, op, {**told, "args": read["args"] or [], "env": env})


def _read(name: str, params: dict[str, Any]) -> dict[str, Any]:
    return validation.model(name).model_validate(params).model_dump()
