"""JSON-RPC 2.0 messages: what one line is, and how one is written."""

import json
import re
from dataclasses import dataclass
from typing import Any

Id = int | str

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
APPLICATION_ERROR = -32000

VALUES_LIMIT = 100_000
"""Values of one line; a line of text, however long, has few."""
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[,\[{]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """A call that wants an answer. `id` may be 0 or a string: real agents use both."""

    id: Id
    method: str
    params: Any


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that wants no answer."""

    method: str
    params: Any


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: `error` is None exactly if it succeeded."""

    id: Id | None
    result: Any
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Invalid:
    """A line that is no JSON-RPC message: reported, never fatal."""

    reason: str
    raw: bytes
    unread: bool = False
    """Whether it may well be a message, but is too large to be read."""


Message = Request | Notification | Response | Invalid


def parse(line: bytes, *, cut: bool = False) -> Message:
    """Tell what a line is; never raises, whatever the bytes."""
    if cut:
        return Invalid("line over the limit", line, unread=True)
    if _has_too_many_values(line):
        return Invalid(f"more than {VALUES_LIMIT} values in one line", line, unread=True)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return Invalid(f"invalid UTF-8 at byte {error.start}", line)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Invalid(f"invalid JSON: {error}", line)
    if not isinstance(value, dict):
        return Invalid("not a JSON object (batches are not spoken here)", line)
    return _classify(value, line)


def _has_too_many_values(line: bytes) -> bool:
    """Tell whether reading a line would make so many objects that memory runs out.

    An empty object is two bytes here and sixty-four in memory.
    """
    if len(line) <= VALUES_LIMIT:
        return False
    if line.count(b",") + line.count(b"[") + line.count(b"{") <= VALUES_LIMIT:
        return False
    found = 0
    for token in _TOKEN.finditer(line):
        found += token[0][:1] != b'"'
        if found > VALUES_LIMIT:
            return True
    return False


def _classify(value: dict[str, Any], line: bytes) -> Message:
    method, identifier = value.get("method"), value.get("id")
    if isinstance(identifier, bool) or not isinstance(identifier, int | str | None):
        return Invalid("an id that is neither number nor string", line)
    if isinstance(method, str):
        if "id" not in value:
            return Notification(method, value.get("params"))
        if identifier is None:
            return Invalid("request with null as its id", line)
        return Request(identifier, method, value.get("params"))
    if "result" in value or "error" in value:
        error = value.get("error")
        if error is not None and not isinstance(error, dict):
            error = {"code": INTERNAL_ERROR, "message": str(error)}
        return Response(identifier, value.get("result"), error)
    return Invalid("neither method nor result nor error", line)


def encode(value: dict[str, Any]) -> bytes:
    """Write one message as one line, in ASCII: no raw newline, no torn character."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def request(identifier: Id, method: str, params: Any) -> bytes:
    """Write a request."""
    return encode({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})


def notification(method: str, params: Any) -> bytes:
    """Write a notification."""
    return encode({"jsonrpc": "2.0", "method": method, "params": params})


def answer(identifier: Id, result: Any) -> bytes:
    """Write a successful answer."""
    return encode({"jsonrpc": "2.0", "id": identifier, "result": result})


def refusal(identifier: Id | None, code: int, message: str, data: Any = None) -> bytes:
    """Write an error as the answer."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return encode({"jsonrpc": "2.0", "id": identifier, "error": error})
