"""The demo's own sessions on a supervisor of their own, for pictures of what is really there."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from quarterdeck.cli.demo import scratch
from quarterdeck.cli.demo.scenes import SCENES
from quarterdeck.client.deck import Deck
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import Action, SessionState
from quarterdeck.tui.app import QuarterdeckApp

AGENT = "runbook"
WITHIN_S = 300.0
SETTLED = (SessionState.WAITING, SessionState.IDLE)


class LiveDemo:
    """The sessions of `qd demo`, and more of the same in projects beside it."""

    def __init__(self, made: scratch.Scratch, deck: Deck) -> None:
        self._made, self._deck = made, deck

    def app(self) -> QuarterdeckApp:
        """Return the screen on this demo."""

        async def connect(on_change: Callable[[int], None]) -> Deck:
            return await Deck.connect(
                self._made.places, reader="pictures", client="tui", start=False, on_change=on_change
            )

        return QuarterdeckApp(connect, host="buildbox", cwd=self._made.project, read_after=3600)

    async def play(self, project: str = "project") -> None:
        """Start every scene in a project, and wait until each of them waits or is done."""
        folder = self._made.folder / project
        if not folder.exists():
            shutil.copytree(self._made.project, folder)
        for scene in SCENES:
            await self._deck.new(
                agent=AGENT,
                cwd=str(folder),
                prompt=scene.prompt,
                title=scene.title,
                env=dict(os.environ),
            )
        await self.settled()

    async def settled(self) -> list[SessionView]:
        """Wait until every session waits for a person or is done; return them."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                views = list((await self._deck.sessions())[0])
                if views and all(view.state in SETTLED and not view.queued for view in views):
                    return views
                await asyncio.sleep(0.2)

    async def approve(self, title: str) -> None:
        """Approve all that the session of this title asks, until it asks no more."""
        while found := [a for a in await self._deck.approvals() if a.session_title == title]:
            for one in found:
                await self._deck.decide(
                    one.approval_id,
                    run_id=one.run_id,
                    payload_sha256=one.payload_sha256,
                    action=Action.APPROVE.value,
                    token=one.approval_id,
                )
            await self.settled()


@contextlib.asynccontextmanager
async def live_demo() -> AsyncIterator[LiveDemo]:
    """Set the demo up in a folder of its own, play it, and clear everything away."""
    top = Path(tempfile.mkdtemp(prefix="qd-"))
    try:
        made = scratch.make(top / "demo")
        # The runbook agents keep their progress there: it goes with the folder.
        os.environ["XDG_STATE_HOME"] = str(made.progress)
        deck = await Deck.connect(made.places, reader="pictures", client="tests", start=True)
        try:
            demo = LiveDemo(made, deck)
            await demo.play()
            yield demo
        finally:
            await deck.down(agents=True)
            await deck.close()
    finally:
        shutil.rmtree(top, ignore_errors=True)
