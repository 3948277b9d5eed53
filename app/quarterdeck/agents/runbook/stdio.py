"""The agent's end of stdin and stdout: one JSON message a line, bounded, whatever comes."""

import asyncio
import json
from collections import deque
from typing import Any

from quarterdeck.model.failpoints import failpoint
from quarterdeck.rpc.framing import CHUNK_BYTES, Line, LineSplitter
from quarterdeck.rpc.message import PARSE_ERROR, Invalid, encode, parse, refusal


class LineTransport:
    """Carries messages for the ACP library over a pair of byte streams.

    Lines over the limit and lines that are no JSON-RPC message are answered with an error and
    never reach the library, whose own reader has no bound and ends at an odd message.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._splitter = LineSplitter()
        self._lines: deque[Line] = deque()

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message, or None at the end of input."""
        while True:
            while self._lines:
                line = self._lines.popleft()
                if not line.data.strip():
                    continue
                message = parse(line.data, cut=line.cut)
                if not isinstance(message, Invalid):
                    return _plain(line.data)
                await self._write(refusal(None, PARSE_ERROR, f"Parse error: {message.reason}"))
            chunk = await self._reader.read(CHUNK_BYTES)
            if not chunk:
                return None
            self._lines.extend(self._splitter.feed(chunk))

    async def send(self, message: dict[str, Any]) -> None:
        """Write one message; returns when the pipe has room again.

        Raises:
            ConnectionError: if the other side is gone.
        """
        try:
            line = encode(message)
        except TypeError:
            # Details of a validation error may hold an exception object.
            line = encode(json.loads(json.dumps(message, default=str)))
        await self._write(line)

    async def close(self) -> None:
        """Stop writing."""
        self._writer.close()

    async def _write(self, line: bytes) -> None:
        if self._writer.is_closing():
            raise ConnectionError("the client is gone")
        failpoint("runbook_stdio.write.before")
        self._writer.write(line)
        # A cancelled drain would cancel the waiter that all senders share.
        await asyncio.shield(asyncio.ensure_future(self._writer.drain()))


def _plain(data: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(data)
    if value.get("error") is not None and not isinstance(value["error"], dict):
        value["error"] = {"code": -32603, "message": str(value["error"])}
    return value
