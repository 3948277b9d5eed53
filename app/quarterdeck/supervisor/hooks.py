"""Lifecycle hooks: user commands on what happens, in order per session, beside all else (C6)."""

import asyncio
import itertools
import json
import logging
import os
import shutil
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from quarterdeck.model.clock import iso, now_ms
from quarterdeck.model.event_types import EventType
from quarterdeck.model.quiet_hours import is_quiet
from quarterdeck.store import runs
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import hook_process, hook_settings
from quarterdeck.supervisor.collapsing import Collapsing
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.hook_kinds import HookKind
from quarterdeck.supervisor.hook_settings import Notifications
from quarterdeck.supervisor.hook_steps import Steps
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.recorder import record_on

AT_ONCE = 4
WAITING_LIMIT = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Note:
    """What a person may be told of."""

    run: LiveRun
    kind: HookKind
    payload: dict[str, Any]
    given: bytes


class Hooks:
    """What is to be run, a queue for each session; a session without one has no task."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._queues: dict[str, deque[tuple[LiveRun, list[str], bytes]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hook")
        self._stop = threading.Event()
        self._steps = Steps()
        self._notes: Collapsing[_Note] = Collapsing(self._announce)
        self._numbers = itertools.count()
        ctx.tell, ctx.hears = self.tell, self.hears

    def tell(self, run: LiveRun, news: list[tuple[str, dict[str, Any]]]) -> None:
        """Queue the commands for what was just committed, in order."""
        hooks, notes = self._settings()
        for kind, payload in (
            step for name, told in news for step in self._steps.of(run.run_id, name, told)
        ):
            asked = payload.get("approval_id")
            if kind is HookKind.APPROVAL_DECIDED:
                self._notes.moot((run.session_id, HookKind.APPROVAL_REQUESTED), asked)
            if not hooks.commands.get(kind) and kind not in notes.kinds:
                continue
            event = {
                "kind": kind.value,
                "at": iso(now_ms()),
                "session_id": run.session_id,
                "run_id": run.run_id,
                "cwd": run.cwd,
                "payload": payload,
            }
            given = json.dumps(event).encode() + b"\n"
            for argv in hooks.commands.get(kind, []):
                self._queue(run, argv, given)
            if kind in notes.kinds:
                told = _Note(run, kind, payload, given)
                name = asked or next(self._numbers)
                self._notes.add((run.session_id, kind), name, told, notes.collapse)

    def hears(self, kind: HookKind) -> bool:
        """Tell whether some command is to be run on such a step."""
        hooks, notes = self._settings()
        return bool(hooks.commands.get(kind)) or kind in notes.kinds

    def _settings(self) -> tuple[hook_settings.Hooks, Notifications]:
        sections, places = self._ctx.sections, self._ctx.places
        return (
            sections.load(places, "hooks", hook_settings.Hooks),
            sections.load(places, "notifications", Notifications),
        )

    def _announce(self, note: _Note, more: int) -> None:
        """Tell a person outside of the screen, unless it is quiet."""
        notes = self._ctx.sections.load(self._ctx.places, "notifications", Notifications)
        if is_quiet(notes.quiet_hours, datetime.now().time()):
            return
        if notes.command is not None:
            self._queue(note.run, notes.command, note.given)
        program = shutil.which("notify-send") if notes.desktop else None
        if program is not None:
            said = str(note.payload.get("title") or note.payload.get("reason") or "")[:200]
            told = f"Quarterdeck: {note.kind.value}" + (f" (and {more} more)" if more else "")
            self._queue(note.run, [program, "--app-name=Quarterdeck", "--", told, said], b"")

    def _queue(self, run: LiveRun, argv: list[str], given: bytes) -> None:
        queue = self._queues.get(run.session_id)
        if queue is not None and len(queue) >= WAITING_LIMIT:
            _log.warning("a hook was left out, too many wait", extra={"session": run.session_id})
            return
        if queue is not None:
            queue.append((run, argv, given))
            return
        self._queues[run.session_id] = deque([(run, argv, given)])
        task = asyncio.create_task(self._work(run.session_id), name="hooks")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, session_id: str) -> None:
        """Run a session's commands one after the other until none is left."""
        queue = self._queues[session_id]
        try:
            while queue:
                run, argv, given = queue.popleft()
                await self._run(run, argv, given)
        finally:
            del self._queues[session_id]

    async def _run(self, run: LiveRun, argv: list[str], given: bytes) -> None:
        settings = self._ctx.sections.load(self._ctx.places, "hooks", hook_settings.Hooks)
        env = dict(os.environ) | {"QUARTERDECK_SESSION": run.session_id}
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(
            self._threads, hook_process.run, argv, given, settings.timeout, env, self._stop
        )
        if outcome.problem is None:
            return
        told = {
            "command": argv,
            "kind": json.loads(given)["kind"] if given else "notification",
            "problem": outcome.problem,
            "output": outcome.output,
        }

        async def note(tx: Tx) -> None:
            rec = await record_on(self._ctx, tx, await runs.load(tx.db, run.run_id), run.cwd)
            rec.event(EventType.HOOK, told)
            await rec.flush()

        try:
            await self._ctx.store.write(note, durable=False)
        except Exception:
            _log.exception("a hook's failure could not be recorded", extra=told)

    async def close(self) -> None:
        """Start no more commands and kill those that run."""
        self._stop.set()
        self._ctx.tell = lambda run, news: None
        self._notes.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
