"""Who may reach the screen in a browser: the token, the Host and the Origin of a request.

A name in Host that is not ours is a page that made its own name point here (DNS rebinding); an
Origin that is not the Host is another site's page that opens our websocket. Both are refused, on
loopback too: a browser that runs here reaches loopback for every page it shows.
"""

import hmac
import ipaddress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

SCREEN = "/"
SOCKET = "/ws"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""Sent with every answer: nothing is loaded from elsewhere, nobody frames it or keeps it."""


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is only reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Guard:
    """What a request has to have."""

    token: str | None
    """In the address of the first page, from then on in a cookie; None to ask for none."""
    names: frozenset[str]
    """Host names that are ours, in lower case, beside those of loopback."""
    beyond_loopback: bool
    """Whether the server listens on more than loopback: then any address is ours."""
    cookie: str

    def problem(self, request: web.Request) -> HTTPStatus | None:
        """Return with which status a request is refused, or None if it is let in."""
        if not self._is_ours(request.headers.get("Host", "")):
            return HTTPStatus.MISDIRECTED_REQUEST
        if not self._same_site(request):
            return HTTPStatus.FORBIDDEN
        if self.token is not None and not self._knows_token(request):
            return HTTPStatus.UNAUTHORIZED
        return None

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        if name is None:
            return False
        if is_loopback(name) or name in self.names:
            return True
        return self.beyond_loopback and _is_address(name)

    def _same_site(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is None:  # every browser sends one with a websocket
            return request.path != SOCKET
        return urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()

    def _knows_token(self, request: web.Request) -> bool:
        known = (self.token or "").encode()
        given = request.query.get("token") if request.path == SCREEN else None
        kept = request.cookies.get(self.cookie)
        # In constant time, so that how long it takes tells nothing of the token.
        by_address = hmac.compare_digest((given or "").encode(), known)
        by_cookie = hmac.compare_digest((kept or "").encode(), known)
        return by_address or by_cookie

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what is not let in, and take the token out of the browser's address."""
        problem = self.problem(request)
        if problem is not None:
            return _refusal(problem)
        if self.token is not None and "token" in request.query:
            answer = web.HTTPSeeOther(SCREEN)
            answer.set_cookie(
                self.cookie, self.token, httponly=True, samesite="Strict", max_age=None
            )
            answer.headers.update(HEADERS)
            raise answer
        return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put `HEADERS` on an answer."""
    response.headers.update(HEADERS)


def _refusal(status: HTTPStatus) -> web.Response:
    said = {
        HTTPStatus.MISDIRECTED_REQUEST: "This server has another name: see `qd web --name`.",
        HTTPStatus.FORBIDDEN: "This request comes from another site's page.",
        HTTPStatus.UNAUTHORIZED: "Open the address that `qd web` printed, with its token.",
    }
    return web.Response(status=status, text=said[status] + "\n")


def _name_of(host: str) -> str | None:
    """Return the name in a Host header, in lower case and without port and brackets."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query:
        return None
    return parts.hostname


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
