"""A1-A12, C1, C2, C5: the store and a plain model of it go through the same random steps.

After each step the tables and what every reader is shown are compared. Steps are transactions as
the supervisor makes them, some of them broken off in the middle, and now and then the store is
closed and opened again. QUARTERDECK_MODEL_STEPS sets how many steps are gone, 10,000 at least.
"""

import asyncio
import math
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, cast

import aiosqlite
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import (
    Action,
    ApprovalState,
    CommandKind,
    CommandState,
    RunState,
    SessionState,
)
from quarterdeck.store import (
    approvals,
    commands,
    events,
    listing,
    retention,
    runs,
    schema,
    sessions,
    threads,
    transaction,
)
from quarterdeck.store.listing import FILTERS, Wanted
from quarterdeck.store.sessions import NewSession
from quarterdeck.store.store import Store
from quarterdeck.store.transaction import Tx
from tests.store import scenarios
from tests.store.plain_model import Plain, PlainStore, PlainTx
from tests.store.scenarios import On, RealTx

LEAST_STEPS = 10_000
STEPS_EACH = 100
MARGIN = 1.25
"""More than that are asked for: a few find nothing to do and do not count."""
DAY = 24 * 60 * 60 * 1000
READERS = ("me", "you")
AGENTS = ("a", "b")
PROJECTS = ("/p", "/q")
SESSION_COLUMNS = (
    "session_id, state, version, active_run_id, last_run_id, active_command_id, last_command_id,"
    " start_key, start_sha256, resume_tries, last_event_seq, failure, title, pinned, archived_at,"
    " deleted_at, last_activity"
)
ORDERED_BY = {
    "sessions": "rowid",
    "runs": "run_no",
    "commands": "command_no",
    "approvals": "approval_no",
    "decisions": "rowid",
}

COORDINATION = {
    "created": "starting",
    "starting": "starting",
    "idle": "running",
    "running": "running",
    "waiting": "running",
    "failed_needs_human": "failed",
}
"""R1, of the states of DESIGN §3; the others have no live run."""

numbers = st.integers(0, 30)
broken = st.integers(0, 23)
"""From 16 on a transaction is broken off after that many statements less 16."""
texts = st.sampled_from(["x", "y"])
keys = st.sampled_from([None, "k1", "k1", "k2"])
readers_of = st.sampled_from(READERS)


class BrokenOff(Exception):
    """Ends a transaction in the middle."""


class Clock:
    """The time of both sides, and the ids that both sides draw."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000
        self.step = 0
        self.drawn = 0

    def new_id(self, prefix: str) -> str:
        """Return the next id of this step; each side draws the same ones."""
        self.drawn += 1
        return f"{prefix}_{self.step:06d}{self.drawn:02d}"


class Inline:
    """A connection that answers at once: comparing costs no change of threads."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @asynccontextmanager
    async def execute(self, sql: str, values: Any = ()) -> AsyncIterator["InlineRows"]:
        """Run a query."""
        yield InlineRows(self._db.execute(sql, values))

    async def execute_fetchall(self, sql: str, values: Any = ()) -> list[Any]:
        """Run a query and return what it found."""
        return self._db.execute(sql, values).fetchall()


class InlineRows:
    """What `Inline` has found."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def fetchone(self) -> Any:
        return self._cursor.fetchone()

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()


class StoreMachine(RuleBasedStateMachine):
    """Random steps on a store in a file and on the plain model."""

    gone = 0
    """Steps of all machines so far."""
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp(dir=self.template.parent))
        self.path = self.directory / "q.db"
        shutil.copy(self.template, self.path)
        self.model = PlainStore()
        self.clock = Clock()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(transaction, "now_ms", lambda: self.clock.now)
        for module in (commands, approvals):
            self.patch.setattr(module, "new_id", self.clock.new_id)
        self.open()

    def teardown(self) -> None:
        try:
            self.close()
        finally:
            self.loop.close()
            self.patch.undo()
            shutil.rmtree(self.directory)

    def open(self) -> None:
        self.store = self.wait(Store.open(self.path))
        self.tables = sqlite3.connect(self.path)
        self.tables.row_factory = sqlite3.Row
        self.reading = cast(aiosqlite.Connection, Inline(self.tables))

    def close(self) -> None:
        self.tables.close()
        self.wait(self.store.close())

    def wait(self, what: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(what)

    # Running a scenario on both sides.

    def act(self, scenario: Callable[..., Awaitable[Any]], *given: Any, cut: int = 0) -> None:
        """Run a scenario in a transaction of the store and on the model, and compare."""
        self.next_step()
        if cut >= 16:
            self.cut_short(scenario, given, cut - 16)
        else:
            real = self.outcome(
                self.store.write(partial(_on_store, scenario, given), durable=False)
            )
            kept = self.model if real[0] == "done" else deepcopy(self.model)
            self.clock.drawn = 0
            on = PlainTx(self.model, self.clock.now, self.clock.new_id)
            assert real == self.outcome(scenario(on, *given))
            self.model = kept
            self.model.change += real[0] == "done"
        self.compare()

    def next_step(self) -> None:
        StoreMachine.gone += 1
        self.clock.step += 1
        self.clock.drawn = 0
        self.clock.now += self.clock.step % 2

    def outcome(self, what: Awaitable[Any]) -> tuple[str, Any]:
        try:
            return ("done", self.wait(what))
        except QuarterdeckError as error:
            return ("refused", error.code)

    def cut_short(self, scenario: Callable[..., Awaitable[Any]], given: Any, after: int) -> None:
        """Break a transaction off: nothing of it may be left."""

        async def work(tx: Tx) -> None:
            _break_after(tx, after)
            await scenario(RealTx(tx), *given)
            raise BrokenOff

        with pytest.raises((BrokenOff, QuarterdeckError)):
            self.wait(self.store.write(work, durable=False))

    def pick(self, table: dict[str, Plain], number: int) -> str:
        """Choose one of a table's ids, or one that is not there."""
        known = list(table)
        return known[-1 - number % len(known)] if known else "none"

    # Comparing.

    def compare(self) -> None:
        self.compare_tables()
        self.wait(self.compare_views())

    def compare_tables(self) -> None:
        model = self.model
        for name in ("runs", "commands", "approvals", "decisions"):
            expected = list(getattr(model, name).values())
            assert self.rows(name, expected) == expected, name
        columns = SESSION_COLUMNS.split(", ")
        found = [
            tuple(r) for r in self.sql(f"SELECT {SESSION_COLUMNS} FROM sessions ORDER BY rowid")
        ]
        assert found == [
            tuple(row[name.strip()] for name in columns) for row in model.sessions.values()
        ]
        found = self.sql(
            "SELECT r.run_id, e.seq, e.type, e.at, e.payload FROM events e"
            " JOIN runs r USING (run_no) ORDER BY e.event_no"
        )
        assert [tuple(row) for row in found] == [tuple(row.values()) for row in model.events]
        assert {
            (row[0], row[1]): row[2]
            for row in self.sql("SELECT reader, session_id, version FROM readers")
        } == model.marks
        assert {
            (r[0], r[1]): r[2]
            for r in self.sql("SELECT session_id, fingerprint, approval_id FROM grants")
        } == model.grants
        assert {
            (row["session_id"], row["name"]): {
                "run_id": row["run_id"],
                "seq": row["seq"],
                "at": row["at"],
            }
            for row in self.sql("SELECT * FROM checkpoints")
        } == model.checkpoints
        counters = dict(tuple(row) for row in self.sql("SELECT name, value FROM counters"))
        assert counters == {"version": model.version, "change": model.change}
        assert self.store.change == model.change

    def sql(self, sql: str) -> list[sqlite3.Row]:
        return self.tables.execute(sql).fetchall()

    def rows(self, table: str, expected: list[Plain]) -> list[Plain]:
        """Return a table's rows with the columns that the model has."""
        names = [name for name in (expected[0] if expected else {}) if name != "place"]
        found = self.sql(f"SELECT * FROM {table} ORDER BY {ORDERED_BY[table]}")
        extra = [{"place": row["place"]} if "place" in row else {} for row in expected]
        extra += [{}] * len(found)
        return [{name: row[name] for name in names} | extra[n] for n, row in enumerate(found)]

    async def compare_views(self) -> None:
        """Compare what one reader is shown of all sessions; the readers take turns."""
        db, step = self.reading, self.clock.step
        reader = READERS[step % 2]
        found, cursor = await listing.changes(db, reader, after_version=0, limit=500)
        expected = self.model.changes(0, 500)
        shown = [_shown(SessionView(*told)) for told in found]
        assert shown == [self.view(row, reader) for row in expected]
        assert cursor == (expected[-1]["version"] if expected else 0)
        assert await listing.counts(db, reader) == self.model.counts(reader)
        told = [_project(view) for view in await listing.projects(db, reader)]
        assert told == [
            (*tuple(line.values())[:-2], line["project"], iso(line["last"]))
            for line in self.model.projects(reader)
        ]
        state = list(FILTERS)[step % len(FILTERS)]
        agent, project = (None, *AGENTS)[step % 3], (None, *PROJECTS)[step // 3 % 3]
        await self.compare_pages(Wanted(reader, state, agent, project), 1 + step % 4)
        waiting = [
            row["approval_id"]
            for row in self.model.approvals.values()
            if row["state"] == "pending"
            and self.model.sessions[row["session_id"]]["deleted_at"] is None
        ]
        assert [view.approval_id for view in await approvals.pending(db, None)] == waiting
        if self.model.sessions:
            await self.compare_session(self.pick(self.model.sessions, step))

    async def compare_pages(self, wanted: Wanted, limit: int) -> None:
        found: list[str] = []
        cursor = None
        while True:
            page, cursor = await listing.page(self.reading, wanted, cursor=cursor, limit=limit)
            found += [SessionView(*told).session_id for told in page]
            if cursor is None:
                break
            assert len(page) == limit
        assert found == self.model.listed(
            wanted.reader, wanted.state, wanted.agent, wanted.project
        ), wanted

    async def compare_session(self, session_id: str) -> None:
        """Compare what a client is shown of one session."""
        db, model = self.reading, self.model
        view = await sessions.view(db, session_id, "me")
        assert _shown(view) == self.view(model.sessions[session_id], "me")
        waiting = [row["command_id"] for row in model.queue(session_id)][:100]
        assert [v.command_id for v in await commands.queue_view(db, session_id)] == waiting
        last = [row["command_id"] for row in model.of(model.commands, session_id)][-100:]
        assert [v.command_id for v in await commands.of_session(db, session_id)] == last
        own = [row["run_id"] for row in model.of(model.runs, session_id)]
        assert [v.run_id for v in await runs.of_session(db, session_id)] == own
        assert await runs.live(db) == model.live()

    def view(self, row: Plain, reader: str) -> Plain:
        """Return what a reader is shown of a session, by the model."""
        same = ("session_id", "title", "agent", "cwd", "project", "version", "preview", "source")
        same += ("failure", "terminal_status", "execution_state", "state", "state_source")
        times = ("state_since", "created_at", "last_activity", "archived_at", "deleted_at")
        return {
            **{name: row[name] for name in same},
            **{name: None if row[name] is None else iso(row[name]) for name in times},
            "attention": self.model.attention(row, reader),
            "last_event_seq": row["last_event_seq"],
            "run_id": row["active_run_id"] or row["last_run_id"],
            "active": row["active_run_id"] is not None,
            "command_id": row["active_command_id"] or row["last_command_id"],
            "read_version": self.model.mark(reader, row),
            "open_approvals": self.model.open_approvals(row["session_id"]),
            "queued": len(self.model.queue(row["session_id"])),
            "pinned": row["pinned"] == 1,
            "mode": row["mode"],
            "coordination": COORDINATION.get(row["state"], "none"),
        }

    # Sessions and runs.

    @initialize()
    def begin(self) -> None:
        for number in range(2):
            self.create(number, None, "x", 0)

    @rule(number=numbers, key=keys, text=texts, cut=broken)
    def create(self, number: int, key: str | None, text: str, cut: int) -> None:
        # Ids in no order: where all else is alike they decide.
        new = NewSession(
            session_id=f"ses_{(self.clock.step * 7919) % 10007:05d}",
            project=PROJECTS[number % 2],
            agent=AGENTS[number // 2 % 2],
            cwd="/w",
            title=text,
            preview=text,
            start_key=key,
            start_sha256=text if key else None,
        )
        bundle = '{"commit":"c"}' if number % 3 == 0 else None
        self.act(scenarios.create, new, self.run_id(), bundle, cut=cut)

    def run_id(self) -> str:
        return f"run_{self.clock.step:06d}"

    @rule(number=numbers, cut=broken)
    def started(self, number: int, cut: int) -> None:
        self.act(scenarios.started, self.pick(self.model.sessions, number), cut=cut)

    @rule(number=numbers, how=st.sampled_from(list(scenarios.STOPPED)), cut=broken)
    def stop(self, number: int, how: str, cut: int) -> None:
        self.act(scenarios.stop, self.pick(self.model.sessions, number), how, cut=cut)

    @rule(number=numbers, to=st.sampled_from(list(SessionState)), which=st.integers(0, 5))
    def move(self, number: int, to: SessionState, which: int) -> None:
        """R5: only along the table, and only while the run is the active one."""
        session_id = self.pick(self.model.sessions, number)
        run_id = self.pick(self.model.runs, which) if which < 4 else None
        mode = f"mode{which}"

        async def scenario(on: On) -> bool:
            return await on.move(session_id, to, source="event", run_id=run_id, mode=mode)

        self.act(scenario)

    @rule(number=numbers, quietly=st.booleans(), cut=broken)
    def notice(self, number: int, quietly: bool, cut: int) -> None:
        session_id = self.pick(self.model.sessions, number)

        async def scenario(on: On) -> None:
            await on.session(session_id)
            await on.update_session(session_id, mode="noticed")
            await (on.notice_quietly if quietly else on.notice)(session_id)

        self.act(scenario, cut=cut)

    @rule(number=numbers, state=st.sampled_from(list(RunState)), ends=st.booleans())
    def change_run(self, number: int, state: RunState, ends: bool) -> None:
        """A1: what has ended never changes again."""
        run_id = self.pick(self.model.runs, number)

        async def scenario(on: On) -> bool:
            await on.run(run_id)
            if ends:
                return await on.finish_run(run_id, state, "test")
            return await on.update_run(run_id, state="running", stopping="close")

        self.act(scenario)

    @rule(
        number=numbers,
        kinds=st.lists(st.sampled_from(list(EventType)), min_size=1, max_size=5),
        cut=broken,
    )
    def record(self, number: int, kinds: list[EventType], cut: int) -> None:
        session = self.model.sessions.get(self.pick(self.model.sessions, number), {})
        if (run_id := session.get("active_run_id")) is None:
            return
        told = [(kind.value, events.encode({"n": n})) for n, kind in enumerate(kinds)]

        async def scenario(on: On) -> None:
            await on.record(run_id, told)

        self.act(scenario, cut=cut)

    # Commands.

    @rule(number=numbers, text=texts, key=keys, steer=st.booleans(), cut=broken)
    def prompt(self, number: int, text: str, key: str | None, steer: bool, cut: int) -> None:
        session_id = self.pick(self.model.sessions, number)
        scenario = partial(scenarios.prompt, steer=steer)
        self.act(scenario, session_id, self.run_id(), text, key, cut=cut)

    @rule(number=numbers, same=st.booleans(), steer=st.booleans(), cut=broken)
    def retry(self, number: int, same: bool, steer: bool, cut: int) -> None:
        """A4: a key that was used comes again, in whichever state its command is by now."""
        keyed = {k: row for k, row in self.model.commands.items() if row["idempotency_key"]}
        if not keyed:
            return
        first = keyed[self.pick(keyed, number)]
        text = first["payload_sha256"] if same else "other"
        scenario = partial(scenarios.prompt, steer=steer)
        key = first["idempotency_key"]
        self.act(scenario, first["session_id"], self.run_id(), text, key, cut=cut)

    @rule(number=numbers, cut=broken)
    def hand_over(self, number: int, cut: int) -> None:
        self.act(scenarios.hand_over, self.pick(self.model.sessions, number), cut=cut)

    @rule(number=numbers, status=st.sampled_from(["completed", "cancelled"]), cut=broken)
    def turn_ends(self, number: int, status: str, cut: int) -> None:
        self.act(scenarios.turn_ends, self.pick(self.model.sessions, number), status, cut=cut)

    @rule(number=numbers, kind=st.sampled_from(list(CommandKind)))
    def command(self, number: int, kind: CommandKind) -> None:
        session = self.model.sessions.get(self.pick(self.model.sessions, number))
        if session is None:
            return

        async def scenario(on: On) -> list[str]:
            session_id = session["session_id"]
            await on.insert_command(session_id, session["active_run_id"], kind)
            return [row["command_id"] for row in await on.open_of_session(session_id)]

        self.act(scenario)

    @rule(
        number=numbers,
        state=st.sampled_from(list(CommandState)),
        reason=st.sampled_from([None, "r"]),
    )
    def command_state(self, number: int, state: CommandState, reason: str | None) -> None:
        """A1: what has ended never changes again."""
        command_id = self.pick(self.model.commands, number)
        if state is CommandState.PENDING:
            return

        async def scenario(on: On) -> bool:
            await on.command(command_id)
            return await on.set_state(command_id, state, reason)

        self.act(scenario)

    @rule(number=numbers, text=texts, cut=broken)
    def edit(self, number: int, text: str, cut: int) -> None:
        self.act(scenarios.edit, self.pick(self.model.commands, number), text, cut=cut)

    @rule(number=numbers, other=numbers, last=st.booleans(), cut=broken)
    def reorder(self, number: int, other: int, last: bool, cut: int) -> None:
        before = None if last else self.pick(self.model.commands, other)
        self.act(scenarios.reorder, self.pick(self.model.commands, number), before, cut=cut)

    @rule(number=numbers, other=numbers, cut=broken)
    def reorder_queue(self, number: int, other: int, cut: int) -> None:
        """Move something that waits before another that waits."""
        longest = max(self.model.sessions, key=lambda s: len(self.model.queue(s)), default=None)
        waiting = {} if longest is None else {r["command_id"]: r for r in self.model.queue(longest)}
        one, two = self.pick(waiting, number), self.pick(waiting, other)
        self.act(scenarios.reorder, one, two, cut=cut)

    @rule(number=numbers, cut=broken)
    def take_back(self, number: int, cut: int) -> None:
        self.act(scenarios.take_back, self.pick(self.model.commands, number), cut=cut)

    @rule(
        number=numbers,
        kinds=st.lists(st.sampled_from(list(CommandKind)), min_size=1, max_size=3, unique=True),
        handed_over_only=st.booleans(),
        state=st.sampled_from([CommandState.FAILED, CommandState.CANCELLED]),
    )
    def finish_open(
        self,
        number: int,
        kinds: list[CommandKind],
        handed_over_only: bool,
        state: CommandState,
    ) -> None:
        session_id = self.pick(self.model.sessions, number)

        async def scenario(on: On) -> list[str]:
            return await on.finish_open(
                session_id, state, "why", kinds=tuple(kinds), handed_over_only=handed_over_only
            )

        self.act(scenario)

    # Approvals.

    @rule(number=numbers, what=st.integers(0, 5), cut=broken)
    def ask(self, number: int, what: int, cut: int) -> None:
        self.act(scenarios.ask, self.pick(self.model.sessions, number), what, cut=cut)

    @rule(
        number=numbers,
        action=st.sampled_from(list(Action)),
        token=st.sampled_from(["t1", "t2"]),
        stale=st.integers(0, 7),
        cut=broken,
    )
    def decide(self, number: int, action: Action, token: str, stale: int, cut: int) -> None:
        approval_id = self.pick(self.model.approvals, number)
        row = self.model.approvals.get(approval_id, {"run_id": "none", "title": "Run 0"})
        run_id = row["run_id"] if stale else "other"
        what = int(row["title"].split()[1])
        self.act(scenarios.decide, approval_id, run_id, action, token, what, cut=cut)

    @rule(number=numbers, state=st.sampled_from([ApprovalState.EXPIRED, ApprovalState.ABORTED]))
    def settle(self, number: int, state: ApprovalState) -> None:
        approval_id = self.pick(self.model.approvals, number)

        async def scenario(on: On) -> bool:
            return await on.settle(approval_id, state, state.value)

        self.act(scenario)

    @rule(number=numbers, cut=broken)
    def use_up(self, number: int, cut: int) -> None:
        row = self.model.approvals.get(self.pick(self.model.approvals, number))
        if row is not None:
            self.act(scenarios.use_up, row["run_id"], row["command_id"], cut=cut)

    # Readers and threads.

    @rule(number=numbers, reader=readers_of, back=st.integers(-1, 3), cut=broken)
    def mark(self, number: int, reader: str, back: int, cut: int) -> None:
        session = self.model.sessions.get(self.pick(self.model.sessions, number))
        if session is None:
            return
        session_id, version = session["session_id"], session["version"]

        async def scenario(on: On) -> None:
            if back < 0:
                await on.unmark(reader, session_id)
            else:
                await on.mark(reader, session_id, version - back)

        self.act(scenario, cut=cut)

    @rule(
        reader=readers_of,
        up_to=st.one_of(st.none(), st.integers(0, 60)),
        project=st.sampled_from([None, *PROJECTS]),
        cut=broken,
    )
    def mark_all(self, reader: str, up_to: int | None, project: str | None, cut: int) -> None:
        async def scenario(on: On) -> int:
            return await on.mark_all(reader, up_to, project)

        self.act(scenario, cut=cut)

    @rule(
        number=numbers,
        what=st.sampled_from(
            ["delete", "restore", "pin", "unpin", "archive", "unarchive", "rename x", "rename y"]
        ),
        cut=broken,
    )
    def thread(self, number: int, what: str, cut: int) -> None:
        session_id = self.pick(self.model.sessions, number)

        async def scenario(on: On) -> None:
            if what.startswith("rename"):
                await on.rename(session_id, what)
            elif what.endswith("pin"):
                await on.set_pinned(session_id, what == "pin")
            elif what.endswith("archive"):
                await on.set_archived(session_id, what == "archive")
            else:
                await (on.delete if what == "delete" else on.restore)(session_id)

        self.act(scenario, cut=cut)

    @rule(number=numbers, name=st.sampled_from(["one", "two"]), forget=st.booleans(), cut=broken)
    def checkpoint(self, number: int, name: str, forget: bool, cut: int) -> None:
        session_id = self.pick(self.model.sessions, number)

        async def scenario(on: On) -> None:
            if forget:
                await on.delete_checkpoint(session_id, name)
            else:
                await scenarios.checkpoint(on, session_id, name)

        self.act(scenario, cut=cut)

    # Time, retention and reopening.

    @rule(days=st.sampled_from([0, 0, 0, 1, 29, 31]), millis=st.integers(1, 50))
    def wait_a_while(self, days: int, millis: int) -> None:
        self.clock.now += days * DAY + millis

    @rule(number=numbers, cut=broken)
    def purge(self, number: int, cut: int) -> None:
        """C1: what was deleted is gone for good after 30 days, and nothing else is."""
        before = self.clock.now - threads.UNDO_MS
        found = self.wait(threads.expired(self.store.reading, before))
        times = [self.model.sessions[one]["deleted_at"] for one in found]
        assert times == sorted(times) and sorted(found) == sorted(self.model.expired(before))
        session_id = found[0] if found else self.pick(self.model.sessions, number)

        async def scenario(on: On) -> bool:
            return await on.purge_rest(session_id, before)

        self.act(scenario, cut=cut)

    @rule(days=st.integers(0, 2))
    def trim(self, days: int) -> None:
        """A2: old events of closed sessions go, a run's together."""
        self.next_step()
        before = self.clock.now - days * DAY
        found = retention.Trimmed()
        self.wait(retention.trim(self.store, before=before, max_bytes=None, trimmed=found))
        assert (found.sessions, found.events) == self.model.trim(before)
        # How many transactions it makes of it is its own affair.
        self.model.change = self.store.change
        self.compare()

    @rule()
    def reopen(self) -> None:
        self.next_step()
        self.close()
        self.open()
        self.compare()

    # Reading.

    @rule(number=numbers, after=st.integers(0, 12), limit=st.integers(1, 6), output=st.booleans())
    def read_trace(self, number: int, after: int, limit: int, output: bool) -> None:
        """A3, A11: pages of a trace, and the seq up to which was looked."""
        self.next_step()
        run_id = self.pick(self.model.runs, number)
        views, cursor = self.wait(
            events.page(self.store.reading, run_id, after_seq=after, limit=limit, output=output)
        )
        expected, looked = self.model.page(run_id, after, limit, output)
        told = [(v.run_id, v.seq, v.type, v.at, events.encode(v.payload)) for v in views]
        assert told == [
            (row["run_id"], row["seq"], row["type"], iso(row["at"]), row["payload"])
            for row in expected
        ]
        assert cursor == looked

    @rule(reader=readers_of, after=st.integers(0, 80), limit=st.integers(1, 4))
    def read_changes(self, reader: str, after: int, limit: int) -> None:
        """A10: the change feed from any cursor on; one of the future is refused."""
        self.next_step()
        asked = listing.changes(self.store.reading, reader, after_version=after, limit=limit)
        found = self.outcome(asked)
        if after > self.model.version:
            assert found == ("refused", "invalid_params")
            return
        expected = self.model.changes(after, limit)
        page, cursor = found[1]
        shown = [_shown(SessionView(*told)) for told in page]
        assert shown == [self.view(row, reader) for row in expected]
        assert cursor == (expected[-1]["version"] if expected else after)

    @rule(
        reader=readers_of, state=st.sampled_from(list(FILTERS)), project=st.sampled_from(PROJECTS)
    )
    def read_lists(self, reader: str, state: str, project: str) -> None:
        """A10: a page's cursor is of one list and no other."""
        self.next_step()
        mine = Wanted(reader, state)
        self.wait(self.compare_pages(mine, 2))
        _, cursor = self.wait(listing.page(self.store.reading, mine, limit=1))
        if cursor is not None:
            other = Wanted(reader, state, project=project)
            asked = listing.page(self.store.reading, other, cursor=cursor, limit=1)
            assert self.outcome(asked) == ("refused", "invalid_params")


async def _on_store(scenario: Callable[..., Awaitable[Any]], given: Any, tx: Tx) -> Any:
    return await scenario(cast(On, RealTx(tx)), *given)


def _break_after(tx: Tx, statements: int) -> None:
    """Let a transaction's statement after so many fail."""
    left = statements

    def counted(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*given: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise BrokenOff
            return await method(*given)

        return call

    for name in ("run", "one", "many"):
        setattr(tx, name, counted(getattr(tx, name)))


def _shown(view: Any) -> Plain:
    """Return what of a session's view the model knows."""
    left_out = ("failure_kind", "agent_session_id", "usage", "recovery_attempts", "approval_mode")
    left_out += ("model", "parent_session_id", "git_commit", "git_branch", "git_origin")
    left_out += ("git_base", "plan", "changes", "conversation_id", "metadata", "summary")
    left_out += ("ephemeral", "expires_at")
    return {name: value for name, value in view.to_wire().items() if name not in left_out}


def _project(view: Any) -> tuple[Any, ...]:
    counted = (view.sessions, view.archived, view.waiting, view.failed, view.active, view.unread)
    return (*counted, view.project, view.last_activity)


@pytest.mark.slow
def test_the_store_does_what_a_plain_model_does(tmp_path: Path) -> None:
    """A1-A12, C1, C2, C5: without a difference through at least 10,000 steps."""
    steps = max(LEAST_STEPS, int(os.environ.get("QUARTERDECK_MODEL_STEPS", LEAST_STEPS)))
    StoreMachine.template = tmp_path / "template.db"
    schema.prepare(StoreMachine.template)
    with closing(sqlite3.connect(StoreMachine.template)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    StoreMachine.gone = 0
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=math.ceil(steps / STEPS_EACH * MARGIN),
            stateful_step_count=STEPS_EACH,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert StoreMachine.gone >= steps
