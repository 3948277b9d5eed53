"""A client in a process of its own, told by a test what to decide and when."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from tests.support.deckhouse import Deckhouse


class ClientProcess:
    """One client in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, house: Deckhouse, name: str) -> "ClientProcess":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.deciding_client", name),
            env=house.environment,
            cwd=Path(__file__).parents[2],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        client = cls(process)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        return client

    async def decide_or_die(self, decision: dict[str, Any]) -> dict[str, Any] | None:
        """Have it decide now; None if it was killed before it could tell."""
        try:
            return await self.decide(0, decision)
        except (ValueError, ConnectionError):
            return None

    async def decide(self, at: float, decision: dict[str, Any]) -> dict[str, Any]:
        """Have it decide at a moment, and return what it was told."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"at": at, "decide": decision}).encode() + b"\n")
        return json.loads(await self._process.stdout.readline())

    async def close(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
