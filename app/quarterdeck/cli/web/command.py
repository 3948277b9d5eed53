"""`qd web`: the same screen in a browser."""

import asyncio
import secrets
import socket
import sys
from typing import Annotated

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.model.errors import QuarterdeckError

commands = command_group()

TOKEN_BYTES = 32


@commands.command("web")
def web(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name browsers reach it by; may be repeated."),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Ask for no token; on loopback only.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the screen in a browser: on loopback unless told, with a token in the address."""
    invocation = Invocation.of(ctx, json)
    from quarterdeck.cli.web.guard import Guard, is_loopback
    from quarterdeck.cli.web.server import GuardedServer, listen, serve

    beyond = not is_loopback(host)
    if beyond and no_token:
        raise QuarterdeckError(
            "invalid_params",
            f"--no-token: {host} is reached from other machines, which needs a token",
            hint="leave out --no-token, or listen on 127.0.0.1",
        )
    try:
        listening = listen(host, port)
    except OSError as error:
        raise QuarterdeckError(
            "invalid_params",
            f"cannot listen on {host}, port {port}: {error}",
            hint="choose another --port or --host; --port 0 takes a free port",
        ) from error
    taken = listening.getsockname()[1]
    token = None if no_token else secrets.token_urlsafe(TOKEN_BYTES)
    names = {given.lower() for given in (*(name or ()), host)}
    if beyond:
        names.add(socket.gethostname().lower())
    guard = Guard(token, frozenset(names), beyond, f"quarterdeck-{taken}")
    address = f"http://{_in_address(host)}:{taken}/" + (f"?token={token}" if token else "")
    invocation.out.emit({"url": address, "host": host, "port": taken, "token": token}, address)
    sys.stdout.flush()
    if beyond:
        invocation.out.note(
            "The connection is not encrypted: prefer `ssh -L` to a port on loopback."
        )
    asyncio.run(serve(GuardedServer(guard, host, taken), listening))


def _in_address(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
