"""textual-serve's server behind our guard, on one listening socket."""

import asyncio
import contextlib
import logging
import shlex
import signal
import socket
import sys
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from textual_serve.server import Server

from quarterdeck.cli.web.guard import Guard, add_headers
from quarterdeck.model.failpoints import failpoint

SCREEN = shlex.join([sys.executable, "-P", "-m", "quarterdeck.cli.web"])
TITLE = "Quarterdeck"
FONT_SIZES = range(8, 65)


class GuardedServer(Server):
    """Serves the screen, a process for each browser, to those whom the guard lets in."""

    def __init__(self, guard: Guard, host: str, port: int) -> None:
        """Serve what `guard` lets in; it is not started yet."""
        super().__init__(SCREEN, host=host, port=port, title=TITLE)
        self._guard = guard

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard.middleware)
        app.on_response_prepare.append(add_headers)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command has printed the address."""

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Answer with the page, whose addresses are those by which the browser came."""
        try:
            size = int(request.query.get("fontsize", "16"))
        except ValueError:
            size = 16
        scheme = "wss" if request.scheme == "https" else "ws"
        context: dict[str, Any] = {
            "font_size": size if size in FONT_SIZES else 16,
            "app_websocket_url": f"{scheme}://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self.title},
        }
        return aiohttp_jinja2.render_template("app_index.html", request, context)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        OSError: The address is not ours or in use.
    """
    family, *_, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        failpoint("web.bind.before")
        made.bind(address)
        made.listen(64)
    except OSError:
        made.close()
        raise
    return made


async def serve(server: GuardedServer, listening: socket.socket) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; the screens end with it, agents go on."""
    # Whatever a browser sends wrong is its own affair, and no line on the terminal.
    logging.getLogger("textual-serve").addHandler(logging.NullHandler())
    runner = web.AppRunner(await server._make_app(), access_log=None, shutdown_timeout=2)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        await ended.wait()
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(runner.cleanup(), 10)
