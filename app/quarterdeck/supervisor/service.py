"""The supervisor as a whole: started, recovered, serving, drained (D1, D2, D5, V6)."""

import asyncio
import contextlib
import logging
import os
import signal
import stat
from pathlib import Path
from typing import Any

from quarterdeck import __version__
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import lifecycle, recovery
from quarterdeck.supervisor.api import Api
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.ingestion import Ingestion
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.lock import Lock
from quarterdeck.supervisor.logs import set_up
from quarterdeck.supervisor.methods import METHODS
from quarterdeck.supervisor.recorder import Recorder
from quarterdeck.supervisor.server import Server

DRAIN_SECONDS = 5.0
AGENTS_END_SECONDS = 30.0

_log = logging.getLogger(__name__)


def prepare_state_directory(state: Path) -> None:
    """Make the state directory, 0700, or refuse one that is not safely ours.

    Raises:
        QuarterdeckError: `cannot_start`, saying what is wrong with it.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = state.stat()
        if found.st_uid != os.getuid():
            raise QuarterdeckError(
                "cannot_start",
                f"{state} belongs to user {found.st_uid}, not to you",
                hint="set QUARTERDECK_STATE_DIR to a directory of your own",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            state.chmod(0o700)
        (state / "runs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise QuarterdeckError(
            "cannot_start",
            f"the state directory cannot be used: {error}",
            hint="check its owner and mode, or set QUARTERDECK_STATE_DIR",
        ) from error


async def run(places: Places, *, foreground: bool) -> None:
    """Be the supervisor of `places` until told to end.

    Raises:
        QuarterdeckError: `session_manager_already_running`, with nothing touched; `cannot_start`,
            `store_newer`, `store_unusable`.
    """
    prepare_state_directory(places.state)
    lock = Lock.take(places.lock)
    try:
        set_up(places.log, foreground=foreground)
        store = await Store.open(places.database)
        service = Service(Context(places, store))
        await service.serve_until_told()
    finally:
        lock.release()


class Service:
    """A running supervisor."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._report = recovery.Report()
        self._recovered = asyncio.Event()
        self._told = asyncio.Event()
        self._api = Api(ctx, self._report, self.shut_down, METHODS)
        self._server = Server(self._api, self._recovered)
        self._ingestion = Ingestion(ctx, ctx.places.bell)

    async def serve_until_told(self) -> None:
        """Recover, accept work, and drain once SIGTERM, SIGINT or `qd down` said so."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        self._ctx.store.on_change = self._server.changed
        await self._server.listen(self._ctx.places.socket)
        _log.info(
            "supervisor started",
            extra={"pid": os.getpid(), "version": __version__, "note": self._ctx.store.note},
        )
        recovering = asyncio.create_task(self._recover())
        await self._told.wait()
        await self._drain(recovering)

    async def _recover(self) -> None:
        try:
            await recovery.recover(self._ctx, self._ingestion, self._report)
        except Exception:
            _log.exception("recovery failed")
        finally:
            self._recovered.set()

    async def shut_down(self, agents: bool) -> dict[str, Any]:
        """End the supervisor, after its agents if they are to end too (V6)."""
        left: list[str] = []
        if agents:
            left = await self._end_agents()
        self._ctx.draining = True
        asyncio.get_running_loop().call_soon(self._told.set)
        return {"pid": os.getpid(), "drained": not left, "left": left}

    async def _end_agents(self) -> list[str]:
        """Close every live run and wait for the ends; returns the runs that did not end."""

        async def work(tx: Tx) -> None:
            for held in list(self._ctx.live.values()):
                if held.stopping is None and not held.ended:
                    await self._end_run(tx, held)

        await self._ctx.store.write(work)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(AGENTS_END_SECONDS):
                await self._ctx.none_live.wait()
        return sorted(self._ctx.live)

    async def _end_run(self, tx: Tx, held: LiveRun) -> None:
        rec = await Recorder.open(self._ctx, tx, held)
        row = await tx.one("SELECT state FROM sessions WHERE session_id = ?", (held.session_id,))
        if row is not None and row["state"] == "starting":
            await lifecycle.cancel_start(rec)
        else:
            await lifecycle.close(rec, "shutdown")
        await rec.flush()

    async def _drain(self, recovering: "asyncio.Task[None]") -> None:
        """Stop intake, finish what is in flight within 5 s, checkpoint; still under the lock."""
        self._ctx.draining = True
        recovering.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._server.close()
                while self._ctx.tasks:
                    await asyncio.wait(set(self._ctx.tasks))
        for task in self._ctx.tasks:
            task.cancel()
        await self._ingestion.close()
        for held in list(self._ctx.live.values()):
            held.let_go()
        await self._ctx.store.close()
        self._ctx.places.socket.unlink(missing_ok=True)
        _log.info("supervisor ended")
