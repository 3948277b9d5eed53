"""A world that is killed over and over: sessions at work, a client that presses on, and a judge.

The judge asks for the invariants of recovery: nothing acknowledged is lost, no seq has a gap or
comes twice, no prompt and no decision reaches an agent twice, every session is attached, resumed
or failed with a reason within ten seconds, and nothing of a stopped session lives on.
"""

import asyncio
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quarterdeck.agents import process
from quarterdeck.agents.holding import KeeperInfo, RunDirectory, read_info
from quarterdeck.client.deck import Deck
from quarterdeck.model.records import EventView, RunView, SessionView
from tests.crash.pressing_client import digest, notes
from tests.support.deckhouse import AGENT, Deckhouse, said, trace
from tests.support.growing_files import whole_lines
from tests.support.waiting import eventually, eventually_async

CLIENT = Path(__file__).with_name("pressing_client.py")
SESSIONS = 4
SETTLED_SECONDS = 10.0
"""What D2 and the issue on recovery promise: by then a session's fate is known."""
VICTIMS = ("supervisor", "keeper", "agent", "client")
OVER = ("completed", "failed", "cancelled")


class KillWorld:
    """Four sessions, each with an agent profile and a directory of its own."""

    def __init__(self, house: Deckhouse, seed: int) -> None:
        self.house, self.random = house, random.Random(seed)
        self.folder = house.project.parent / "notes"
        self.folder.mkdir()
        self.killed: Counter[str] = Counter()
        self._seed, self._clients, self._made = seed, 0, 0
        self._client: subprocess.Popen[bytes] | None = None
        self._heard: dict[str, dict[int, str]] = {}
        self._complete: set[str] = set()
        house.configure("".join(self._profiles()))

    def _profiles(self) -> Iterator[str]:
        for number in range(SESSIONS):
            home = self.house.project.parent / f"agent{number}"
            (home / "project").mkdir(parents=True)
            command = json.dumps([sys.executable, "-I", "-S", str(AGENT)])
            env = f"{{ SCRIPTED_DIR = {json.dumps(str(home))} }}"
            yield f"\n[agents.agent{number}]\ncommand = {command}\nenv = {env}\n"

    def home(self, agent: str) -> Path:
        """Return the directory in which an agent notes what reached it."""
        return self.house.project.parent / agent

    # Work

    async def begin(self) -> None:
        """Start the sessions and the client."""
        deck = await self.house.deck()
        for number in range(SESSIONS):
            await self._new(deck, f"agent{number}")
        await deck.close()
        self.start_client()

    async def _new(self, deck: Deck, agent: str) -> None:
        self._made += 1
        await deck.new(
            agent=agent,
            cwd=str(self.home(agent) / "project"),
            prompt=f"say beginning-{self._made}",
            env={},
            key=f"new-{self._made}",
            wait=True,
        )

    def start_client(self) -> None:
        """Start the client on its old notes."""
        self._clients += 1
        self._client = subprocess.Popen(
            [sys.executable, str(CLIENT), str(self.folder), f"{self._seed}-{self._clients}"],
            env=self.house.environment,
            stdin=subprocess.DEVNULL,
        )

    def _kill_client(self) -> None:
        if self._client is not None:
            self._client.kill()
            self._client.wait()
            self._client = None

    # Killing

    async def round(self, number: int) -> None:
        """Kill one or several at a random moment, come back, and judge."""
        await asyncio.sleep(self.random.uniform(0, 0.3))
        victims = self.random.sample(VICTIMS, self.random.choice([1, 1, 1, 2, 2, 3]))
        for victim in victims:
            await self._kill(victim)
            await asyncio.sleep(self.random.choice([0, 0, self.random.uniform(0, 0.4)]))
        if self._client is None:
            self.start_client()
        deck = await self.house.deck()
        try:
            if number % 8 == 7:
                await self._replace_a_session(deck)
            await self.judge(deck)
        finally:
            await deck.close()
            self.house.decks.remove(deck)

    async def _kill(self, victim: str) -> None:
        if victim == "client":
            self._kill_client()
        elif victim == "supervisor":
            await asyncio.to_thread(self._kill_supervisor)
        else:
            found = [info for info in self._keepers() if process.is_alive(info.keeper)]
            if not found:
                return
            info = self.random.choice(found)
            _kill_process(info.keeper if victim == "keeper" else info.agent)
        self.killed[victim] += 1

    def _kill_supervisor(self) -> None:
        holder = self._lock_holder()
        if holder is not None:
            _kill_process(holder)

    def _lock_holder(self) -> process.ProcessIdentity | None:
        """Return the supervisor; the pid in the lock may be an old one's while a new one starts."""
        found = process.identify(self.house.supervisor_pid())
        if found is None:
            return None
        try:
            command = Path(f"/proc/{found.pid}/cmdline").read_bytes()
        except OSError:
            return None
        return found if b"quarterdeck.supervisor" in command else None

    def _keepers(self) -> list[KeeperInfo]:
        folders = sorted(self.house.places.runs.iterdir())
        infos = [read_info(RunDirectory(folder)) for folder in folders]
        return [info for info in infos if info is not None]

    async def _replace_a_session(self, deck: Deck) -> None:
        """Close a session, see that nothing of it lives on, and start another like it."""
        sessions, _ = await deck.sessions(state="all")
        view = self.random.choice([s for s in sessions if s.state != "closed"])
        await deck.close_session(view.session_id)
        await eventually_async(
            lambda: _is_closed(deck, view.session_id),
            within=2 * SETTLED_SECONDS,
            what=f"{view.session_id} closed",
        )
        await self._new(deck, view.agent)

    # Judging

    async def judge(self, deck: Deck) -> None:
        """Assert every invariant that can be asked for while work goes on."""
        await deck.approvals()  # waits for the end of recovery (D2)
        sessions, cursor = await deck.sessions(state="all")
        assert cursor is None
        for view in sessions:
            await eventually_async(
                lambda view=view: self._is_settled(deck, view.session_id),
                within=SETTLED_SECONDS,
                what=f"attached, resumed or failed: {view}",
            )
            await self._judge_traces(deck, view)
        await asyncio.to_thread(self._judge_processes, await self._active_runs(deck))
        for number in range(SESSIONS):
            self._judge_deliveries(f"agent{number}")

    async def _is_settled(self, deck: Deck, session_id: str) -> bool:
        view = await deck.session(session_id)
        if view.state == "closed":
            return True
        if view.state == "failed_needs_human":
            return bool(view.failure)
        if view.state not in ("idle", "running", "waiting") or view.run_id is None:
            return False
        info = read_info(RunDirectory(self.house.places.runs / view.run_id))
        return info is not None and process.is_alive(info.agent)

    async def _active_runs(self, deck: Deck) -> set[str]:
        sessions, _ = await deck.sessions(state="all")
        return {str(s.run_id) for s in sessions if s.active or s.state == "starting"}

    def _judge_processes(self, active: set[str]) -> None:
        ours = {folder.name for folder in self.house.places.runs.iterdir()} - active

        def strays() -> dict[str, list[int]]:
            running = process.survivors_by_run()
            return {run_id: pids for run_id, pids in running.items() if run_id in ours}

        eventually(lambda: not strays(), within=SETTLED_SECONDS, what=f"no strays: {strays()}")

    async def _judge_traces(self, deck: Deck, view: SessionView) -> None:
        """Read what is new of each run; what was read before must still be what it was."""
        for run in await deck.runs(view.session_id):
            if run.run_id in self._complete:
                continue
            heard = self._heard.setdefault(run.run_id, {})
            while True:
                _, page, _ = await deck.events(
                    view.session_id, run_id=run.run_id, after_seq=len(heard), limit=500
                )
                for event in page:
                    assert event.seq == len(heard) + 1, f"a gap or a repeat in {run.run_id}"
                    heard[event.seq] = digest(event)
                if not page:
                    break
            if run.state in OVER and not view.active:
                self._complete.add(run.run_id)

    def _judge_deliveries(self, agent: str) -> None:
        for name in ("prompts", "replies"):
            told = whole_lines(self.home(agent) / name)
            twice = [line for line, count in Counter(told).items() if count > 1]
            assert not twice, f"{agent} got {name} twice: {twice}"
        done = whole_lines(self.home(agent) / "project" / "asked")
        assert len(done) == len(set(done)), f"{agent} was allowed something twice"

    # The end

    async def finish(self) -> None:
        """Let all work end, then assert what can be said of the whole."""
        (self.folder / "quiet").touch()
        deck = await self.house.deck()
        await eventually_async(lambda: self._all_done(deck), within=120, what="all work done")
        self._kill_client()
        await self.judge(deck)
        sessions, _ = await deck.sessions(state="all")
        await self._judge_notes(deck, sessions)
        for view in sessions:
            for run in await deck.runs(view.session_id):
                self._judge_run(run, await trace(deck, view.session_id, run.run_id))

    async def _all_done(self, deck: Deck) -> bool:
        sessions, _ = await deck.sessions(state="all")
        if any(s.state not in ("idle", "closed") for s in sessions):
            return False
        commands = [c for s in sessions for c in await deck.commands(s.session_id)]
        return all(c.state in OVER for c in commands) and not self._unanswered()

    def _unanswered(self) -> bool:
        answered = {n[0] for kind in ("acks", "decided", "refused") for n in self._notes(kind)}
        asked = [n["key"] for n in self._notes("intents")]
        asked += [n["token"] for n in self._notes("choices")]
        return any(name not in answered for name in asked)

    def _notes(self, kind: str) -> list[Any]:
        return notes(self.folder, kind)

    async def _judge_notes(self, deck: Deck, sessions: list[SessionView]) -> None:
        """Every command, decision and event that was acknowledged is there, and once."""
        texts = {n["key"]: n["text"] for n in self._notes("intents")}
        agents = {s.session_id: s.agent for s in sessions}
        delivered = {
            agent: set(whole_lines(self.home(agent) / "prompts")) for agent in agents.values()
        }
        acknowledged = dict(self._notes("acks"))
        assert len(set(acknowledged.values())) == len(acknowledged)
        for key, command_id in acknowledged.items():
            command = await deck.command(command_id)
            assert command.text == texts[key]
            if command.state == "completed":
                agent = agents[command.session_id]
                assert json.dumps(command.text) in delivered[agent], f"{key} never reached {agent}"
        choices = {n["token"]: n for n in self._notes("choices")}
        for token, _, approval_id in self._notes("decided"):
            approval = await deck.approval(approval_id)
            assert approval.action == choices[token]["action"], f"{token} was lost"
        for run_id, seq, told in self._notes("seen"):
            assert self._heard[run_id][seq] == told, f"event {seq} of {run_id} was lost"

    def _judge_run(self, run: RunView, events: list[EventView]) -> None:
        """The whole trace is as it was read in parts, and says what the journal says."""
        assert {e.seq: digest(e) for e in events} == self._heard.get(run.run_id, {})
        if run.state == "cancelled":
            return  # what an agent says after its start was cancelled is not recorded (A12)
        journal = self.house.places.runs / run.run_id / "out.jsonl"
        spoken = _numbers(_spoken(journal)) if journal.exists() else []
        recorded = _numbers(said(events))
        assert recorded == spoken, f"{run.run_id} does not say what its journal says"
        if recorded:
            assert recorded == list(range(recorded[0], recorded[0] + len(recorded)))

    def close(self) -> None:
        """End the client; the deckhouse ends the rest."""
        self._kill_client()


def _kill_process(identity: process.ProcessIdentity) -> None:
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        if process.is_alive(identity):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            # The pidfd tells the end of the last thread; /proc that of the first.
            assert select.select([descriptor], [], [], 60)[0], f"{identity} survived SIGKILL"
    finally:
        os.close(descriptor)


async def _is_closed(deck: Deck, session_id: str) -> bool:
    return (await deck.session(session_id)).state == "closed"


def _spoken(journal: Path) -> str:
    """Return what an agent said in words, as its journal has it; a torn last line is left out."""
    text = ""
    for line in journal.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            update = json.loads(line).get("params", {}).get("update", {})
            if update.get("sessionUpdate") == "agent_message_chunk":
                text += update["content"]["text"]
    return text


def _numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"#(\d+) ", text)]
