"""A peer on a stream: awaits answers, serves requests. Used by clients and by the socket server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.rpc import message
from quarterdeck.rpc.framing import CHUNK_BYTES, LINE_LIMIT, LineSplitter
from quarterdeck.rpc.message import Id, Invalid, Notification, Request
from quarterdeck.rpc.peer import Answer, Peer

_log = logging.getLogger(__name__)

ANSWER_LIMIT = 4 * LINE_LIMIT
"""Bytes of a line that a client takes: one event of an agent's longest line, all of it escaped."""

LINGER_SECONDS = 1.0

Serve = Callable[[str, Any], Awaitable[Any]]
Hear = Callable[[str, Any], None]


async def _serve_nothing(method: str, params: Any) -> Any:
    raise QuarterdeckError("unknown_method", f"this side serves no methods, and not {method!r}")


class Connection:
    """One JSON-RPC conversation over an asyncio stream."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        serve: Serve = _serve_nothing,
        hear: Hear = lambda method, params: None,
    ) -> None:
        """Take over both ends of a stream.

        Args:
            reader: Where the other side's bytes come from.
            writer: Where ours go.
            serve: Answers a request; may raise QuarterdeckError. Requests run concurrently.
            hear: Takes a notification.
        """
        self._reader, self._writer = reader, writer
        self._serve, self._hear = serve, hear
        self._answers = serve is not _serve_nothing
        self._peer = Peer()
        self._waiting: dict[Id, asyncio.Future[Any]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self.closed = False

    async def run(self) -> None:
        """Read until the other side goes away, then fail whatever still waits for an answer."""
        failpoint("rpc.run.before")
        splitter = LineSplitter(limit=LINE_LIMIT if self._answers else ANSWER_LIMIT)
        try:
            while chunk := await self._reader.read(CHUNK_BYTES):
                failpoint("rpc.read.after")
                for line in splitter.feed(chunk):
                    self._take(line.data, cut=line.cut)
                # Only the side that answers holds back, for one that does not take its answers.
                # If both did, two large messages under way at once would wait for each other.
                if self._answers:
                    await self._writer.drain()
        except OSError:
            pass
        finally:
            self.closed = True
            self._fail_waiting()
            await self._settle()

    async def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Ask the other side and return its result.

        Raises:
            QuarterdeckError: What the other side answered, `unreachable` if it went away, or
                `invalid_params` if the request is longer than a line may be.
        """
        if self.closed or self._writer.is_closing():
            raise QuarterdeckError("unreachable", "the connection is closed")
        identifier, line = self._peer.call(method, params or {})
        if len(line) > LINE_LIMIT:
            del self._peer.asked[identifier]
            limit = f"{len(line)} bytes, over the limit of {LINE_LIMIT}"
            raise QuarterdeckError("invalid_params", f"{method}: the request has {limit}")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = future
        try:
            failpoint("rpc.call.before")
            self._writer.write(line)
            failpoint("rpc.call.after")
            return await future
        finally:
            self._waiting.pop(identifier, None)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        if not self._writer.is_closing():
            failpoint("rpc.notify.before")
            self._writer.write(message.notification(method, params))

    @property
    def backlog(self) -> int:
        """Bytes written and not yet taken by the other side."""
        return self._writer.transport.get_write_buffer_size()

    async def close(self) -> None:
        """Close the stream; once the other side takes nothing for a second, the rest is dropped."""
        self.closed = True
        self._writer.close()
        closing = asyncio.ensure_future(self._writer.wait_closed())
        # Whether it was closed by a reset does not matter any more.
        closing.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            left = self.backlog + 1
            while not closing.done() and self.backlog < left:
                left = self.backlog
                # No timeout around it: that would cancel a future that all waiters share.
                await asyncio.wait((closing,), timeout=LINGER_SECONDS)
        finally:
            self._writer.transport.abort()

    async def finish(self) -> None:
        """Answer what was taken in, then close."""
        if self._serving:
            await asyncio.wait(set(self._serving))
        await self.close()

    async def _settle(self) -> None:
        """Let requests that were taken in finish: their effects must not depend on the asker."""
        if self._serving:
            await asyncio.gather(*self._serving, return_exceptions=True)
        await self.close()

    def _take(self, line: bytes, *, cut: bool) -> None:
        incoming = self._peer.receive(line, cut=cut)
        if isinstance(incoming, Request):
            task = asyncio.create_task(self._answer(incoming))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        elif isinstance(incoming, Answer):
            future = self._waiting.get(incoming.id)
            if future is not None and not future.done():
                self._resolve(future, incoming)
        elif isinstance(incoming, Notification):
            self._hear_safely(incoming)
        elif isinstance(incoming, Invalid):
            self._write(message.refusal(None, message.PARSE_ERROR, incoming.reason))

    def _hear_safely(self, incoming: Notification) -> None:
        try:
            self._hear(incoming.method, incoming.params)
        except Exception:
            _log.exception("notification failed", extra={"method": incoming.method})

    def _resolve(self, future: "asyncio.Future[Any]", incoming: Answer) -> None:
        if incoming.error is None:
            future.set_result(incoming.result)
            return
        text = str(incoming.error.get("message", "no message"))
        future.set_exception(QuarterdeckError.from_wire(text, incoming.error.get("data")))

    async def _answer(self, request: Request) -> None:
        try:
            result = await self._serve(request.method, request.params)
            line = self._answer_line(request, result)
        except QuarterdeckError as error:
            code = {
                "unknown_method": message.METHOD_NOT_FOUND,
                "invalid_params": message.INVALID_PARAMS,
            }.get(error.code, message.APPLICATION_ERROR)
            line = self._peer.refuse(request.id, code, error.message, error.to_wire())
        except Exception as error:
            _log.exception("request failed", extra={"method": request.method})
            internal = QuarterdeckError("internal", f"{request.method}: {error!r}")
            code = message.INTERNAL_ERROR
            line = self._peer.refuse(request.id, code, internal.message, internal.to_wire())
        self._write(line)

    def _answer_line(self, request: Request, result: Any) -> bytes:
        line = message.answer(request.id, result)
        if len(line) > ANSWER_LIMIT:
            raise QuarterdeckError(
                "internal",
                f"{request.method}: the answer has {len(line)} bytes, over {ANSWER_LIMIT}",
                hint="ask for less at once",
            )
        self._peer.settle(request.id)
        return line

    def _write(self, line: bytes) -> None:
        if not self._writer.is_closing():
            failpoint("rpc.reply.before")
            self._writer.write(line)
            failpoint("rpc.reply.after")

    def _fail_waiting(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(QuarterdeckError("unreachable", "the supervisor went away"))
