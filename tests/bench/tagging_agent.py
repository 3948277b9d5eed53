"""A synthetic ACP agent whose lines carry the time at which they were written; stdlib only.

A prompt says what to do: `tags COUNT MS` (a line with a tag every so many milliseconds), `chat
COUNT MS` (lines without), `burst COUNT` (all at once), `held COUNT` (the same, when told), `ask
COUNT` (permissions, one after the other). When an answer is read, its time is appended to the file
`answers` in BENCH_DIR.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["BENCH_DIR"])
ANSWERS = FOLDER / "answers"


def put(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def write(**message: Any) -> None:
    put(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def chunk(text: str) -> bytes:
    update = {
        "sessionUpdate": "agent_message_chunk",
        "content": {"type": "text", "text": text},
    }
    message = {"jsonrpc": "2.0", "method": "session/update"}
    return json.dumps(message | {"params": {"sessionId": "b", "update": update}}).encode() + b"\n"


def paced(count: int, ms: int):
    """Give out numbers so many milliseconds apart, without drifting."""
    began = time.monotonic()
    for number in range(count):
        wait = began + number * ms / 1000 - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield number


def tags(count: int, ms: int) -> None:
    for _ in paced(count, ms):
        put(chunk(f"\n\nqz{time.time_ns()}zq"))


def chat(count: int, ms: int) -> None:
    # Not all agents of a measurement in the same moment.
    time.sleep(os.getpid() % 97 / 97 * ms / 1000)
    for number in paced(count, ms):
        put(chunk(f"line {number} of what an agent says\n"))


def burst(count: int) -> None:
    for first in range(0, count, 500):
        last = min(first + 500, count)
        put(b"".join(chunk(f"burst {n} and some words more ") for n in range(first, last)))


def held(count: int) -> None:
    """Burst once there is a file `go`."""
    (FOLDER / "held").touch()
    while not (FOLDER / "go").exists():
        time.sleep(0.01)
    burst(count)


def ask(count: int) -> None:
    options = [
        {"optionId": "y", "name": "Yes", "kind": "allow_once"},
        {"optionId": "n", "name": "No", "kind": "reject_once"},
    ]
    for number in range(count):
        command = {"command": f"touch never-{number}"}
        call = {"toolCallId": f"t{number}", "title": f"ask {number}", "kind": "execute"}
        call |= {"rawInput": command}
        params = {"sessionId": "b", "toolCall": call, "options": options}
        write(id=1000 + number, method="session/request_permission", params=params)
        while json.loads(sys.stdin.buffer.readline()).get("id") != 1000 + number:
            pass
        now = time.time_ns()
        with ANSWERS.open("a") as file:
            file.write(f"{now}\n")


ACTS = {"tags": tags, "chat": chat, "burst": burst, "ask": ask, "held": held}


def main() -> None:
    for line in iter(sys.stdin.buffer.readline, b""):
        message = json.loads(line)
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            write(id=number, result={"protocolVersion": 1, "agentCapabilities": {}})
        elif method == "session/new":
            write(id=number, result={"sessionId": "b"})
        elif method == "session/prompt":
            name, *amounts = message["params"]["prompt"][-1]["text"].split()
            if name in ACTS:
                ACTS[name](*map(int, amounts))
            else:
                put(chunk(f"did not understand {name}\n"))
            write(id=number, result={"stopReason": "end_turn"})


if __name__ == "__main__":
    main()
