"""Connections between simulated processes: bytes in order, late, in pieces, or cut off."""

import asyncio
import os
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.simulation.clockwork import PROCESS, Process, SimLoop

DELAYS = (0.0, 0.0, 0.0, 0.0005, 0.002, 0.03)


class _Socket:
    """What the server asks of a socket: whose it is."""

    def getsockopt(self, *given: Any) -> bytes:
        return struct.pack("3i", 1, os.getuid(), os.getgid())


class SimTransport(asyncio.Transport):
    """One end of a connection."""

    def __init__(self, process: Process, protocol: Any, note: Callable[[str, bytes], None]) -> None:
        super().__init__()
        self.process, self._protocol, self._note = process, protocol, note
        self.peer: SimTransport | None = None
        self._arriving: deque[bytes | None] = deque()
        self._due = False
        self._closing = False
        self._lost = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return _Socket() if name == "socket" else default

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        raise NotImplementedError

    def write(self, data: Any) -> None:
        if self._closing or self.process.dead or self.peer is None:
            return
        self._note(self.process.name, bytes(data))
        self.peer.arrive(bytes(data))

    def arrive(self, data: bytes | None) -> None:
        """Take bytes that are under way; None is the end."""
        self._arriving.append(data)
        self._plan()

    def _plan(self) -> None:
        if not self._due and self._arriving:
            self._due = True
            self.process.later(self.process.loop.rng.choice(DELAYS), self._feed)

    def _feed(self) -> None:
        self._due = False
        if self._lost or not self._arriving:
            return
        data = self._arriving.popleft()
        if data is None:
            self._lose()
            return
        if len(data) > 1 and self.process.loop.rng.random() < 0.05:
            cut = self.process.loop.rng.randrange(1, len(data))
            self._arriving.appendleft(data[cut:])
            data = data[:cut]
        self._protocol.data_received(data)
        self._plan()

    def _lose(self) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self._protocol.connection_lost(None)

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self.process.soon(self._lose)
        self.cut()

    def abort(self) -> None:
        self.close()

    def cut(self) -> None:
        """Let the other end find out that this one is gone."""
        if self.peer is not None:
            self.peer.arrive(None)


class Harbour:
    """Where the server of the moment is found, and what it has open."""

    def __init__(self, loop: SimLoop, note: Callable[[str, bytes], None]) -> None:
        self._loop, self._note = loop, note
        self._factory: Callable[[], Any] | None = None
        self._process: Process | None = None
        self._open: list[SimTransport] = []
        loop.create_unix_server_as = self._listen

    def _listen(self, factory: Callable[[], Any]) -> "Harbour":
        self._factory, self._process = factory, PROCESS.get()
        return self

    def close(self) -> None:
        """Accept nobody any more."""
        self._factory = None

    def sink(self) -> None:
        """The server's process is gone."""
        self._factory = None
        for transport in self._open:
            transport.cut()
        self._open = []

    def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect from the process that asks; raises ConnectionRefusedError without a server."""
        factory, server = self._factory, self._process
        if factory is None or server is None or server.dead:
            raise ConnectionRefusedError("no supervisor")
        reader = asyncio.StreamReader(loop=self._loop, limit=1 << 20)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self._loop)
        near = SimTransport(PROCESS.get(), protocol, self._note)
        protocol.connection_made(near)
        far = SimTransport(server, None, self._note)
        near.peer, far.peer = far, near

        def accept() -> None:
            far._protocol = factory()
            far._protocol.connection_made(far)

        far._due = True
        server.soon(accept)
        server.soon(self._accepted, far)
        self._open.append(far)
        return reader, asyncio.StreamWriter(near, protocol, reader, self._loop)

    def _accepted(self, far: SimTransport) -> None:
        if far._protocol is None:
            far.process.soon(self._accepted, far)
            return
        far._due = False
        far._plan()
