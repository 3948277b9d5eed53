"""A tiny ACP agent for sweeps: one thread, few imports, so that a thousand of them start fast.

The words of a prompt, one instruction a line, say what it does: `say TEXT`, `ask COMMAND` (a
permission), `read PATH`, `write PATH TEXT`. In $SWEEP_DIR/log it notes, a line of JSON each: its
pid and `prompt`, `answer`, `load` or `cancel` with what came.
"""

import json
import os
import sys
from typing import Any

LOG = os.environ["SWEEP_DIR"] + "/log"
PID = os.getpid()
SESSION = f"sweep-{PID}"
cancelled = False
asked = 0


def note(kind: str, value: Any) -> None:
    fd = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, json.dumps([PID, kind, value]).encode() + b"\n")
    os.close(fd)


def write(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def update(**told: Any) -> None:
    write(method="session/update", params={"sessionId": SESSION, "update": told})


def say(text: str) -> None:
    update(sessionUpdate="agent_message_chunk", content={"type": "text", "text": text})


def call(method: str, **params: Any) -> Any:
    global asked
    asked += 1
    write(id=asked, method=method, params={"sessionId": SESSION, **params})
    return serve(asked)


def serve(wanted: int | None = None) -> Any:
    """Take messages; with `wanted`, until our request of that id is answered, or `None`."""
    global SESSION, cancelled
    for line in sys.stdin:
        message = json.loads(line)
        method, params = message.get("method"), message.get("params") or {}
        if method is None:
            note("answer", [message["id"], message.get("result")])
            if message["id"] == wanted:
                return message.get("result")
        elif method == "session/prompt":
            turn(message["id"], "".join(part.get("text", "") for part in params["prompt"]))
        elif method == "session/cancel":
            note("cancel", None)
            cancelled = True
        elif method == "initialize":
            abilities = {"loadSession": True}
            write(id=message["id"], result={"protocolVersion": 1, "agentCapabilities": abilities})
        elif method == "session/new":
            write(id=message["id"], result={"sessionId": SESSION})
        elif method == "session/load":
            note("load", params["sessionId"])
            SESSION = params["sessionId"]
            write(id=message["id"], result={})
        elif "id" in message:
            write(id=message["id"], error={"code": -32601, "message": method})
    os._exit(0)


def turn(identifier: int, text: str) -> None:
    global cancelled
    note("prompt", text)
    cancelled = False
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "say":
            say(rest)
        elif word in ("read", "write"):
            path, _, content = rest.partition(" ")
            given = {"content": content} if word == "write" else {}
            say(call(f"fs/{word}_text_file", path=path, **given).get("content", "written"))
        elif word == "ask":
            tool: dict[str, Any] = {
                "toolCallId": f"{PID}-{asked}",
                "title": rest,
                "kind": "execute",
                "rawInput": {"command": rest},
            }
            update(sessionUpdate="tool_call", status="pending", **tool)
            options = [
                {"optionId": "y", "name": "Yes", "kind": "allow_once"},
                {"optionId": "n", "name": "No", "kind": "reject_once"},
            ]
            answer = call("session/request_permission", toolCall=tool, options=options)
            say("allowed" if answer["outcome"].get("optionId") == "y" else "refused")
        if cancelled:
            break
    write(id=identifier, result={"stopReason": "cancelled" if cancelled else "end_turn"})


if __name__ == "__main__":
    serve()
