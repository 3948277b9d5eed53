"""A headless Chromium, driven over its DevTools protocol: pages, keys, and what a page is sent."""

import asyncio
import base64
import contextlib
import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_DEVTOOLS = re.compile(rb"DevTools listening on (ws://[^/]+)/")
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])")


class Page:
    """One page; what its websockets receive is kept as text."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._sent = 0
        self._received = b""
        self.statuses: dict[str, int] = {}
        """HTTP status of each address that was loaded."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            heard = json.loads(message.data)
            params = heard.get("params", {})
            if "id" in heard:
                self._answers.pop(heard["id"]).set_result(heard)
            elif heard.get("method") == "Network.webSocketFrameReceived":
                frame = params["response"]
                data = frame["payloadData"]
                self._received += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
            elif heard.get("method") == "Network.responseReceived":
                self.statuses[params["response"]["url"]] = params["response"]["status"]

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Make one call of the DevTools protocol."""
        self._sent += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[self._sent] = answer
        await self._socket.send_json({"id": self._sent, "method": method, "params": params})
        heard = await asyncio.wait_for(answer, 60)
        assert "error" not in heard, heard
        return heard["result"]

    async def open(self, url: str) -> None:
        """Go to an address."""
        await self.call("Network.enable")
        await self.call("Page.enable")
        await self.call("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """Return what an expression of JavaScript is worth, awaited."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        return found["result"].get("value")

    async def press(self, key: str) -> None:
        """Press and release a key that writes one character."""
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def picture(self) -> bytes:
        """Return what the page looks like, as a PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    @property
    def shown(self) -> str:
        """Everything the page's terminal was sent, without its escape sequences."""
        return _SEQUENCE.sub("", self._received.decode("utf-8", "replace"))

    async def close(self) -> None:
        """Close the page."""
        await self._socket.close()
        await self._reading


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Page]:
    """Give a page of a new browser, whose profile lies in `folder`."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        "--window-size=1200,700",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    draining: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(60):
            while not (found := _DEVTOOLS.search(line := await process.stderr.readline())):
                assert line, "chromium ended before it could be driven"
        draining = asyncio.create_task(process.stderr.read())
        at = found.group(1).decode()
        async with aiohttp.ClientSession() as client:
            listed = await client.put(f"{at.replace('ws:', 'http:')}/json/new")
            target = await listed.json(content_type=None)
            async with client.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                try:
                    yield page
                finally:
                    await page.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if draining is not None:
            draining.cancel()
