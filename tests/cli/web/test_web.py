"""`qd web`: the screen in a real browser, and who is kept from it."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.support.browser import CHROMIUM, browser
from tests.support.deckhouse import Deckhouse, session_in
from tests.support.waiting import eventually_async


@dataclass(frozen=True)
class Serving:
    """A `qd web` that runs."""

    url: str
    token: str | None

    @property
    def at(self) -> str:
        """The host and port."""
        return urlsplit(self.url).netloc


@contextlib.asynccontextmanager
async def serving(house: Deckhouse, *options: str) -> AsyncIterator[Serving]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "quarterdeck", "web", "--port", "0", "--json", *options),
        env=house.environment,
        cwd=house.project,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        yield Serving(said["url"], said["token"])
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def seen(condition: Callable[[], bool]) -> None:
    """Wait, long, for what a browser has to do."""

    async def now() -> bool:
        return condition()

    await eventually_async(now, within=90)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
async def test_a_browser_shows_the_sessions_and_keys_work_in_it(deckhouse: Deckhouse, tmp_path):
    deck = await deckhouse.deck()
    session_id = (await deckhouse.new(deck, "say aye", title="Swab the poop deck"))["session_id"]
    await session_in(deck, session_id, "idle")
    async with serving(deckhouse) as served, browser(tmp_path / "profile") as page:
        await page.open(served.url)
        await seen(lambda: "Swab the poop deck" in page.shown)
        await seen(lambda: "supervisor" in page.shown)
        assert "token" not in await page.evaluate("location.href")
        assert await page.evaluate("document.cookie") == ""  # no script can read it
        assert {urlsplit(url).netloc for url in page.statuses} == {served.at}
        assert "Cancel the turn or the start" not in page.shown
        await page.evaluate("document.querySelector('textarea').focus()")
        await page.press("?")
        await seen(lambda: "Cancel the turn or the start" in page.shown)
        assert len(await page.picture()) > 5_000


@pytest.mark.parametrize(
    ("path", "headers", "cookie", "status"),
    [
        ("/", {}, False, 401),
        ("/?token=wrong", {}, False, 401),
        ("/static/js/textual.js", {}, False, 401),
        ("/static/js/textual.js?token={token}", {}, False, 401),
        ("/ws?token={token}", {"Origin": "http://{at}"}, False, 401),
        ("/?token={token}", {}, False, 303),
        ("/", {}, True, 200),
        ("/", {"Host": "evil.example"}, True, 421),
        ("/", {"Host": "10.0.0.1"}, True, 421),
        ("/", {"Host": "localhost:1"}, True, 200),
        ("/", {"Host": "x@localhost"}, True, 421),
        ("/", {"Origin": "http://evil.example"}, True, 403),
        ("/ws", {"Origin": "http://evil.example"}, True, 403),
        ("/ws", {"Origin": "http://localhost:3000"}, True, 403),
        ("/ws", {"Origin": "null"}, True, 403),
        ("/ws", {}, True, 403),
        ("/ws", {"Host": "evil.example", "Origin": "http://evil.example"}, True, 421),
    ],
)
async def test_nobody_gets_in_without_the_token_from_elsewhere_or_under_another_name(
    guarded: Serving, path: str, headers: dict[str, str], cookie: bool, status: int
) -> None:
    fill = {"token": guarded.token, "at": guarded.at}
    sent = {name: value.format(**fill) for name, value in headers.items()}
    sent |= {"Connection": "Upgrade", "Upgrade": "websocket"} if path.startswith("/ws") else {}
    if cookie:
        port = guarded.at.rpartition(":")[2]
        sent["Cookie"] = f"quarterdeck-{port}={guarded.token}"
    async with aiohttp.ClientSession() as client:
        answer = await client.get(
            f"http://{guarded.at}{path.format(**fill)}", headers=sent, allow_redirects=False
        )
    assert answer.status == status
    assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Give one `qd web` for all that is refused."""
    house = Deckhouse(tmp_path_factory.mktemp("web"))
    command = [sys.executable, "-P", "-m", "quarterdeck", "web", "--port", "0", "--json"]
    with subprocess.Popen(
        command, env=house.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Serving(said["url"], said["token"])
        process.terminate()


async def test_beyond_loopback_it_cannot_go_without_a_token(deckhouse: Deckhouse) -> None:
    assert deckhouse.qd("web", "--host", "0.0.0.0", "--no-token", check=False) == ""
    async with serving(deckhouse, "--host", "0.0.0.0") as served:
        assert served.token
        port = urlsplit(served.url).port
        async with aiohttp.ClientSession() as client:
            for host, status in (("192.0.2.7", 401), ("evil.example", 421)):
                answer = await client.get(f"http://127.0.0.1:{port}/", headers={"Host": host})
                assert answer.status == status


async def test_on_loopback_the_token_can_be_left_out(deckhouse: Deckhouse) -> None:
    async with serving(deckhouse, "--no-token") as served, aiohttp.ClientSession() as client:
        assert served.token is None
        assert (await client.get(served.url)).status == 200
        evil = await client.get(served.url, headers={"Host": "evil.example"})
        assert evil.status == 421
