"""Time and order under one seed: an event loop without I/O, and processes that can die in it."""

import asyncio
import contextvars
import heapq
import itertools
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

EXECUTOR_DELAYS = (0.0, 0.0, 0.001, 0.02)


class Crash(BaseException):
    """The process that runs this code is dead: nothing it does from here on has an effect."""


class Later(Exception):
    """What a thread's work raises whose result comes from another process.

    Attributes:
        whenever: Is given the function that takes the result and the error.
    """

    def __init__(self, whenever: Callable[[Callable[[Any, Any], None]], None]) -> None:
        super().__init__()
        self.whenever = whenever


class Process:
    """A simulated process: what was begun in its context is dropped once it is dead."""

    def __init__(self, loop: "SimLoop", name: str) -> None:
        self.loop, self.name = loop, name
        self.pid = next(loop.pids)
        self.dead = False
        self.steps = 0
        self.fatal_step: int | None = None
        self.killed: Callable[[], None] = lambda: None
        self.context = contextvars.copy_context()
        self.context.run(PROCESS.set, self)

    def soon(self, call: Callable[..., Any], *given: Any) -> None:
        """Call in this process."""
        self.loop.call_soon(call, *given, context=self.context)

    def later(self, seconds: float, call: Callable[..., Any], *given: Any) -> None:
        """Call in this process after a while."""
        self.loop.call_later(seconds, call, *given, context=self.context)

    def start(self, work: Any) -> "asyncio.Task[Any]":
        """Run a coroutine in this process."""
        return self.loop.create_task(work, context=self.context)


PROCESS: "contextvars.ContextVar[Process]" = contextvars.ContextVar("PROCESS")


class SimFuture(asyncio.Future):  # type: ignore[type-arg]
    """A future whose place in a set does not depend on its address."""

    serials = itertools.count(1)

    def __new__(cls, *args: Any, **kwargs: Any) -> "SimFuture":
        made = super().__new__(cls)
        made.serial = next(SimFuture.serials)
        return made

    serial: int

    def __hash__(self) -> int:
        return self.serial


class SimTask(asyncio.Task):  # type: ignore[type-arg]
    """A task whose place in a set does not depend on its address."""

    serial: int

    def __new__(cls, *args: Any, **kwargs: Any) -> "SimTask":
        made = super().__new__(cls)
        made.serial = next(SimFuture.serials)
        return made

    def __hash__(self) -> int:
        return self.serial


class SimLoop(asyncio.BaseEventLoop):
    """An event loop whose clock jumps to the next timer and whose order is drawn from the seed."""

    _ready: Any
    _scheduled: list[Any]

    def __init__(self, rng: Random, *, disorder: float) -> None:
        """Begin at time nought.

        Args:
            rng: Where every choice comes from.
            disorder: How often another callback than the one that is longest ready goes first.
        """
        SimFuture.serials = itertools.count(1)
        super().__init__()
        self.rng, self._disorder = rng, disorder
        self.pids = itertools.count(1000)
        self.now = 0.0
        self.tasks: list[SimTask] = []
        self.faults: list[str] = []
        self.readers: dict[int, asyncio.Handle] = {}
        self.trace: Callable[[str], None] = lambda text: None
        self.create_unix_server_as: Callable[..., Any] | None = None
        self.set_task_factory(self._make_task)
        self.set_exception_handler(self._fault)

    def _make_task(self, loop: Any, work: Any, *, context: Any = None) -> SimTask:
        task = SimTask(work, loop=self, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.tasks.append(task)
        return task

    def create_future(self) -> Any:
        return SimFuture(loop=self)

    def _fault(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, Crash | asyncio.CancelledError):
            self.faults.append(f"{context.get('message')}: {error!r}")

    def time(self) -> float:
        return self.now

    def _write_to_self(self) -> None:
        """Nobody sleeps that could be woken."""

    def _process_events(self, event_list: Iterable[Any]) -> None:
        """There are none."""

    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:
        """No signals are sent."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Do the work of a thread here, some time later; its result arrives later still."""
        future = self.create_future()

        def settle(result: Any, error: Exception | None) -> None:
            if not future.done():
                future.set_result(result) if error is None else future.set_exception(error)

        def work() -> None:
            result, error = None, None
            try:
                result = func(*args)
            except Later as later:
                caller = PROCESS.get()
                later.whenever(lambda result, error: caller.soon(settle, result, error))
                return
            except Exception as raised:
                error = raised
            self.call_later(self.rng.choice(EXECUTOR_DELAYS), settle, result, error)

        self.call_later(self.rng.choice(EXECUTOR_DELAYS), work)
        return future

    async def create_unix_server(self, protocol_factory: Any, *given: Any, **more: Any) -> Any:
        assert self.create_unix_server_as is not None
        return self.create_unix_server_as(protocol_factory)

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:
        self.readers[fd] = asyncio.Handle(callback, args, self, contextvars.copy_context())

    def remove_reader(self, fd: Any) -> bool:
        return self.readers.pop(fd, None) is not None

    def step(self, horizon: float) -> bool:
        """Run one callback; False once there is none before `horizon`."""
        ready, scheduled = self._ready, self._scheduled
        while True:
            while scheduled and (scheduled[0]._cancelled or scheduled[0]._when <= self.now):
                timer = heapq.heappop(scheduled)
                timer._scheduled = False
                if not timer._cancelled:
                    ready.append(timer)
            if ready:
                break
            if not scheduled or scheduled[0]._when > horizon:
                return False
            self.now = scheduled[0]._when
        if len(ready) > 1 and self.rng.random() < self._disorder:
            place = self.rng.randrange(len(ready))
            handle = ready[place]
            del ready[place]
        else:
            handle = ready.popleft()
        process = handle._context.get(PROCESS)
        if handle._cancelled or process is None or process.dead:
            return True
        process.steps += 1
        if process.steps == process.fatal_step:
            process.killed()
            return True
        self.trace(process.name)
        handle._run()
        return True
