"""The supervisor as a whole: started, recovered, serving, drained (D1, D2, D5, V6)."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from typing import Any

from quarterdeck import __version__
from quarterdeck.agents.acp import validation
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.places import Places
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import (
    amending,
    file_watch,
    gating,
    lifecycle,
    presence,
    purging,
    recovery,
    upkeep,
)
from quarterdeck.supervisor.api import Api
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.expiry import Expiry
from quarterdeck.supervisor.hooks import Hooks
from quarterdeck.supervisor.ingestion import Ingestion
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.logs import name_subjects, set_up
from quarterdeck.supervisor.methods import METHODS
from quarterdeck.supervisor.recorder import Recorder
from quarterdeck.supervisor.server import Server
from quarterdeck.supervisor.session_expiry import SessionExpiry

DRAIN_SECONDS = 5.0
AGENTS_END_SECONDS = 30.0

_log = logging.getLogger(__name__)


async def run(places: Places, *, foreground: bool) -> None:
    """Be the supervisor of `places`, whose lock is held, until told to end.

    Raises:
        QuarterdeckError: `store_newer`, `store_unusable`.
    """
    set_up(places.log, foreground=foreground)
    store = await Store.open(places.database)
    ctx = Context(places, store)
    name_subjects(ctx.live)
    await Service(ctx).serve_until_told()


async def _preload() -> None:
    """Make what the first messages need, and have garbage never again looked for in all of it.

    These are tens of thousands of objects that stay. To go through them took a full collection
    longer than a person may wait for a line, every few seconds while a hundred agents speak.
    """
    await asyncio.to_thread(validation.preload)
    gc.freeze()


class Service:
    """A running supervisor."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._report = recovery.Report()
        self._recovered = asyncio.Event()
        self._purging: asyncio.Task[None] | None = None
        self._told = asyncio.Event()
        self._upkeep: asyncio.Task[None] | None = None
        self._file_watch: asyncio.Task[None] | None = None
        self._api = Api(ctx, self._report, self.shut_down, METHODS)
        self._server = Server(self._api, self._recovered)
        self._hooks = Hooks(ctx)
        self._expiry = Expiry(ctx)
        self._session_expiry = SessionExpiry(ctx)
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
        watching = asyncio.create_task(presence.watch(self._ctx, self._told.set), name="presence")
        await self._told.wait()
        watching.cancel()
        if self._purging is not None:
            self._purging.cancel()
        await self._drain(recovering)

    async def _recover(self) -> None:
        try:
            await recovery.recover(self._ctx, self._ingestion, self._report)
            self._upkeep = asyncio.create_task(upkeep.keep(self._ctx), name="upkeep")
        except Exception:
            _log.exception("recovery failed")
        finally:
            self._recovered.set()
            self._ctx.rearm()
            self._ctx.rearm_sessions()
            self._ctx.do(amending.repair(self._ctx), "amending")
            self._ctx.do(gating.repair(self._ctx), "gates")
            self._purging = asyncio.create_task(purging.purge_daily(self._ctx), name="purging")
            self._ctx.do(_preload(), "schema")
            watching = file_watch.watch(self._ctx, self._files_changed)
            self._file_watch = asyncio.create_task(watching, name="file-watch")

    def _files_changed(self) -> None:
        """Have screens ask what is wrong with the files now, and when approvals expire by them."""
        self._ctx.policy.look_again()
        self._ctx.rearm()
        self._server.changed(self._ctx.store.change)

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
        self._ctx.ending = True

        async def work(tx: Tx) -> None:
            for held in list(self._ctx.live.values()):
                await self._ctx.current(tx, held.run_id)
                if held.stopping is None and not held.ended:
                    await self._end_run(tx, held)

        try:
            await self._ctx.store.write(work)
        except BaseException:
            self._ctx.ending = False
            raise
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
        for task in (self._upkeep, self._file_watch):
            if task is not None:
                task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._server.close()
                while self._ctx.tasks:
                    await asyncio.wait(set(self._ctx.tasks))
        for task in self._ctx.tasks:
            task.cancel()
        self._expiry.close()
        self._session_expiry.close()
        await self._hooks.close()
        await self._ingestion.close()
        for held in list(self._ctx.live.values()):
            held.let_go()
        await self._ctx.store.close()
        if self._ctx.store.in_place():  # else the socket is another supervisor's by now
            failpoint("socket.remove.before")
            self._ctx.places.socket.unlink(missing_ok=True)
        _log.info("supervisor ended")
