"""An agent that keeps no rule but one: what it marks `#N ` as said is a valid chunk.

Its first argument says how it misbehaves, its second how much; stdlib only. Up to the first prompt
it is a proper ACP agent, unless the misbehaviour is one of the handshake. Chunks are numbered
over the whole process, so that a test can tell whether each was recorded once.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

MODE, AMOUNT = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
OUT, ERR = 1, 2
said = 0


def put(data: bytes, to: int = OUT) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(to, view) :]


def write(**message: Any) -> None:
    put(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def update(**update: Any) -> None:
    write(method="session/update", params={"sessionId": "h", "update": update})


def chunk(text: str) -> bytes:
    content = {"type": "text", "text": text}
    told = {
        "sessionId": "h",
        "update": {"sessionUpdate": "agent_message_chunk", "content": content},
    }
    message = {"jsonrpc": "2.0", "method": "session/update", "params": told}
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


def say() -> None:
    global said
    said += 1
    put(chunk(f"#{said} "))


def ask(request_id: int | str, path: str = "/nowhere") -> None:
    write(id=request_id, method="fs/read_text_file", params={"sessionId": "h", "path": path})


def permit(request_id: int, call: str, **more: Any) -> None:
    options = [{"optionId": "y", "name": "Yes", "kind": "allow_once"}]
    told = {"toolCallId": call, "title": call, "kind": "execute", **more}
    params = {"sessionId": "h", "toolCall": told, "options": options}
    write(id=request_id, method="session/request_permission", params=params)


def torn() -> None:
    for wrong in (b'{"jsonrpc": "2.0", "met\n', b'"method": "session/update"}\n', b"[]\n", b"{}\n"):
        say()
        put(wrong)
    say()


def invalid() -> None:
    say()
    put(b'{"jsonrpc":"2.0","method":"\xff\xfe\x80"}\n\xc3\x28\n\x00\x00\n')
    say()


def long_line() -> None:
    say()
    for _ in range(AMOUNT):
        put(b"x" * 1_000_000)
    put(b"\n")
    say()


def endless() -> None:
    say()
    while True:
        put(b"y" * 100_000)


def tiny() -> None:
    global said
    for first in range(1, AMOUNT + 1, 500):
        put(b"".join(chunk(f"#{n} ") for n in range(first, min(first + 500, AMOUNT + 1))))
    said = AMOUNT


def flood() -> None:
    while True:
        put(chunk("flooding ") * 500)


def clock() -> None:
    """Be no nuisance at all: say the time now and then."""
    for _ in range(AMOUNT):
        put(chunk(f"{time.time_ns()} "))
        time.sleep(0.05)


def blank() -> None:
    say()
    for _ in range(AMOUNT):
        put(b"\n" * 1_000_000)
    say()


def strays() -> None:
    for number in range(AMOUNT):
        write(id=number + 1000, result={})
        write(id=f"u{number}", error={"code": 1, "message": "no such call"})
    say()


def repeats() -> None:
    for _ in range(20):
        ask(7)
        permit(8, "twice")
    say()


def requests() -> None:
    for number in range(AMOUNT):
        ask(number + 10)
    say()


def permissions() -> None:
    for number in range(AMOUNT):
        permit(number + 10, f"call-{number}", rawInput={"command": f"touch never-{number}"})
    say()


def tools() -> None:
    for number in range(AMOUNT):
        update(
            sessionUpdate="tool_call",
            toolCallId=f"t{number}",
            title="large",
            kind="execute",
            status="in_progress",
            rawInput={"command": "z" * 1_000_000},
        )
    say()


def values() -> None:
    for _ in range(AMOUNT):
        put(b'{"jsonrpc":"2.0","method":"_x/y","params":[' + b"{},[]," * 1_200_000 + b"0]}\n")
    say()


def wide() -> None:
    """Text that takes four bytes for each of its characters once it is decoded."""
    for _ in range(AMOUNT):
        put(chunk("\U0001f600" + "w" * 7_900_000))
    say()


def noise() -> None:
    for number in range(AMOUNT):
        put(b"INFO starting up %d\n" % number)
        put(b"\x1b[31mWARN\x1b[0m %d\n" % number, ERR)
    say()


def complaints() -> None:
    for _ in range(AMOUNT):
        put(b"e" * 1_000_000 + b"\n", ERR)
    say()


def bomb() -> None:
    """Start processes that leave session, group and parent behind, and ignore what can be."""
    for _ in range(AMOUNT):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                for fd in (0, 1, 2):
                    os.close(fd)
                time.sleep(1000)
            os._exit(0)
        os.wait()
    say()


def fat() -> None:
    say()
    kept = [b"\1" * 1_000_000 for _ in range(AMOUNT)]
    time.sleep(1000)
    del kept


def mute() -> None:
    """Close stdout and live on."""
    say()
    os.close(OUT)
    time.sleep(1000)


def stubborn() -> None:
    say()


def leave_in_line() -> None:
    say()
    put(chunk("#2 ")[:-20])
    os._exit(3)


def leave_asking() -> None:
    say()
    permit(5, "asked", rawInput={"command": "touch never"})
    os._exit(3)


def leave_in_turn() -> None:
    say()
    os._exit(3)


ACTS: dict[str, Callable[[], None]] = {
    "torn": torn,
    "invalid": invalid,
    "long": long_line,
    "endless": endless,
    "tiny": tiny,
    "flood": flood,
    "clock": clock,
    "blank": blank,
    "strays": strays,
    "repeats": repeats,
    "requests": requests,
    "permissions": permissions,
    "tools": tools,
    "values": values,
    "wide": wide,
    "noise": noise,
    "complaints": complaints,
    "bomb": bomb,
    "fat": fat,
    "stubborn": stubborn,
    "mute": mute,
    "exit-turn": leave_in_turn,
    "exit-line": leave_in_line,
    "exit-approval": leave_asking,
}
LEAVES_AT = {"exit-initialize": "initialize", "exit-new": "session/new"}


def respond(message: dict[str, Any]) -> None:
    method, identifier = message.get("method"), message.get("id")
    if method is not None and LEAVES_AT.get(MODE) == method:
        os._exit(3)
    if method == "initialize":
        if MODE != "silent":
            write(id=identifier, result={"protocolVersion": 1, "agentCapabilities": {}})
    elif method == "session/new":
        write(id=identifier, result={"sessionId": "h"})
    elif method == "session/prompt":
        ACTS.get(MODE, say)()
        if MODE not in ("stubborn", "permissions", "repeats"):
            write(id=identifier, result={"stopReason": "end_turn"})
        if MODE == "repeats":
            for _ in range(3):
                write(id=identifier, result={"stopReason": "end_turn"})


def main() -> None:
    if MODE == "exit-start":
        os._exit(3)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        respond(json.loads(line))
    if MODE == "closing":
        for number in range(200):
            ask(number)
            permit(number + 1000, "late")
    while MODE == "stubborn":
        time.sleep(1)


if __name__ == "__main__":
    main()
