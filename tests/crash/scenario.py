"""A person's morning in small, and what they were promised about it, checked afterwards.

The person's client remembers everything it was told: pages of events, replies to commands,
decisions. When the supervisor goes away it connects again, and repeats what was not answered
with the same key or token, as the real one does. `check` then compares what it was told with
the store and with what the agents noted of themselves.
"""

import asyncio
import contextlib
import json
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from quarterdeck.agents import process
from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.model.records import (
    ApprovalView,
    CheckpointView,
    CommandView,
    DecisionView,
    EventView,
    SessionView,
)
from quarterdeck.store.schema import migrations, prepare, statements
from tests.support.growing_files import whole_lines
from tests.support.supervisor_zygote import ForkedSupervisor, Zygote

AGENT = Path(__file__).with_name("sweep_agent.py")
SETTLED_SECONDS = 10.0
"""Within which after a start every session is attached, resumed, or failed with a reason."""
STEP_SECONDS = 30.0
GONE = ("unreachable", "shutting_down", "command_channel_closed")
SETTLED = {"idle", "running", "waiting", "closed"}

T = TypeVar("T")


class Site:
    """One state directory with its supervisors, one after the other."""

    def __init__(
        self, root: Path, zygote: Zygote, starts: list[dict[str, str]], *, reboot: bool = False
    ) -> None:
        """Prepare the directories.

        Args:
            root: A folder of its own; removed by `clear`.
            zygote: Where supervisors come from.
            starts: Environment of the first supervisor, of the second …; then nothing special.
            reboot: Whether keepers and agents die with the first supervisor.
        """
        self.root = root
        self.places = Places(root / "state", root / "config")
        self.project = root / "project"
        for folder in (self.places.state, self.places.config, self.project):
            folder.mkdir(parents=True, mode=0o700)
        (self.project / "in.txt").write_text("read")
        command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
        env = f"{{ SWEEP_DIR = {json.dumps(str(root))} }}"
        self.places.config_file.write_text(f"[agents.sweep]\ncommand = {command}\nenv = {env}\n")
        self._zygote, self._starts, self._reboot = zygote, list(starts), reboot
        self.supervisor: ForkedSupervisor | None = None
        self.started = 0
        self.settling: dict[int, float] = {}
        """Seconds until all was known again, by the number of the start."""

    def up(self) -> bool:
        """Start a supervisor if none runs; whether one had to be started."""
        if self.supervisor is not None and self.supervisor.alive():
            return False
        if self._reboot and self.started == 1:
            self._kill_agents()
        variables = self._starts.pop(0) if self._starts else {}
        self.supervisor = self._zygote.start(self.places, **variables)
        self.started += 1
        return True

    def agent_log(self, kind: str) -> list[tuple[int, Any]]:
        """Return what the agents noted: pid and value, in order."""
        noted = [json.loads(line) for line in whole_lines(self.root / "log")]
        return [(pid, value) for pid, what, value in noted if what == kind]

    def query(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Read from the store's file."""
        db = sqlite3.connect(f"file:{self.places.database}?mode=ro", uri=True)
        with contextlib.closing(db):
            db.row_factory = sqlite3.Row
            return db.execute(sql, values).fetchall()

    def alive(self) -> dict[str, list[int]]:
        """Return the processes of this site's runs, by run id."""
        found = process.survivors_by_run()
        own = {row["run_id"] for row in self.query("SELECT run_id FROM runs")}
        return {mark: pids for mark, pids in found.items() if mark.partition("/")[0] in own}

    def _kill_agents(self) -> None:
        for mark in self.alive():
            process.sweep(mark)

    def clear(self) -> None:
        """Leave nothing running and no file."""
        if self.supervisor is not None:
            self.supervisor.kill()
            self.supervisor.wait(60)
            self.supervisor.forget()
        if self.places.database.exists():
            with contextlib.suppress(sqlite3.Error):
                self._kill_agents()
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass
class Told:
    """What the client was told, and may rely on."""

    sessions: dict[str, str] = field(default_factory=dict)
    commands: dict[str, CommandView] = field(default_factory=dict)
    decisions: list[tuple[ApprovalView, DecisionView]] = field(default_factory=list)
    events: dict[tuple[str, int], EventView] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    checkpoints: list[CheckpointView] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)


class Person:
    """A client that never gives up, and remembers what it was told."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.told = Told()
        self._deck: Deck | None = None
        self._changed = asyncio.Event()

    async def call(self, ask: Callable[[Deck], Awaitable[T]]) -> T:
        """Ask until it is answered, starting supervisors as needed."""
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            try:
                return await ask(await self._connected(deadline))
            except QuarterdeckError as error:
                if error.code not in GONE:
                    raise
                await self.leave()
                await asyncio.sleep(0.002)

    async def _connected(self, deadline: float) -> Deck:
        while self._deck is None:
            assert time.monotonic() < deadline, "no supervisor comes up"
            self.site.up()
            began = time.monotonic()
            try:
                deck = await Deck.connect(
                    self.site.places,
                    reader="sweeper",
                    client="sweep",
                    start=False,
                    on_change=lambda _: self._changed.set(),
                )
            except QuarterdeckError as error:
                if error.code != "unreachable":
                    raise
                await asyncio.sleep(0.005)
                continue
            self._deck = deck
            if self.site.started > 1:
                await self._settled(deck, began)
        return self._deck

    async def _settled(self, deck: Deck, began: float) -> None:
        """Every session is in a known state soon after each start (D2)."""
        start = self.site.started
        while start not in self.site.settling:
            recovery = (await deck.status())["recovery"]
            views: list[SessionView] = []
            if recovery["done"]:
                views = [await deck.session(ids) for ids in self.told.sessions.values()]
            unsettled = [view for view in views if not _is_known(view)]
            if recovery["done"] and not unsettled:
                self.site.settling[start] = time.monotonic() - began
            elif time.monotonic() > began + SETTLED_SECONDS:
                raise AssertionError(f"not settled: {unsettled} {recovery}")
            else:
                await self._pushed()

    async def leave(self) -> None:
        """Drop the connection."""
        if self._deck is not None:
            deck, self._deck = self._deck, None
            await deck.close()

    # What a person does

    async def new(self, name: str, prompt: str) -> str:
        """Begin a session."""
        ids = await self.call(
            lambda deck: deck.new(
                agent="sweep",
                cwd=str(self.site.project),
                prompt=prompt,
                env={},
                title=name,
                key=f"key-{name}",
            )
        )
        self.told.sessions[name] = ids["session_id"]
        return ids["session_id"]

    async def send(self, session_id: str, text: str, *, interrupt: bool | None = None) -> None:
        """Send a prompt."""
        view = await self.call(
            lambda deck: deck.send(session_id, text, key=f"key-{text}", interrupt=interrupt)
        )
        self.told.commands[view.command_id] = view

    async def look(self, session_id: str) -> SessionView:
        """See a session's state, and what is new in its trace."""
        view = await self.call(lambda deck: deck.session(session_id))
        run_id = view.run_id
        if run_id is not None:
            seen = max((seq for run, seq in self.told.events if run == run_id), default=0)
            if seen < view.last_event_seq:
                _, page, _ = await self.call(
                    lambda deck: deck.events(session_id, run_id=run_id, after_seq=seen, limit=500)
                )
                self.told.events |= {(event.run_id, event.seq): event for event in page}
        return view

    async def until(self, session_id: str, *states: str) -> SessionView:
        """Wait for a state with nothing queued."""
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            view = await self.look(session_id)
            if view.state in states and not view.queued:
                return view
            await self._news(deadline, f"{session_id} is not {states}: {view}")

    async def answer(
        self, session_id: str, subject: str, action: str, *, or_else: str | None = None
    ) -> None:
        """Wait for a question and decide it; one that ended with its agent is let go.

        Args:
            session_id: Where it is asked.
            subject: What it is about.
            action: What is pressed, with a token that is kept over retries.
            or_else: What is pressed instead if the first press was not answered, and the
                question is still open afterwards.
        """
        shown = await self.question(session_id, subject)
        token = f"token-{subject}"
        while shown is not None:
            try:
                made = await self.press(shown, action, token)
            except QuarterdeckError as error:
                if error.code == "not_pending":
                    return
                if error.code not in GONE:
                    raise
                await self.leave()
                approval_id = shown.approval_id
                now = await self.call(lambda deck: deck.approval(approval_id))  # noqa: B023
                if or_else is not None and now.state == "pending":
                    action, token = or_else, f"another-{token}"
                continue
            self.told.decisions.append((shown, made))
            return

    async def press(self, shown: ApprovalView, action: str, token: str) -> DecisionView:
        """Decide once, answered or not."""
        deck = await self._connected(time.monotonic() + STEP_SECONDS)
        return await deck.decide(
            shown.approval_id,
            run_id=shown.run_id,
            payload_sha256=shown.payload_sha256,
            action=action,
            token=token,
        )

    async def question(self, session_id: str, subject: str) -> ApprovalView | None:
        """Wait for a question; None if the turn that was to put it is over."""
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            open_ones = await self.call(lambda deck: deck.approvals(session_id))
            for shown in open_ones:
                if subject in f"{shown.subject} {shown.title}":
                    return shown
            if open_ones:
                return None
            view = await self.look(session_id)
            if view.state in ("idle", "closed", "failed_needs_human") and not view.queued:
                return None
            await self._news(deadline, f"no question {subject!r}: {view}")

    async def tidy(self, session_id: str) -> None:
        """Rename it, name its point, mark it read."""
        title = "another name"
        await self.call(lambda deck: deck.rename(session_id, title))
        self.told.titles[session_id] = title
        saved = await self.call(lambda deck: deck.save_checkpoint(session_id, "here"))
        self.told.checkpoints.append(saved)
        view = await self.call(lambda deck: deck.session(session_id))
        await self.call(lambda deck: deck.mark_read(session_id, view.version))
        self.told.read[session_id] = view.version

    async def close(self, session_id: str) -> None:
        """End a session on purpose and see it closed."""
        view = await self.call(lambda deck: deck.close_session(session_id))
        self.told.commands[view.command_id] = view
        await self.until(session_id, "closed")

    async def whole(self, session_id: str) -> list[EventView]:
        """Read every event of every run."""
        found: list[EventView] = []
        for run in await self.call(lambda deck: deck.runs(session_id)):
            _, page, _ = await self.call(
                lambda deck: deck.events(session_id, run_id=run.run_id, limit=500)  # noqa: B023
            )
            found += page
        return found

    async def down(self) -> None:
        """End the supervisor and its agents, and see its process gone."""
        while True:
            told = await self.call(lambda deck: deck.down(agents=True))
            assert not told["left"], told
            await self.leave()
            assert self.site.supervisor is not None
            if await asyncio.to_thread(self.site.supervisor.wait, STEP_SECONDS):
                return
            raise AssertionError("the supervisor did not end")

    async def _news(self, deadline: float, what: str) -> None:
        if time.monotonic() > deadline:
            raise AssertionError(what)
        await self._pushed()

    async def _pushed(self) -> None:
        """Wait until the supervisor says that something changed, for a moment at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), 0.1)
        self._changed.clear()


def _is_known(view: SessionView) -> bool:
    return view.state in SETTLED or (view.state == "failed_needs_human" and bool(view.failure))


FIRST = "say a1\nask touch one\nread in.txt\nsay a3"
SECOND = "say a4\nask touch two"
STEER = "say a5\nask touch three\nsay a6"
OTHER = "say b1"
OTHER_AGAIN = "write out.txt b2\nsay b3"
SAID = ["a1allowedreada3a4refuseda5", "a6"]
OTHER_SAID = "b1writtenb3"
ACTIONS = [{"approve_always"}, {"deny", "approve"}, {"approve"}]
OUTCOMES = {"approve": "y", "approve_always": "y", "deny": "n"}


async def play(person: Person) -> None:
    """Two sessions: one is asked, steered and closed, the other stays alive until the end."""
    a = await person.new("alpha", FIRST)
    b = await person.new("beta", OTHER)
    await person.send(a, SECOND)
    await person.answer(a, "touch one", "approve_always")
    await person.question(a, "touch two")
    await person.send(a, STEER, interrupt=True)
    await person.answer(a, "touch three", "deny", or_else="approve")
    await person.until(a, "idle", "failed_needs_human")
    await person.tidy(a)
    await person.close(a)
    await person.until(b, "idle", "failed_needs_human")
    await person.send(b, OTHER_AGAIN)
    await person.answer(b, "out.txt", "approve")
    await person.until(b, "idle", "failed_needs_human")


async def check_alive(person: Person, *, strict: bool) -> None:
    """While the supervisor runs: nothing of a stopped session does, and traces are as told."""
    site, told = person.site, person.told
    a, b = told.sessions["alpha"], told.sessions["beta"]
    events = {name: await person.whole(told.sessions[name]) for name in told.sessions}
    now = {(e.run_id, e.seq): e for trace in events.values() for e in trace}
    for key, event in told.events.items():
        assert now.get(key) == event, f"an event that was read is not as it was: {event}"
    active = {row[0] for row in site.query("SELECT active_run_id FROM sessions")}
    deadline = time.monotonic() + SETTLED_SECONDS
    while strays := {mark for mark in site.alive() if mark.partition("/")[0] not in active}:
        assert time.monotonic() < deadline, f"processes of stopped runs are alive: {strays}"
        await asyncio.sleep(0.01)
    if strict:
        third = told.decisions[1][1].action
        assert said(events["alpha"]) == ("refused" if third == "deny" else "allowed").join(SAID)
        assert said(events["beta"]) == OTHER_SAID
        assert [v.state for v in (await person.look(a), await person.look(b))] == ["closed", "idle"]


def check_store(site: Site, told: Told, *, strict: bool) -> None:
    """After the supervisor's end: what was acknowledged is there, once."""
    assert site.alive() == {}
    for run in site.query("SELECT * FROM runs"):
        seqs = site.query("SELECT seq FROM events WHERE run_no = ? ORDER BY seq", run["run_no"])
        assert [row["seq"] for row in seqs] == list(range(1, run["last_event_seq"] + 1))
        assert run["state"] in ("completed", "failed", "cancelled"), dict(run)
    _check_commands(site, told, strict=strict)
    _check_decisions(site, told, strict=strict)
    sessions = {row["session_id"]: row for row in site.query("SELECT * FROM sessions")}
    assert len(sessions) == len(told.sessions)
    for session_id, row in sessions.items():
        assert row["state"] == "closed" or row["failure"], dict(row)
        assert row["title"] == told.titles.get(session_id, row["title"])
    checkpoints = site.query("SELECT * FROM checkpoints WHERE name = 'here'")
    assert len(checkpoints) == len(told.checkpoints)
    _check_agents(site, strict=strict)


def _check_commands(site: Site, told: Told, *, strict: bool) -> None:
    rows = {row["command_id"]: row for row in site.query("SELECT * FROM commands")}
    for command_id in told.commands:
        assert command_id in rows, "a command that was acknowledged is lost"
    texts = Counter(row["text"] for row in rows.values() if row["kind"] in ("turn", "steer"))
    assert texts == Counter([FIRST, SECOND, STEER, OTHER, OTHER_AGAIN])
    for row in rows.values():
        assert row["state"] in ("completed", "failed", "cancelled"), dict(row)
        assert row["state"] == "completed" or row["reason"] or row["text"] == SECOND, dict(row)
        if strict and row["text"] != SECOND:
            assert row["state"] == "completed", dict(row)


def _check_decisions(site: Site, told: Told, *, strict: bool) -> None:
    decisions = site.query("SELECT * FROM decisions")
    by_approval = {row["approval_id"]: row for row in decisions}
    assert len(by_approval) == len(decisions), "an approval was decided twice"
    for shown, made in told.decisions:
        row = by_approval[shown.approval_id]
        assert (row["decision_id"], row["action"]) == (made.decision_id, made.action)
        assert row["payload_sha256"] == shown.payload_sha256
    assert not site.query("SELECT 1 FROM approvals WHERE state = 'pending'")
    if strict:
        pressed = [made.action for _, made in told.decisions]
        assert len(pressed) == len(ACTIONS)
        assert all(one in allowed for one, allowed in zip(pressed, ACTIONS, strict=True)), pressed
        wanted = [OUTCOMES[pressed[0]], None, OUTCOMES[pressed[1]]]
        assert _outcomes(site) == wanted, "the agent was told another decision than the store has"
        rules = (site.places.config / "policy.toml").read_text()
        assert rules.count("[[rules]]") == 1, rules
        assert (site.project / "out.txt").read_text() == "b2"


def _check_agents(site: Site, *, strict: bool) -> None:
    """What the agents themselves saw: no prompt and no answer twice."""
    prompts = Counter(text for _, text in site.agent_log("prompt"))
    answers = Counter((pid, value[0]) for pid, value in site.agent_log("answer"))
    assert [text for text, times in prompts.items() if times > 1] == []
    assert [key for key, times in answers.items() if times > 1] == []
    if strict:
        assert set(prompts) == {FIRST, SECOND, STEER, OTHER, OTHER_AGAIN}
        assert site.agent_log("load") == []


def _outcomes(site: Site) -> list[str | None]:
    answers = [value[1] for _, value in site.agent_log("answer")]
    return [answer["outcome"].get("optionId") for answer in answers if "outcome" in answer]


def said(events: list[EventView]) -> str:
    """Return what the agent said, put together."""
    return "".join(e.payload.get("text", "") for e in events if e.type == "assistant_message")


async def morning(person: Person, *, strict: bool) -> None:
    """Play the scenario to its end, and check what was promised."""
    await play(person)
    await check_alive(person, strict=strict)
    await person.down()
    await asyncio.to_thread(check_store, person.site, person.told, strict=strict)


async def only_start(person: Person) -> None:
    """Start on whatever store there is, and end: it has the newest schema then and is sound."""
    assert await person.call(lambda deck: deck.sessions(state="all")) == ([], None)
    await person.down()
    assert prepare(person.site.places.database) is None
    assert person.site.query("PRAGMA integrity_check")[0][0] == "ok"


async def run(site: Site, doing: Callable[[Person], Awaitable[None]]) -> None:
    """Have a person do something at a site; what fails tells where the supervisor was killed."""
    person = Person(site)
    try:
        await doing(person)
    except BaseException as error:
        log = site.places.log
        if log.exists():
            error.add_note(log.read_text()[-6000:])
        raise
    finally:
        await person.leave()


def newest_store(folder: Path) -> Path:
    """Make a store of the newest schema, to be copied: its making has a sweep of its own."""
    file = folder / "newest.db"
    prepare(file)
    return file


def oldest_store(folder: Path) -> Path:
    """Make a store of the first schema, with nothing in it."""
    file = folder / "oldest.db"
    number, sql = migrations()[0]
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        for statement in statements(sql):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={number}")
    file.chmod(0o600)
    return file
