"""Bounded waiting for what another process will make true."""

import asyncio
import time
from collections.abc import Awaitable, Callable


def eventually(condition: Callable[[], object], *, within: float = 60.0, what: str = "") -> None:
    """Wait until `condition()` is truthy; fail after `within` seconds, naming `what`."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or condition}")
        time.sleep(0.01)


async def eventually_async(
    condition: Callable[[], Awaitable[object]], *, within: float = 60.0, what: str = ""
) -> None:
    """Wait until `await condition()` is truthy; fail after `within` seconds, naming `what`."""
    deadline = time.monotonic() + within
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or condition}")
        await asyncio.sleep(0.01)
