"""Clients that use the production protocol by chance, and remember what was acknowledged."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView
from quarterdeck.rpc.connection import Connection
from tests.simulation.clockwork import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

PAUSES = (0.0, 0.005, 0.05, 0.3)
TRIES = 8


@dataclass
class Memory:
    """What clients were told, of which nothing may be lost."""

    new: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By start key: the ids."""
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By text: the command."""
    tried: set[str] = field(default_factory=set)
    """Every text that was ever sent."""
    decided: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    """What was wanted, and the decision that was answered."""
    wanted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By the exact text shown: every action that was ever asked for."""
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Cancels and closes, by id."""
    taken_back: set[str] = field(default_factory=set)
    """Texts of prompts that were said to be taken back."""
    events: dict[tuple[str, int], str] = field(default_factory=dict)
    marks: dict[tuple[str, str], int] = field(default_factory=dict)

    def forget_unsure(self) -> None:
        """Forget what needs no word of the disk, and may be gone with the power."""
        self.events.clear()
        self.marks.clear()


class Client:
    """One client process with a connection that breaks now and then."""

    def __init__(self, world: "World", memory: Memory, number: int) -> None:
        self.world, self.memory = world, memory
        self.name = f"client-{number}"
        self.process = Process(world.loop, self.name)
        self.reader = f"reader-{number % 2}"
        self._connection: Connection | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._count = 0
        self._powers = 0
        self._versions: dict[str, int] = {}
        self._runs: dict[str, list[str]] = defaultdict(list)
        """By session: its runs as this client saw them, oldest first."""
        self.done = False

    def work(self, operations: int) -> None:
        """Do so many things."""
        self.process.start(self._work(operations))

    async def _work(self, operations: int) -> None:
        choices = (
            (self._new, 10),
            (self._send, 22),
            (self._decide, 40),
            (self._trace, 12),
            (self._mark, 5),
            (self._cancel, 4),
            (self._take_back, 3),
            (self._close, 3),
            (self._cancel_run, 1),
            (self._stale, 4),
            (self._down, 1),
        )
        names, weights = zip(*choices, strict=True)
        await self._new()
        for _ in range(operations):
            if self.world.calm:
                break
            await asyncio.sleep(self.world.rng.choice(PAUSES))
            await self.world.rng.choices(names, weights)[0]()
        self.done = True

    async def tidy(self) -> None:
        """Answer what is open, time and again, but leave some of it."""
        left: set[str] = set()
        for _ in range(25):
            for approval in (await self._ask("approval.list"))["approvals"]:
                if approval["approval_id"] in left:
                    continue
                if self.world.rng.random() < 0.1:
                    left.add(approval["approval_id"])
                else:
                    await self._decide_one(approval)
            await asyncio.sleep(1.0)
        self.done = True

    # The connection

    async def _connected(self) -> Connection:
        while self._connection is None or self._connection.closed:
            try:
                reader, writer = self.world.harbour.connect()
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
                continue
            connection = Connection(reader, writer)
            self._writer = writer
            asyncio.create_task(connection.run())  # noqa: RUF006 - the loop keeps all tasks
            try:
                hello = {"client": self.name, "version": "1", "reader": self.reader, "host": "sim"}
                await connection.call("hello", hello | {"watch": self.world.rng.random() < 0.5})
            except QuarterdeckError:
                continue
            self._connection = connection
        return self._connection

    async def _call(self, method: str, **given: Any) -> Any:
        """Call until answered; the same again where the answer was lost; None at last."""
        self.world.note("ask", self.name, method, given)
        for _ in range(TRIES):
            connection = await self._connected()
            if self.world.rng.random() < 0.03 and self._writer is not None:
                self.process.later(self.world.rng.choice(PAUSES), self._writer.transport.abort)
            try:
                return await connection.call(method, given)
            except QuarterdeckError as error:
                if error.code not in ("unreachable", "shutting_down", "store_unusable"):
                    if error.code == "internal":
                        self.world.violation(f"{method}: {error.message}")
                    raise
                if error.code == "unreachable":
                    self._connection = None
            await asyncio.sleep(0.05)
        return None

    async def _ask(self, method: str, **given: Any) -> Any:
        while (found := await self._call(method, **given)) is None:
            pass
        return found

    def _mark_of(self, kind: str) -> str:
        self._count += 1
        return f"{kind} {self.name} {self._count}"

    # What is done

    async def _new(self) -> None:
        text = self._mark_of("prompt")
        self.memory.tried.add(text)
        try:
            ids = await self._call(
                "session.new",
                agent="sim",
                cwd="/",
                prompt=text,
                key=f"key {text}",
                wait=self.world.rng.random() < 0.2,
            )
        except QuarterdeckError:
            return
        if ids is not None:
            self.memory.new[f"key {text}"] = ids | {"text": text}
            self._runs[ids["session_id"]].append(ids["run_id"])

    async def _session(self) -> dict[str, Any] | None:
        """Look at all sessions, and choose one."""
        powers = self.world.power_losses
        listed = await self._call("session.list", state="all")
        if listed is None:
            return None
        views = [view.to_wire() for view in SessionView.from_table(listed["sessions"])]
        if powers == self.world.power_losses:
            for view in views:
                self._saw(view)
        return self.world.rng.choice(views) if views else None

    def _saw(self, view: dict[str, Any]) -> None:
        session_id, version = view["session_id"], view["version"]
        if self._powers != self.world.power_losses:
            self._powers = self.world.power_losses
            self._versions.clear()
        if version < self._versions.get(session_id, 0):
            self.world.violation(f"the version of {session_id} went back to {version}")
        self._versions[session_id] = version
        runs = self._runs[session_id]
        if view["run_id"] and runs[-1:] != [view["run_id"]]:
            runs.append(view["run_id"])

    async def _send(self, run_id: str | None = None) -> None:
        session = await self._session()
        if session is None:
            return
        text = self._mark_of("prompt")
        self.memory.tried.add(text)
        more = {"interrupt": True} if self.world.rng.random() < 0.15 else {}
        if self.world.rng.random() < 0.3 and session["active"]:
            more["run_id"] = session["run_id"]
        try:
            row = await self._call(
                "session.send",
                session_id=session["session_id"],
                text=text,
                key=f"key {text}",
                **more,
            )
        except QuarterdeckError:
            return
        if row is not None:
            self.memory.sent[text] = row
            if self.world.rng.random() < 0.1:
                await self._send_again(row, text, more)

    async def _send_again(self, row: dict[str, Any], text: str, more: dict[str, Any]) -> None:
        """Send once more what was acknowledged, as a client that was restarted does."""
        try:
            again = await self._call(
                "session.send",
                session_id=row["session_id"],
                text=text,
                key=f"key {text}",
                **more,
            )
        except QuarterdeckError:
            return
        if again and again["run_id"] == row["run_id"] and again["command_id"] != row["command_id"]:
            self.world.violation(f"{text!r} with the same key made two commands")

    async def _stale(self) -> None:
        """Name a run that was replaced: this must be refused (R6)."""
        session = await self._session()
        if session is None:
            return
        old = [run for run in self._runs[session["session_id"]] if run != session["run_id"]]
        if not old:
            return
        text = self._mark_of("stale")
        self.memory.tried.add(text)
        try:
            row = await self._call(
                "session.send", session_id=session["session_id"], text=text, run_id=old[0]
            )
        except QuarterdeckError:
            return
        if row is not None:
            self.world.violation(f"a prompt for the run {old[0]}, which was replaced, was taken")

    async def _decide(self) -> None:
        listed = await self._call("approval.list")
        if not listed or not listed["approvals"]:
            await self._session()
            return
        await self._decide_one(self.world.rng.choice(listed["approvals"]))

    async def _decide_one(self, approval: dict[str, Any]) -> None:
        rng = self.world.rng
        recovery = approval["kind"] == "session_recovery_required"
        action = rng.choice(("approve", "approve", "deny", "abort", "approve_session"))
        wanted = {
            "approval_id": approval["approval_id"],
            "run_id": approval["run_id"],
            "payload_sha256": approval["payload_sha256"],
            "action": "approve" if recovery else action,
            "token": self._mark_of("token"),
        }
        if recovery:
            wanted["option"] = rng.choice(("resume", "restart", "abandon"))
        self.memory.wanted[approval["subject"]].add(wanted["action"])
        await self._decide_as(wanted)
        if rng.random() < 0.15:
            # Somebody else had it on the screen too and presses another key.
            other = "deny" if wanted["action"] != "deny" else "approve"
            if not recovery:
                late = wanted | {"action": other, "token": self._mark_of("token")}
                self.memory.wanted[approval["subject"]].add(other)
                await self._decide_as(late)
        if rng.random() < 0.1:
            await self._decide_otherwise(wanted)

    async def _decide_as(self, wanted: dict[str, Any]) -> None:
        try:
            decision = await self._call("approval.decide", **wanted)
        except QuarterdeckError:
            return
        if decision is not None:
            self.memory.decided.append((wanted, decision))

    async def _decide_otherwise(self, wanted: dict[str, Any]) -> None:
        """Decide on a text that is not the stored one: this must be refused."""
        try:
            taken = await self._call("approval.decide", **wanted | {"payload_sha256": "0" * 64})
        except QuarterdeckError:
            return
        if taken is not None:
            self.world.violation("a decision on another payload was taken")

    async def _trace(self) -> None:
        session = await self._session()
        if session is None:
            return
        try:
            powers = self.world.power_losses
            page = await self._call(
                "event.list", session_id=session["session_id"], after_seq=0, limit=500
            )
        except QuarterdeckError:
            return
        if powers != self.world.power_losses:
            return
        for event in page["events"] if page else ():
            key = (event["run_id"], event["seq"])
            told = repr((event["type"], event["payload"]))
            if self.memory.events.setdefault(key, told) != told:
                self.world.violation(f"event {key} has changed")

    async def _mark(self) -> None:
        session = await self._session()
        if session is None:
            return
        done = await self._call(
            "session.mark_read", session_id=session["session_id"], version=session["version"]
        )
        if done is not None:
            key = (self.reader, session["session_id"])
            self.memory.marks[key] = max(self.memory.marks.get(key, 0), done["version"])

    async def _simple(self, method: str, **more: Any) -> dict[str, Any] | None:
        session = await self._session()
        if session is None:
            return None
        try:
            return await self._call(method, session_id=session["session_id"], **more)
        except QuarterdeckError:
            return None

    async def _cancel(self) -> None:
        row = await self._simple("session.cancel")
        if row is not None:
            self.memory.commands[row["command_id"]] = row

    async def _close(self) -> None:
        row = await self._simple("session.close")
        if row is not None:
            self.memory.commands[row["command_id"]] = row

    async def _cancel_run(self) -> None:
        await self._simple("run.cancel")

    async def _take_back(self) -> None:
        """Take a prompt back that may still wait."""
        if not self.memory.sent:
            return
        text = self.world.rng.choice(sorted(self.memory.sent))
        try:
            row = await self._call(
                "command.cancel", command_id=self.memory.sent[text]["command_id"]
            )
        except QuarterdeckError:
            return
        if row is not None and row["state"] == "cancelled" and row["reason"] == "taken back":
            self.memory.taken_back.add(text)

    async def _down(self) -> None:
        await self._call("supervisor.down", agents=self.world.rng.random() < 0.2)
