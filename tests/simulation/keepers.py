"""Simulated keepers on the production's spool and journal files, and the bell they ring."""

import json
import os
from typing import TYPE_CHECKING, Any

from quarterdeck.agents.holding import KeeperSpec, RunDirectory
from quarterdeck.agents.keeper_files import KeeperInfo
from quarterdeck.agents.process import ProcessIdentity
from tests.simulation.agents import Agent
from tests.simulation.clockwork import PROCESS, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

DELAYS = (0.0, 0.0, 0.0005, 0.003, 0.02)
CAPACITY = 11
"""Datagrams that the kernel holds for a bell nobody drains."""


class Heard(set[str]):
    """A set whose order does not depend on the hash seed."""

    def __iter__(self) -> Any:
        return iter(sorted(super().__iter__()))


class Bells:
    """The bell of the supervisor of the moment; a new one takes the place of a dead one's."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.bound: SimBell | None = None
        self.lost = 0

    def ring(self, run_id: str) -> None:
        """Ring, perhaps late, perhaps twice; lost if nobody is there or the queue is full."""
        rng, way = self._world.rng, self._world.fate
        way.later(rng.choice(DELAYS), self._arrive, run_id)
        if rng.random() < 0.05:
            way.later(rng.choice(DELAYS), self._arrive, run_id)

    def _arrive(self, run_id: str) -> None:
        bell = self.bound
        if bell is None or bell.process.dead:
            return
        if len(bell.queue) >= CAPACITY:
            self.lost += 1
            return
        bell.queue.append(run_id)
        bell.plan()


class SimBell:
    """What ingestion takes for the bell's socket."""

    def __init__(self, world: "World") -> None:
        self._world, self.process = world, PROCESS.get()
        self.queue: list[str] = []
        self._due = False
        world.bells.bound = self

    def fileno(self) -> int:
        return self.process.pid

    def drain(self) -> tuple[set[str], bool]:
        heard, self.queue = self.queue, []
        return Heard(heard), len(heard) >= self._world.flood

    def close(self) -> None:
        if self._world.bells.bound is self:
            self._world.bells.bound = None

    def plan(self) -> None:
        """Wake the reader some time after the first datagram; a busy supervisor comes late."""
        if not self._due:
            self._due = True
            self.process.later(self._world.rng.choice((0.0, 0.001, 0.01, 0.1, 0.4)), self._read)

    def _read(self) -> None:
        self._due = False
        handle = self._world.loop.readers.get(self.fileno())
        if handle is not None and self.queue:
            handle._run()
            if self.queue:
                self.plan()


class Keeper:
    """Holds one agent as agents/keeper.py does: in its own process, from spool to journal."""

    def __init__(self, world: "World", directory: RunDirectory, spec: KeeperSpec) -> None:
        self.world, self.directory, self.spec = world, directory, spec
        self.run_id = spec.run_id
        self.process = Process(world.loop, f"keeper-{len(world.keepers) + 1}")
        self.identity = ProcessIdentity(world.boot, self.process.pid, world.starts())
        self.listening = self.ended = self.stop_asked = False
        self.powerless = False
        """Whether the power went after it was started, and commits about it with the power."""
        self.agent: Agent | None = None
        self.forwarded = bytearray()
        self._out = bytearray()
        self._chatty = world.rng.random() < 0.3
        """Whether each line is read, written and rung for by itself."""
        self._flushing = self._pumping = False
        self._exit: int | None = None
        world.keepers.append(self)

    @property
    def alive(self) -> bool:
        """Whether the process runs, the launcher before it included."""
        return not self.process.dead

    def come_up(self) -> KeeperInfo:
        """Bind, start the agent, and say so in keeper.json."""
        self.listening = True
        self.agent = Agent(self.world, self)
        self.directory.journal.touch()
        info = KeeperInfo(
            self.identity,
            ProcessIdentity(self.world.boot, self.agent.process.pid, self.identity.start_time),
        )
        about = {
            "boot_id": self.world.boot,
            "pid": info.keeper.pid,
            "start_time": info.keeper.start_time,
            "agent_pid": info.agent.pid,
            "agent_start_time": info.agent.start_time,
        }
        (self.directory.path / "keeper.json").write_text(json.dumps(about))
        self.world.bells.ring(self.run_id)
        self._look_at_spool()
        return info

    def hear(self, message: bytes) -> None:
        """Take a datagram of the supervisor."""
        if message == b"s":
            self.process.later(self.world.rng.choice(DELAYS), self._look_at_spool)
        elif message.startswith(b"x"):
            eof, term = (int(part) / 1000 for part in message.split()[1:])
            self.stop_asked = True
            if self.agent is not None:
                self.agent.end_of_input()
            self.process.later(eof + term, self.agent_ended, -9)

    def _look_at_spool(self) -> None:
        """Forward whole lines that were not forwarded yet, and write down how far."""
        if self.agent is None or self.agent.process.dead or self.ended:
            return
        with self.directory.spool.open("rb") as spool:
            whole = spool.read()
        known = len(self.forwarded)
        if whole[:known] != bytes(self.forwarded):
            self.world.violation(f"the spool of {self.run_id} was changed where it was forwarded")
            return
        end = whole.rfind(b"\n") + 1
        if end <= known:
            return
        cut = whole.index(b"\n", known) + 1 if self.world.rng.random() < 0.3 else end
        lines = whole[known:cut]
        self.forwarded += lines
        self.agent.inbox.put_nowait(lines)
        (self.directory.path / "in.offset").write_text(str(cut))
        if cut < end:
            self.process.later(self.world.rng.choice(DELAYS), self._look_at_spool)

    def take(self, line: bytes) -> None:
        """Take what the agent writes to its stdout."""
        self._out += line
        self._plan_flush()

    def _plan_flush(self, delay: float | None = None) -> None:
        if not self._flushing:
            self._flushing = True
            chosen = self.world.rng.choice(DELAYS) if delay is None else delay
            self.process.later(chosen, self._flush)

    def _flush(self) -> None:
        """Append to the journal, sometimes a part of a line, and ring."""
        self._flushing = False
        size = len(self._out)
        if self._chatty and b"\n" in self._out:
            size = self._out.index(b"\n") + 1
        torn = size > 1 and self.world.rng.random() < 0.15
        if torn:
            size = self.world.rng.randrange(1, size)
        self._append(size)
        if self._out:
            self._plan_flush(self.world.rng.choice((0.0, 0.02, 0.3)) if torn else None)
        elif self._exit is not None:
            self._publish()

    def _append(self, size: int) -> None:
        part, self._out = bytes(self._out[:size]), self._out[size:]
        if part:
            with self.directory.journal.open("ab") as journal:
                journal.write(part)
            self.world.bells.ring(self.run_id)

    def agent_ended(self, code: int) -> None:
        """Drain what the agent still said, then write the exit file and end."""
        if self._exit is None:
            self._exit = code
            if self.agent is not None:
                self.agent.process.dead = True
            self._plan_flush()

    def _publish(self) -> None:
        if self.ended:
            return
        self.ended = True
        code = self._exit or 0
        reason = "stopped" if self.stop_asked else "exited" if code >= 0 else "killed"
        told = {
            "code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "reason": reason,
            "at": 0,
        }
        fresh = self.directory.path / "exit.tmp"
        fresh.write_text(json.dumps(told))
        fresh.rename(self.directory.path / "exit.json")
        self.listening = False
        self.world.bells.ring(self.run_id)
        self.process.later(self.world.rng.choice(DELAYS), self.die)

    def kill(self) -> None:
        """Be killed: the agent dies with it, what was in its pipes may be lost."""
        if self.agent is not None:
            self.agent.process.dead = True
        if self._out and self.world.rng.random() < 0.5:
            self._append(self.world.rng.randrange(len(self._out) + 1))
        self.die()

    def die(self) -> None:
        """End; whoever watches is told."""
        if self.process.dead:
            return
        self.listening = False
        self.process.dead = True
        if self.agent is not None:
            self.agent.process.dead = True
        self.world.gone(self.identity)

    def lose_tail(self) -> None:
        """Lose the unsynced ends of the files, as when the power goes."""
        for name in ("out.jsonl", "in.jsonl", "in.offset"):
            path = self.directory.path / name
            if path.exists() and self.world.rng.random() < 0.5:
                os.truncate(path, self.world.rng.randrange(path.stat().st_size + 1))
