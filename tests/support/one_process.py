"""A supervisor without its processes: real store, methods and ingestion, the agent in the test.

Transactions go through a turnstile: a test starts several things at once, and a seeded chance
decides in which order their transactions are done. So ten thousand races take a minute, and a
seed brings the same order again.
"""

import asyncio
import functools
import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from quarterdeck.agents.holding import RunDirectory, Spool
from quarterdeck.client.deck import Deck
from quarterdeck.model.places import Places
from quarterdeck.store import sessions
from quarterdeck.store import store as store_module
from quarterdeck.store.connection import StoreConnection
from quarterdeck.store.sessions import NewSession
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import context, lifecycle
from quarterdeck.supervisor.api import Api, Caller
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.expiry import Expiry
from quarterdeck.supervisor.ingestion import Ingestion
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.methods import METHODS
from quarterdeck.supervisor.recovery import Report

T = TypeVar("T")


class InlineConnection(StoreConnection):
    """A connection without a thread: thousands of small statements take a third of the time."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)


def connect_inline(path: Path) -> InlineConnection:
    """Stand in for `connection.connect`."""
    made = functools.partial(sqlite3.connect, path, isolation_level=None, check_same_thread=False)
    return InlineConnection(made, 64)


class Turnstile(Store):
    """A store whose transactions wait until they are let through, while `closed`."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.closed = False
        self.waiting: list[asyncio.Future[None]] = []
        self.news = asyncio.Event()

    async def write(
        self, work: Callable[[Tx], Awaitable[T]], *, durable: bool = True, brief: bool = False
    ) -> T:
        if self.closed:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            self.news.set()
            await turn
        return await super().write(work, durable=durable, brief=brief)


@dataclass
class Asked:
    """One request of the agent, and all answers that reached its stdin for it."""

    number: int
    run_id: str
    request_id: int | str
    kind: str
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def command(self) -> str:
        return f"deploy part-{self.number}"

    @property
    def file(self) -> str:
        return f"part-{self.number}.txt"

    def line(self, agent_session: str, project: Path) -> dict[str, Any]:
        """Return the request as the agent writes it; its tool call's id is always the same."""
        if self.kind == "file":
            told = {"path": str(project / self.file), "content": self.command}
            method = "fs/write_text_file"
        else:
            call = {
                "toolCallId": "the-call",
                "title": "Deploy",
                "kind": "execute",
                "rawInput": {"command": self.command},
            }
            options = [
                {"optionId": f"yes-{self.number}", "name": "Yes", "kind": "allow_once"},
                {"optionId": f"no-{self.number}", "name": "No", "kind": "reject_once"},
            ]
            told, method = {"toolCall": call, "options": options}, "session/request_permission"
        params = {"sessionId": agent_session, **told}
        return {"id": self.request_id, "method": method, "params": params}


class InnerAgent:
    """An agent of one run: it reads the spool as its stdin and writes to the journal."""

    def __init__(self, run: LiveRun, project: Path) -> None:
        self.run, self._project = run, project
        self._read = 0
        self.prompt: Any = None
        self.session = f"inner-{run.session_id}"
        self.unanswered: dict[Any, list[Asked]] = defaultdict(list)
        self.strays: list[dict[str, Any]] = []
        self.dead = False

    def write(self, *lines: dict[str, Any]) -> None:
        with self.run.directory.journal.open("a") as journal:
            for line in lines:
                journal.write(json.dumps({"jsonrpc": "2.0", **line}) + "\n")

    def ask(self, asked: Asked) -> None:
        self.unanswered[asked.request_id].append(asked)
        self.write(asked.line(self.session, self._project))

    def withdraw(self, request_id: Any) -> None:
        self.write({"method": "$/cancel_request", "params": {"requestId": request_id}})

    def end_turn(self, reason: str) -> None:
        if self.prompt is not None:
            self.write({"id": self.prompt, "result": {"stopReason": reason}})
            self.prompt = None

    def attend(self) -> bool:
        """Take in what is new on its stdin; return whether there was anything."""
        with self.run.directory.spool.open("rb") as spool:
            spool.seek(self._read)
            data = spool.read()
        self._read += len(data)
        for line in data.splitlines():
            self._hear(json.loads(line))
        return bool(data)

    def _hear(self, told: dict[str, Any]) -> None:
        method = told.get("method")
        if method is None:
            # Answers to requests of one id come in the order in which these were asked.
            waiting = self.unanswered[told["id"]]
            if waiting:
                waiting.pop(0).answers.append(told)
            else:
                self.strays.append(told)
        elif method == "initialize":
            result = {"protocolVersion": 1, "agentCapabilities": {"loadSession": True}}
            self.write({"id": told["id"], "result": result})
        elif method == "session/prompt":
            self.prompt = told["id"]
        elif method == "session/cancel":
            self.end_turn("cancelled")
        elif "id" in told:
            result = {"sessionId": self.session} if method == "session/new" else {}
            self.write({"id": told["id"], "result": result})


class DirectDeck(Deck):
    """A client whose calls reach the methods without a socket; the way there and back is JSON."""

    def __init__(self, api: Api, reader: str) -> None:
        self._api, self._caller = api, Caller(reader, "races", "here")

    async def call(self, method: str, **params: Any) -> Any:
        given = {key: value for key, value in params.items() if value is not None}
        answer = await self._api.serve(self._caller, method, json.loads(json.dumps(given)))
        return json.loads(json.dumps(answer))


class OneProcess:
    """One session of an inner agent, and the supervisor's parts around it."""

    def __init__(self, ctx: Context, store: Turnstile, project: Path) -> None:
        self.ctx, self.store, self.project = ctx, store, project
        self.api = Api(ctx, Report(done=True), _never, METHODS)
        self.ingestion = Ingestion(ctx, ctx.places.bell)
        ctx.look = lambda run: None
        self.agents: list[InnerAgent] = []
        self.spooled_early: list[bytes] = []
        self.committed = sqlite3.connect(
            f"file:{ctx.places.database}?mode=ro", uri=True, isolation_level=None
        )
        """A connection of the test's own, which sees what is committed and nothing else."""
        self.committed.row_factory = sqlite3.Row
        self.session_id = "ses_" + "1" * 32

    @classmethod
    async def open(cls, root: Path, monkeypatch: pytest.MonkeyPatch) -> "OneProcess":
        """Make the parts and start the session."""
        places = Places(root / "state", root / "config")
        project = root / "project"
        for folder in (places.state, places.runs, places.config, project):
            folder.mkdir(parents=True, exist_ok=True)
        places.config_file.write_text('[agents.inner]\ncommand = ["true"]\n')
        monkeypatch.setattr(store_module, "connect", connect_inline)
        store = await Turnstile.open(places.database)
        assert isinstance(store, Turnstile)
        ctx = Context(places, store)
        one = cls(ctx, store, project)
        monkeypatch.setattr(lifecycle, "launch", one._launch)
        spool = functools.partial(CommittedSpool, one)
        monkeypatch.setattr(context, "Spool", spool)
        await store.write(one._create)
        await one.settle()
        return one

    async def close(self) -> None:
        """Let go of everything."""
        self.store.closed = False
        for turn in self.store.waiting:
            turn.cancel()
        await self.ingestion.close()
        for run in list(self.ctx.live.values()):
            run.let_go()
        await self.store.close()
        self.committed.close()

    async def _create(self, tx: Tx) -> None:
        place = str(self.project)
        new = NewSession(self.session_id, place, "inner", place, "races", "", None, None)
        await sessions.insert(tx, new)
        session = await sessions.load(tx.db, self.session_id)
        await lifecycle.begin(self.ctx, tx, session, "new", source="request")

    async def _launch(self, ctx: Context, run: LiveRun, agent: str, env: dict[str, str]) -> None:
        run.directory.create()
        run.spool.append(run.unspooled)
        run.unspooled.clear()
        self.agents.append(InnerAgent(run, self.project))

    @property
    def agent(self) -> InnerAgent:
        """The agent of the newest run."""
        return self.agents[-1]

    def deck(self, reader: str) -> Deck:
        """Return a client."""
        return DirectDeck(self.api, reader)

    def query(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Read what is committed."""
        return self.committed.execute(sql, values).fetchall()

    def state(self) -> str:
        """Return the session's state."""
        return self.query("SELECT state FROM sessions")[0]["state"]

    async def ingest(self) -> None:
        """Take in what the agent wrote, or its end, in one transaction."""
        run = self.agent.run
        if not run.ended:
            batch = functools.partial(self.ingestion._ingest, [run])
            await self.store.write(batch, durable=False, brief=True)

    async def expire(self) -> None:
        """Do what happens when the time of all open questions is over."""
        expiry = Expiry(self.ctx)
        await expiry._look()
        expiry.close()

    def kill_agent(self) -> None:
        """Let the agent be gone, as its keeper's end tells; `ingest` finds out."""
        self.agent.dead = self.agent.run.keeper_gone = True

    async def settle(self) -> None:
        """Let agent and supervisor talk until both are silent."""
        quiet = False
        while not quiet:
            while self.ctx.tasks:
                await asyncio.wait(set(self.ctx.tasks))
            heard = bool(self.agents) and not self.agent.dead and self.agent.attend()
            run = self.agent.run if self.agents else None
            behind = run is not None and not run.ended and (_unread(run) or run.keeper_gone)
            if behind:
                await self.ingest()
            quiet = not heard and not behind and not self.ctx.tasks

    async def race(self, chance: random.Random, moves: list[Coroutine[Any, Any, None]]) -> None:
        """Do everything at once; `chance` says whose transaction comes next."""
        tasks = [asyncio.ensure_future(move) for move in moves]
        self.store.closed = True
        try:
            while True:
                alive = {task for task in {*tasks, *self.ctx.tasks} if not task.done()}
                if len(alive) > len(self.store.waiting):
                    self.store.news.clear()
                    for task in alive:
                        task.add_done_callback(lambda _: self.store.news.set())
                    await self.store.news.wait()
                elif alive:
                    turn = self.store.waiting.pop(chance.randrange(len(self.store.waiting)))
                    turn.set_result(None)
                else:
                    break
        finally:
            self.store.closed = False
        for task in tasks:
            task.result()


class CommittedSpool(Spool):
    """A spool that notes lines whose rows are not committed yet (DESIGN §4)."""

    def __init__(self, one: OneProcess, run_dir: RunDirectory) -> None:
        super().__init__(run_dir)
        self._one = one

    def append(self, rows: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        rows = list(rows)
        for start, payload in rows:
            found = self._one.query(
                "SELECT payload FROM outbox WHERE run_id = ? AND start = ?",
                self._run_dir.path.name,
                start,
            )
            if [row["payload"] for row in found] != [payload]:
                self._one.spooled_early.append(payload)
        return super().append(rows)


def _unread(run: LiveRun) -> bool:
    journal = run.directory.journal
    return journal.exists() and journal.stat().st_size > run.read


async def _never(agents: bool) -> dict[str, Any]:
    raise AssertionError("not a part of this")
