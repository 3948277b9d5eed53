"""`qd rpc`: the protocol on stdin and stdout, as `ssh box qd rpc` needs it."""

import asyncio
import os
import threading

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.rpc.framing import CHUNK_BYTES

commands = command_group()
STDIN, STDOUT = 0, 1


@commands.command("rpc")
def rpc(ctx: typer.Context, json: Json = False) -> None:
    """Speak the protocol on stdin and stdout; ends with stdin, once every answer is out."""
    invocation = Invocation.of(ctx, json)
    if not asyncio.run(_bridge(invocation)):
        raise QuarterdeckError("unreachable", "the supervisor closed the connection")


async def _bridge(invocation: Invocation) -> bool:
    """Carry bytes both ways until the socket ends; whether stdin had ended before."""
    from quarterdeck.client.link import open_link

    reader, writer = await open_link(invocation.places, start=True)
    stdin_ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    # A daemon thread: reading stdin cannot be cut short, and must not keep the process alive.
    feed = threading.Thread(target=_feed, args=(loop, writer, stdin_ended), daemon=True)
    feed.start()
    try:
        while chunk := await reader.read(CHUNK_BYTES):
            await asyncio.to_thread(_write_all, chunk)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return stdin_ended.is_set()


def _feed(
    loop: asyncio.AbstractEventLoop, writer: asyncio.StreamWriter, ended: asyncio.Event
) -> None:
    """Send what stdin has, at the socket's pace; then close our half: answers still come."""

    async def send(chunk: bytes) -> None:
        failpoint("bridge.send.before")
        writer.write(chunk)
        await writer.drain()

    async def finish() -> None:
        ended.set()
        writer.write_eof()

    try:
        while chunk := _read():
            asyncio.run_coroutine_threadsafe(send(chunk), loop).result()
        asyncio.run_coroutine_threadsafe(finish(), loop).result()
    except (OSError, RuntimeError):
        return  # the socket or the loop ended first: the other direction tells


def _read() -> bytes:
    try:
        return os.read(STDIN, CHUNK_BYTES)
    except OSError:
        return b""


def _write_all(data: bytes) -> None:
    view = memoryview(data)
    while view:
        failpoint("bridge.print.before")
        view = view[os.write(STDOUT, view) :]
