"""The Unix socket: one connection per client, pushes of the latest change to those who watch."""

import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.rpc.connection import Connection
from quarterdeck.rpc.framing import CHUNK_BYTES
from quarterdeck.rpc.protocol import PROTOCOL
from quarterdeck.rpc.unix_path import reachable
from quarterdeck.supervisor import params
from quarterdeck.supervisor.api import BEFORE_RECOVERY, Api, Caller
from quarterdeck.supervisor.peer_user import is_own_user

PUSHES_PER_SECOND = 60
BACKLOG_LIMIT = 1024 * 1024
ANSWER_SECONDS = 3.0
"""How long a closing server lets requests that it took in be answered."""

_log = logging.getLogger(__name__)


class Server:
    """Accepts clients; a slow one costs itself, never the others."""

    def __init__(self, api: Api, recovered: asyncio.Event) -> None:
        self._api, self._recovered = api, recovered
        self._watching: set[Connection] = set()
        self._connections: set[Connection] = set()
        self._change = 0
        self._pushed_at = 0.0
        self._push: asyncio.TimerHandle | None = None
        self._listener: asyncio.Server | None = None

    async def listen(self, path: Path) -> None:
        """Bind the socket, 0600 from its first moment, in place of a dead supervisor's."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        failpoint("socket.unlink.before")
        fresh.unlink(missing_ok=True)
        with reachable(fresh) as name:
            failpoint("socket.bind.before")
            listener.bind(name)
        fresh.chmod(0o600)
        listener.setblocking(False)
        self._listener = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=CHUNK_BYTES, backlog=128
        )
        failpoint("socket.rename.before")
        fresh.rename(path)
        failpoint("socket.rename.after")

    def changed(self, change: int) -> None:
        """Tell the watching clients, the first time at once and then at most 60 times a second."""
        self._change = change
        if self._push is not None or not self._watching:
            return
        loop = asyncio.get_running_loop()
        due = self._pushed_at + 1 / PUSHES_PER_SECOND - loop.time()
        self._push = loop.call_later(max(0.0, due), self._push_now)

    def _push_now(self) -> None:
        self._push = None
        self._pushed_at = asyncio.get_running_loop().time()
        for connection in self._watching:
            if connection.backlog < BACKLOG_LIMIT:
                connection.notify("changed", {"change": self._change})

    async def close(self) -> None:
        """Stop accepting and let go of the clients, after what they asked for was answered."""
        if self._listener is not None:
            self._listener.close()
        self._recovered.set()
        finishing = [connection.finish() for connection in self._connections]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.gather(*finishing)
        for connection in list(self._connections):
            await connection.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_own_user(writer.get_extra_info("socket")):
            writer.close()
            return
        caller = Caller()
        connection: Connection

        async def serve(method: str, given: Any) -> Any:
            if method == "hello":
                return self._hello(connection, caller, given)
            if not caller.reader:
                raise QuarterdeckError("invalid_params", "the first call must be hello")
            if method not in BEFORE_RECOVERY:
                await self._recovered.wait()
            return await self._api.serve(caller, method, given)

        connection = Connection(reader, writer, serve=serve)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
            self._watching.discard(connection)

    def _hello(self, connection: Connection, caller: Caller, given: Any) -> dict[str, Any]:
        asked = params.read(params.Hello, given)
        caller.reader, caller.client = asked.reader, asked.client
        caller.host = asked.host or socket.gethostname()
        if asked.watch:
            self._watching.add(connection)
        return {"pid": os.getpid(), "protocol": PROTOCOL, "change": self._change}
