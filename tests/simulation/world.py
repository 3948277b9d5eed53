"""One simulated machine: a supervisor of production modules, keepers, agents, clients, and fate."""

import asyncio
import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from quarterdeck.agents.holding import KeeperSpec, RunDirectory, SpawnFailed
from quarterdeck.agents.keeper_sockets import FLOOD
from quarterdeck.agents.process import ProcessIdentity
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.store.store import Store
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.service import Service
from tests.simulation.agents import Agent
from tests.simulation.clockwork import PROCESS, Crash, Later, Process, SimLoop
from tests.simulation.database import FULL, Disk
from tests.simulation.keepers import Bells, Keeper, SimBell
from tests.simulation.wire import Harbour

CONFIG = """
[agents.sim]
command = ["/bin/true"]
start_timeout = 5
[hooks]
"""
STORMS = ("power", "disk", "crash")
LOGGER = logging.getLogger("quarterdeck")


class _Ear(logging.Handler):
    """Hears what the production logs of failures that it did not expect."""

    def __init__(self, world: "World") -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or expected(error):
            return
        self._world.violation(f"logged: {record.getMessage()}: {error!r}")


def expected(error: BaseException) -> bool:
    """Tell an error that the simulation caused on purpose from a defect."""
    if isinstance(error, Crash | asyncio.CancelledError):
        return True
    if isinstance(error, QuarterdeckError) and error.code in (
        "store_unusable",
        "shutting_down",
        "session_already_running",
    ):
        return True
    return FULL in str(error)


class World:
    """Everything of one seed. `violations` says what must not have happened."""

    def __init__(self, seed: int, root: Path, template: Path, storm: str | None = None) -> None:
        """Begin a world.

        Args:
            seed: Where every choice comes from.
            root: Its folder, emptied first.
            template: A database with the newest schema.
            storm: What it suffers from most, one of `STORMS`; drawn if None.
        """
        self.rng = Random(seed)
        drawn = self.rng.choice(("power", "disk") + ("",) * 6)
        self.storm = drawn if storm is None else storm
        self.seed, self.root = seed, root
        self.loop = SimLoop(self.rng, disorder=self.rng.choice((0.0, 0.1, 0.5, 1.0)))
        self.loop.trace = lambda name: self.note("step", name, self.loop.now)
        self.violations: list[str] = []
        self.history = hashlib.blake2b(digest_size=16)
        self.told: list[str] | None = None
        shutil.rmtree(root, ignore_errors=True)
        self.places = Places(root / "state", root / "config")
        self.places.runs.mkdir(parents=True)
        self.places.config.mkdir()
        self.places.config_file.write_text(CONFIG)
        self.disk = Disk(
            self.loop, self.places.database, template, lambda sql, given: self.note(sql, given)
        )
        self.disk.at_commit = self.at_commit
        self._fatal_commit = self._fatal_append = 0
        self.boots = 1
        self._starts = 0
        self.bells = Bells(self)
        self.harbour = Harbour(self.loop, lambda name, data: self.note("wire", name, data))
        self.keepers: list[Keeper] = []
        self.supervisors: list[Process] = []
        self._watches: dict[int, tuple[ProcessIdentity, Process, Callable[[], None]]] = {}
        self.calm = False
        self.powerful = self.rng.random() < 0.25 or self.storm == "power"
        """Whether a crash may be a loss of power."""
        self.power_losses = 0
        self.spool_faults = 0.03 if self.rng.random() < 0.3 else 0.0
        self.crashes_left = (
            3 if self.storm in ("power", "crash") else self.rng.choice((0, 1, 1, 2, 3))
        )
        self.flood = FLOOD
        self.services: list[Service] = []
        self.delivered: dict[str, list[Agent]] = {}
        self._ear = _Ear(self)

    @property
    def boot(self) -> str:
        """The id of this boot."""
        return f"boot-{self.boots}"

    def starts(self) -> int:
        """Return a start time no process had before."""
        self._starts += 1
        return self._starts

    def note(self, *what: Any) -> None:
        """Add to the history, whose hash two runs of a seed share."""
        text = repr(what).replace(str(self.root), "<root>")
        self.history.update(text.encode())
        if self.told is not None:
            self.told.append(text)

    def violation(self, what: str) -> None:
        """Note what must not happen."""
        if len(self.violations) < 20:
            self.violations.append(f"at {self.loop.now:.3f} s: {what}")

    # The supervisor's life

    def start_supervisor(self) -> None:
        """Start the next supervisor, as `qd` does for whoever needs one."""
        process = Process(self.loop, f"supervisor-{len(self.supervisors) + 1}")
        process.killed = self.crash
        self.supervisors.append(process)
        self._fatal_commit = self._fatal_append = 0
        if self.crashes_left and not self.calm:
            aim = 0.5 if self.storm in ("power", "crash") else self.rng.random()
            if aim < 0.4:
                top = self.rng.choice((60, 400, 2000, 6000))
                process.fatal_step = self.rng.randrange(1, top)
            elif aim < 0.8:
                top = {"power": 12, "crash": 30}.get(self.storm, 60)
                self._fatal_commit = self.rng.randrange(1, top)
            else:
                self._fatal_append = self.rng.randrange(1, 15)
        if len(self.supervisors) > 1 and self.rng.random() < (0.6 if self.storm == "disk" else 0.1):
            self.fill_disk()
        process.start(self._supervise(process))

    async def _supervise(self, process: Process) -> None:
        try:
            opened = await Store.open(self.places.database)
        except Exception as error:
            self.violation(f"the store could not be opened: {error!r}")
            return
        identity = ProcessIdentity(self.boot, process.pid, 0)
        runner = f"supervisor:{identity.boot_id}:{identity.pid}"
        service = Service(Context(self.places, opened, runner_id=runner))
        self.services.append(service)
        await service.serve_until_told()
        # It drained and ended by itself: nothing of it may be left that does anything.
        process.dead = True
        self.harbour.sink()
        process.loop.call_later(
            self.rng.choice((0.0, 0.1, 1.0)), self.start_supervisor, context=self.fate.context
        )

    fate: Process
    """Acts on all others; never dies."""

    def crash(self) -> None:
        """Kill the supervisor where it stands, or switch the whole machine off."""
        process = self.supervisors[-1]
        if process.dead:
            return
        power = self.powerful and (self.storm == "power" or self.rng.random() < 0.5)
        self.note("crash", process.name, power)
        process.dead = True
        self.crashes_left -= 1
        if power:
            self.power_losses += 1
            for keeper in self.keepers:
                keeper.powerless = True
                if keeper.alive:
                    keeper.kill()
                    keeper.lose_tail()
            self.boots += 1
        self.disk.crash(power=power)
        self.harbour.sink()
        self.fate.later(self.rng.choice((0.0, 0.01, 0.3, 2.0)), self.start_supervisor)

    def at_commit(self, *, durable: bool) -> None:
        """Perhaps crash soon after a commit; for the power to undo it, one that is not durable."""
        if durable and self.powerful:
            return
        self._fatal_commit -= 1
        if self._fatal_commit == 0:
            self._crash_soon()

    def _crash_soon(self) -> None:
        process = self.supervisors[-1]
        if not self.crashes_left or self.calm:
            return
        if self.rng.random() < 0.6 and self.storm != "power":
            process.fatal_step = process.steps + self.rng.choice((1, 1, 2, 3, 5))
        else:
            self.fate.later(self.rng.choice((0.003, 0.02, 0.06)), self._crash_if_alive, process)

    def _crash_if_alive(self, process: Process) -> None:
        if not process.dead and not self.calm:
            process.killed()

    def kill_some_keeper(self) -> None:
        """Kill a keeper."""
        alive = [keeper for keeper in self.keepers if keeper.alive and keeper.listening]
        if alive and not self.calm:
            keeper = self.rng.choice(alive)
            self.note("kill", keeper.process.name)
            keeper.kill()

    def kill_some_agent(self) -> None:
        """Kill an agent and leave its keeper alive."""
        alive = [keeper for keeper in self.keepers if keeper.alive and keeper.listening]
        if alive and not self.calm:
            keeper = self.rng.choice(alive)
            self.note("kill the agent of", keeper.process.name)
            keeper.agent_ended(-9)

    def fill_disk(self) -> None:
        """Let writes fail for a while."""
        if not self.calm:
            self.disk.full = True
            self.fate.later(self.rng.choice((0.05, 0.5, 2.0)), self.free_disk)

    def free_disk(self) -> None:
        """Let writes succeed again."""
        self.disk.full = False

    def prompted(self, agent: Agent, text: str) -> None:
        """Note that an agent got a prompt."""
        self.delivered.setdefault(text, []).append(agent)
        if agent.prompts.count(text) > 1:
            self.violation(f"prompt {text!r} was given twice to {agent.keeper.run_id}")

    # What the seams lead to

    def getpid(self) -> int:
        process = PROCESS.get(None)
        return 1 if process is None else process.pid

    async def connect_store(self, path: Path, *pragmas: str) -> Any:
        return await self.disk.connect(path, *pragmas)

    def bell(self, path: Path) -> SimBell:
        return SimBell(self)

    def launch(self, directory: RunDirectory, spec: KeeperSpec) -> Any:
        """Start a launcher, which starts the keeper whatever becomes of the supervisor."""
        if not self.calm and self.rng.random() < 0.03:
            raise SpawnFailed("no such program", "ENOENT")
        keeper = Keeper(self, directory, spec)
        wait = self.rng.choice((0.0, 0.0, 0.03, 0.3))
        late = self.rng.choice((0.01, 0.1, 1.0)) if self.rng.random() < 0.05 else None
        if late is None or self.calm:

            def whenever(settle: Callable[[Any, Any], None]) -> None:
                keeper.process.later(wait, lambda: settle(keeper.come_up(), None))

            raise Later(whenever)

        def never(settle: Callable[[Any, Any], None]) -> None:
            """The launcher dies when the agent is up already, and is at work perhaps."""

            def end() -> None:
                self.note("the launcher fails of", keeper.process.name)
                keeper.kill()
                settle(None, SpawnFailed("the keeper did not start", "ECHILD"))

            keeper.process.later(wait, keeper.come_up)
            self.fate.later(wait + late, end)

        raise Later(never)

    def tell(self, directory: RunDirectory, message: bytes, patience: float) -> bool:
        if PROCESS.get().dead:
            return False
        self.note("tell", directory.path.name, message)
        for keeper in self.keepers:
            if keeper.directory.path == directory.path and keeper.listening:
                keeper.process.soon(keeper.hear, message)
                return True
        return False

    def write_all(self, fd: int, data: bytes, offset: int) -> None:
        """Write to a spool; the disk may be full and the process may die half way."""
        process = PROCESS.get()
        if process.dead:
            raise Crash
        drawn = self.rng.random()
        self.note("spool", data, offset)
        self._fatal_append -= 1
        if drawn < self.spool_faults and not self.calm:
            os.pwrite(fd, data[: self.rng.randrange(len(data))], offset)
            raise OSError(errno.ENOSPC, "No space left on device")
        if self._fatal_append == 0 and self.crashes_left and not self.calm:
            if drawn < 0.5:
                os.pwrite(fd, data[: self.rng.randrange(len(data))], offset)
                self.crash()
                raise Crash
            self._crash_soon()
        os.pwrite(fd, data, offset)

    def identify(self, pid: int) -> ProcessIdentity | None:
        for keeper in self.keepers:
            if keeper.process.pid == pid and keeper.alive:
                return keeper.identity
        return None

    def is_alive(self, identity: ProcessIdentity) -> bool:
        return identity.boot_id == self.boot and self.identify(identity.pid) == identity

    def watch(self, identity: ProcessIdentity, callback: Callable[[], None]) -> Callable[[], None]:
        process = PROCESS.get()
        if not self.is_alive(identity):
            return self.loop.call_soon(callback).cancel
        number = self.starts()
        self._watches[number] = (identity, process, callback)
        return lambda: self._watches.pop(number, None) and None

    def gone(self, identity: ProcessIdentity) -> None:
        """Tell those who watch a process that it has ended."""
        for number, (watched, process, _) in list(self._watches.items()):
            if watched == identity:
                delay = self.rng.choice((0.0, 0.0, 0.001, 0.02))
                process.later(delay, self._tell_gone, number)

    def _tell_gone(self, number: int) -> None:
        found = self._watches.pop(number, None)
        if found is not None:
            found[2]()

    def survivors_by_run(self) -> dict[str, list[int]]:
        return {k.run_id: [k.process.pid] for k in self.keepers if k.alive}

    def sweep(self, run_id: str) -> set[int]:
        swept = {keeper for keeper in self.keepers if keeper.alive and keeper.run_id == run_id}
        for keeper in swept:
            self.note("sweep", keeper.process.name)
            keeper.kill()
        return {keeper.process.pid for keeper in swept}

    def live_context(self) -> None:
        """Begin to live: the machine's fate, the ear to the log."""
        self.fate = Process(self.loop, "fate")
        LOGGER.addHandler(self._ear)

    def end(self) -> None:
        """Let go of everything."""
        LOGGER.removeHandler(self._ear)
        for process in self.supervisors:
            process.dead = True
        for connection in list(self.disk.open):
            connection.drop()
