"""A stub of the OpenAI chat-completions API on 127.0.0.1, for agents under test.

What it answers is scripted by a marker in the last user message:

- `[[PLAIN some words]]`: the words, streamed one by one
- `[[SHELL touch x]]`: a sentence and a call of the agent's shell tool
- `[[WRITE path text]]`: a sentence and a call of the agent's file-writing tool
- `[[SLOW n]]`: `chunk 1` to `chunk n`, in pieces that `hold_after` can stop

After a tool's result it says `done`, without a marker `ok`. A request that offers no tools (the
agent looking for a title) gets a short fixed text. Standard library only, so that it can also be
run by itself: `python tests/support/model_stub.py --port-file F`.
"""

import argparse
import copy
import json
import re
import select
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

Json = dict[str, Any]

TITLE = "Stub title"
SLOW_PACE_S = 0.005
MARKER = re.compile(r"\[\[(PLAIN|SHELL|WRITE|SLOW) (.*?)\]\]", re.DOTALL)
SHELL_TOOLS = ("bash", "shell", "run_shell_command", "exec_command")
WRITE_TOOLS = ("write", "write_file")
PATH_ARGUMENTS = ("filePath", "file_path", "path")


def message_text(message: Json) -> str:
    """The text of a chat message, whose content is a string or a list of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


class ModelStub:
    """The stub as a server on a thread of its own; a context manager.

    Args:
        port: The port to listen on; 0 lets the system choose.
    """

    def __init__(self, port: int = 0) -> None:
        self.held = threading.Event()
        """Set when a slow answer has sent as many chunks as `hold_after` lets through."""
        self._lock = threading.Lock()
        self._requests: list[Json] = []
        self._calls = 0
        self._hold_after: int | None = None
        self._gate = threading.Event()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> "ModelStub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        """What an agent's configuration names as the API's base."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> list[Json]:
        """A copy of every request body received so far, oldest first."""
        with self._lock:
            return copy.deepcopy(self._requests)

    @property
    def turns(self) -> list[Json]:
        """The requests that offered tools: those for a turn, without the ones for a title."""
        return [request for request in self.requests if request.get("tools")]

    def last_texts(self, role: str) -> list[str]:
        """The texts of all messages of `role` in the latest turn's request, oldest first."""
        turns = self.turns
        messages = turns[-1]["messages"] if turns else []
        return [message_text(message) for message in messages if message["role"] == role]

    def hold_after(self, chunks: int) -> None:
        """Let slow answers stop after `chunks` (≥ 0) pieces, until `release`."""
        with self._lock:
            self.held.clear()
            self._gate.clear()
            self._hold_after = chunks

    def release(self) -> None:
        """Let held answers, and those that follow, run to their end."""
        with self._lock:
            self._hold_after = None
        self._gate.set()

    def record(self, body: Json) -> None:
        """Remember one request body."""
        with self._lock:
            self._requests.append(body)

    def next_call_id(self, messages: int) -> str:
        """An id for a tool call, told apart from those of an earlier stub by `messages`."""
        with self._lock:
            self._calls += 1
            return f"call_{self._calls}_{messages}"

    def wait_at_gate(self, sent: int, client: socket.socket) -> None:
        """Block while slow answers are held at `sent` chunks and `client` is still there.

        Raises:
            ConnectionAbortedError: `client` went away, or the stub is closing.
        """
        with self._lock:
            held = self._hold_after is not None and sent >= self._hold_after
        if held:
            self.held.set()
            while not self._gate.wait(0.05) and not _hung_up(client):
                pass
        if self._closing.wait(SLOW_PACE_S) or _hung_up(client):
            raise ConnectionAbortedError("the agent went away")


def _hung_up(client: socket.socket) -> bool:
    readable, _, _ = select.select([client], [], [], 0)
    if not readable:
        return False
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def _delta(content: str) -> Json:
    return {"content": content}


def _words(text: str) -> Iterator[Json]:
    for word in re.findall(r"\S+\s*", text):
        yield _delta(word)


def _tool_delta(call_id: str, tools: list[Json], names: tuple[str, ...], given: Json) -> Json:
    """A tool call with `given` arguments under the names that the agent's own schema uses."""
    offered = {tool["function"]["name"]: tool["function"] for tool in tools}
    name = next((name for name in names if name in offered), None)
    if name is None:
        return _delta(f"none of the tools {', '.join(names)} was offered")
    schema = offered[name].get("parameters", {})
    arguments = {key: value for key, value in given.items() if key in schema["properties"]}
    for key in schema.get("required", []):
        arguments.setdefault(key, "as asked")
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"index": 0, "id": call_id, "type": "function", "function": function}
    return {"tool_calls": [call]}


def _slow(stub: ModelStub, count: int, client: socket.socket) -> Iterator[Json]:
    for number in range(1, count + 1):
        stub.wait_at_gate(number - 1, client)
        yield _delta(f"chunk {number}\n")


def script(stub: ModelStub, body: Json, client: socket.socket) -> Iterator[Json]:
    """The deltas with which one request is answered."""
    tools = body.get("tools") or []
    messages = body["messages"]
    if not tools:
        return iter([_delta(TITLE)])
    if messages[-1]["role"] == "tool":
        return iter([_delta("done")])
    asked = [message_text(message) for message in messages if message["role"] == "user"]
    markers = MARKER.findall(asked[-1]) if asked else []
    if not markers:
        return iter([_delta("ok")])
    kind, argument = markers[-1]
    if kind == "PLAIN":
        return _words(argument)
    if kind == "SLOW":
        return _slow(stub, int(argument), client)
    call_id = stub.next_call_id(len(messages))
    if kind == "SHELL":
        call = _tool_delta(call_id, tools, SHELL_TOOLS, {"command": argument})
        return iter([*_words("I will run a command now. "), call])
    path, _, text = argument.partition(" ")
    given = {"content": text, **dict.fromkeys(PATH_ARGUMENTS, path)}
    call = _tool_delta(call_id, tools, WRITE_TOOLS, given)
    return iter([*_words("I will write a file now. "), call])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], stub: ModelStub) -> None:
        self.stub = stub
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what was asked is in `ModelStub.requests`."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self.send_error(404)
            return
        stub = cast(_Server, self.server).stub
        stub.record(body)
        deltas = script(stub, body, self.connection)
        try:
            if body.get("stream"):
                self._stream(deltas)
            else:
                self._whole(list(deltas))
        except ConnectionError:
            self.close_connection = True

    def _stream(self, deltas: Iterator[Json]) -> None:
        self._head("text/event-stream")
        reason = "stop"
        self._chunk({"role": "assistant", "content": ""})
        for delta in deltas:
            if "tool_calls" in delta:
                reason = "tool_calls"
            self._chunk(delta)
        self._chunk({}, reason)
        self.wfile.write(b"data: [DONE]\n\n")

    def _chunk(self, delta: Json, reason: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        line = json.dumps(_reply("chat.completion.chunk", choice, usage=reason is not None))
        self.wfile.write(f"data: {line}\n\n".encode())
        self.wfile.flush()

    def _whole(self, deltas: list[Json]) -> None:
        message: Json = {"role": "assistant", "content": ""}
        for delta in deltas:
            message["content"] += delta.get("content", "")
            if "tool_calls" in delta:
                message["tool_calls"] = delta["tool_calls"]
        reason = "tool_calls" if "tool_calls" in message else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        self._head("application/json")
        self.wfile.write(json.dumps(_reply("chat.completion", choice, usage=True)).encode())

    def _head(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Connection", "close")
        self.end_headers()


def _reply(kind: str, choice: Json, *, usage: bool) -> Json:
    reply: Json = {"id": "stub", "object": kind, "created": 0, "model": "stub-model"}
    reply["choices"] = [choice]
    if usage:
        reply["usage"] = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return reply


def main() -> None:
    """Serve until interrupted, with the port number written to a file."""
    parser = argparse.ArgumentParser(description="A stub of the chat-completions API.")
    parser.add_argument("--port-file", type=Path, required=True, help="where to write the port")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (0: any)")
    arguments = parser.parse_args()
    with ModelStub(arguments.port) as stub:
        partial = arguments.port_file.with_name(arguments.port_file.name + ".partial")
        partial.write_text(f"{stub.port}\n")
        partial.replace(arguments.port_file)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
