# pathlib and contextlib would cost every keeper memory and milliseconds at its start.
# ruff: noqa: PTH101, PTH104, PTH108, PTH110, PTH112, PTH123, PTH208, SIM105
"""The keeper: a tiny process that holds one agent, so that it outlives the supervisor.

Run as `python -I -S keeper.py RUN_DIR` with the spec as one JSON object on stdin, so that what
is secret in it never touches the disk. The launched process forks: the parent prints one line
of JSON that says whether the agent was started, and exits; the child is the keeper. It feeds
the agent's stdin from the spool `in.jsonl`, appends its stdout to the journal `out.jsonl`,
rings the supervisor's bell, ends the whole process tree when told to on the socket `ctl`, and
writes `exit.json` last. It uses the standard library only, and imports little of that, since
every agent pays for it.
"""

import ctypes
import enum
import errno
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable

LINUX = sys.platform == "linux"
CHUNK = 64 * 1024
STDERR_BYTES = 64 * 1024
RETRY_S = 0.2
KILL_S = 5.0
DEFAULT_GRACE_MS = 3000
EXIT_BYTES = 512
WATCH_S = 0.5
MEGABYTE = 1024 * 1024
OOM_SCORE = 500
NICENESS = 5
SOCKET_PATH_BYTES = 100
RUN_VARIABLE = "QUARTERDECK_RUN"
FAILPOINT_VARIABLE = "QUARTERDECK_KEEPER_FAILPOINT"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def failpoint(name: str, /) -> None:
    """Pass the place `name`, at which a test may kill this process."""


def failpoint_as(setting: str) -> Callable[[str], None]:
    """Return what a failpoint does under `setting`, the value of QUARTERDECK_KEEPER_FAILPOINT.

    `kill:K` kills at the K-th place of a keeper, `kill:NAME:K` at the K-th time of that one;
    with `@FILE` behind it only the process that makes FILE, with the name in it. `stop:` in place
    of `kill:` stops the process there, as SIGSTOP does. `count:FILE` writes each name to FILE.
    `after FILE RULE` follows a rule once FILE exists. Places of the launcher and of the agent
    before its exec, which count beside the keeper's, are reached by their names only.
    """
    if setting.startswith("after "):
        file, _, setting = setting.removeprefix("after ").rpartition(" ")
        follow = failpoint_as(setting)
        return lambda name: follow(name) if os.path.exists(file) else None
    kind, _, rest = setting.partition(":")
    rule, _, once = rest.partition("@")
    wanted, _, number = rule.rpartition(":")
    passed = 0

    def counting(name: str) -> None:
        fd = os.open(rest, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.write(fd, f"{name}\n".encode())
        os.close(fd)

    def killing(name: str) -> None:
        nonlocal passed
        if name != wanted if wanted else not name.startswith("keeper."):
            return
        passed += 1
        if passed != int(number):
            return
        try:
            if once:
                fd = os.open(once, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                os.write(fd, name.encode())
                os.close(fd)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGSTOP if kind == "stop" else signal.SIGKILL)

    return counting if kind == "count" else killing


if FAILPOINT_VARIABLE in os.environ:
    failpoint = failpoint_as(os.environ[FAILPOINT_VARIABLE])


class StartFailedError(Exception):
    """The agent was not started; `name` is the errno's name, such as ENOENT."""

    def __init__(self, text: str, name: str = "EINVAL"):
        super().__init__(text)
        self.name = name


def prctl(option: int, argument: int) -> None:
    """Call prctl(2) for this process; does nothing where there is none."""
    if LINUX:
        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


# --- processes ------------------------------------------------------------------------------


def read_small(path: str) -> bytes:
    """The whole of a /proc file, empty if it cannot be read (its process may be gone)."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return b""


def boot_id() -> str:
    """What tells this boot of the machine from others; empty where the system does not say."""
    return read_small("/proc/sys/kernel/random/boot_id").decode().strip()


def start_time(pid: int) -> int:
    """When `pid` started: clock ticks since boot on Linux, else about now in epoch seconds."""
    fields = read_small(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[19]) if len(fields) > 19 else int(time.time())


def children_by_stat() -> dict[int, list[int]]:
    """Children of every process, from one pass over /proc/*/stat."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = read_small(f"/proc/{name}/stat").rpartition(b")")[2].split()
            if len(fields) > 1:
                found.setdefault(int(fields[1]), []).append(int(name))
    return found


def children(pid: int) -> list[int]:
    """Direct children of `pid`, whichever of its threads started them."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    texts = [read_small(f"/proc/{pid}/task/{thread}/children") for thread in threads]
    return [int(child) for text in texts for child in text.split()]


def own_memory(pid: int) -> int:
    """Bytes of `pid` that are in memory and no copy of a file; 0 if it is gone."""
    kilobytes = 0
    for line in read_small(f"/proc/{pid}/status").splitlines():
        if line.startswith((b"RssAnon:", b"RssShmem:")):
            kilobytes += int(line.split()[1])
    return kilobytes * 1024


def send(pid: int, number: int) -> None:
    """Signal `pid`; one that is gone or is not ours to signal is left alone."""
    try:
        os.kill(pid, number)
    except OSError:
        pass


class Tree:
    """All descendants of this process, found again at each call.

    `setsid` and double forks change nothing: orphans come back to the keeper, which is their
    subreaper. Without /proc only the agent's process group is known.
    """

    def __init__(self, agent: int):
        self._agent = agent
        self._me = os.getpid()
        self._proc = os.path.isdir("/proc/self/task")
        # Some kernels are built without the children files; a scan of all of /proc serves.
        self._by_stat = self._proc and not os.path.exists(f"/proc/self/task/{self._me}/children")

    def signal(self, number: int, known: set[int] | None = None) -> set[int]:
        """Signal all descendants but `known`, parents before children; returns who it was."""
        if not self._proc:
            try:
                os.killpg(self._agent, number)
            except OSError:
                pass
            return set()
        table = children_by_stat() if self._by_stat else None
        done: set[int] = set()
        queue = [self._me]
        while queue:
            parent = queue.pop()
            below = table.get(parent, []) if table is not None else children(parent)
            for pid in below:
                if pid not in done:
                    done.add(pid)
                    if known is None or pid not in known:
                        # Before its own children are read: a stopped parent starts no more of
                        # them and reaps none, so that no number can come to mean another.
                        send(pid, number)
                    queue.append(pid)
        return done if known is None else done - known

    def freeze(self, deadline: float) -> set[int]:
        """SIGSTOP all descendants, again and again until no new one is found."""
        frozen: set[int] = set()
        while True:
            new = self.signal(signal.SIGSTOP, frozen)
            frozen |= new
            if not new or time.monotonic() > deadline:
                return frozen

    def kill(self, deadline: float) -> None:
        """Freeze all descendants and kill them together, so that none can start another."""
        frozen = self.freeze(deadline)
        if not self._proc:
            self.signal(signal.SIGKILL)
        for pid in frozen:
            send(pid, signal.SIGKILL)

    def measure(self, others: list[int]) -> tuple[int, int]:
        """How many processes descend from this one and from `others`, and their own memory.

        The memory is in bytes, without the files they have mapped. Without /proc both are 0.
        """
        if not self._proc:
            return 0, 0
        table = children_by_stat() if self._by_stat else None
        seen: set[int] = set()
        size = 0
        queue = [self._me, *others]
        while queue:
            parent = queue.pop()
            for pid in table.get(parent, []) if table is not None else children(parent):
                if pid not in seen:
                    seen.add(pid)
                    size += own_memory(pid)
                    queue.append(pid)
        return len(seen), size


# --- files ----------------------------------------------------------------------------------


class Journal:
    """The append-only file of what the agent said; keeps what could not be written yet."""

    def __init__(self, name: str):
        failpoint("keeper.journal.open")
        self._fd = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.pending = b""
        self.size = os.fstat(self._fd).st_size

    def write(self, data: bytes) -> bool:
        """Append `data` after what is pending; True if the file grew.

        A full disk, a quota or a failing device leaves the remainder in `pending`.
        """
        rest = self.pending + data
        grew = False
        while rest:
            try:
                failpoint("keeper.journal.before")
                count = os.write(self._fd, rest)
                failpoint("keeper.journal.after")
            except OSError:
                break
            grew = grew or count > 0
            self.size += count
            rest = rest[count:]
        self.pending = rest
        return grew


class BoundedPair:
    """NAME.0 and, once that was full, the part before it as NAME.1: the last bytes of a stream.

    At least the last `limit` bytes are kept, at most twice as many. Write errors are dropped.
    """

    pending = b""
    size = 0
    """Nobody reads it by its offset, so it never runs ahead."""

    def __init__(self, name: str, limit: int):
        self._name = name
        self._limit = limit
        self._size = 0
        self._fd = self._open()

    def _open(self) -> int:
        failpoint("keeper.pair.open")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        return os.open(f"{self._name}.0", flags, 0o600)

    def _turn(self) -> None:
        failpoint("keeper.pair.rename")
        os.rename(f"{self._name}.0", f"{self._name}.1")
        fresh = self._open()
        os.close(self._fd)
        self._fd = fresh
        self._size = 0

    def write(self, data: bytes) -> bool:
        """Append `data`, turning the pair as often as needed; True if anything was kept."""
        grew = False
        try:
            while data:
                if self._size >= self._limit:
                    self._turn()
                failpoint("keeper.pair.write")
                count = os.write(self._fd, data[: self._limit - self._size])
                self._size += count
                data = data[count:]
                grew = True
        except OSError:
            pass
        return grew


class Spool:
    """What is to be said to the agent: the supervisor appends, only whole lines are forwarded."""

    def __init__(self) -> None:
        failpoint("keeper.spool.open")
        flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC
        self._fd = os.open("in.jsonl", flags, 0o600)
        self._offset_fd = os.open("in.offset", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.forwarded = 0
        self._complete = 0
        self._note()

    def _note(self) -> None:
        try:
            failpoint("keeper.offset.before")
            os.pwrite(self._offset_fd, b"%020d\n" % self.forwarded, 0)
            failpoint("keeper.offset.after")
        except OSError:
            pass

    @property
    def waiting(self) -> bool:
        """Whether a whole line, or the rest of one, is still to be forwarded."""
        return self._complete > self.forwarded

    def scan(self) -> bool:
        """Find the last newline; False if the file is shorter than what was forwarded."""
        size = os.fstat(self._fd).st_size
        if size < self.forwarded:
            return False
        if size < self._complete:
            self._complete = self.forwarded
        # An unfinished tail is looked at anew each time, since it may have been cut and replaced.
        position = self._complete
        while position < size:
            chunk = os.pread(self._fd, CHUNK, position)
            if not chunk:
                break
            newline = chunk.rfind(b"\n")
            if newline >= 0:
                self._complete = position + newline + 1
            position += len(chunk)
        return True

    def forward(self, pipe: int) -> None:
        """Write one chunk into the non-blocking `pipe`.

        Raises:
            BrokenPipeError: the agent has closed its stdin.
        """
        chunk = os.pread(self._fd, min(CHUNK, self._complete - self.forwarded), self.forwarded)
        try:
            failpoint("keeper.stdin.before")
            self.forwarded += os.write(pipe, chunk)
            failpoint("keeper.stdin.after")
        except BlockingIOError:
            return
        self._note()


class Bell:
    """Tells the supervisor, if there is one, that something happened in this run."""

    def __init__(self, path: str, text: str):
        self._path = path
        self._text = text.encode()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def ring(self) -> None:
        """Send the run's id by path, so that a supervisor started later is found as well."""
        directory = -1
        try:
            path = self._path
            if LINUX and len(os.fsencode(path)) > SOCKET_PATH_BYTES:
                head, name = os.path.split(path)
                directory = os.open(head, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
                path = f"/proc/self/fd/{directory}/{name}"
            failpoint("keeper.bell.before")
            self._socket.sendto(self._text, path)
            failpoint("keeper.bell.after")
        except OSError:
            # Nobody listens, or the queue is full: the supervisor then looks by itself.
            pass
        finally:
            if directory >= 0:
                os.close(directory)


def write_atomically(name: str, value: dict[str, object]) -> None:
    """Replace the file `name` by `value` as JSON, whole or not at all."""
    fd = os.open(f"{name}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        failpoint("keeper.about.write")
        os.write(fd, json.dumps(value).encode() + b"\n")
    finally:
        os.close(fd)
    failpoint("keeper.about.rename")
    os.rename(f"{name}.tmp", name)
    failpoint("keeper.about.after")


class ExitFile:
    """The exit status: its space is taken at the start, its name at the very end."""

    def __init__(self) -> None:
        self._fd = os.open("exit.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        failpoint("keeper.exit.reserve")
        os.write(self._fd, b" " * EXIT_BYTES)

    def publish(self, code: int | None, number: int | None, reason: str, detail: str) -> None:
        """Write the status over the reserved bytes and give the file its name."""
        value = {"code": code, "signal": number, "reason": reason, "at": time.time_ns() // 10**6}
        if detail:
            value["detail"] = detail
        os.pwrite(self._fd, json.dumps(value).encode().ljust(EXIT_BYTES - 1) + b"\n", 0)
        failpoint("keeper.exit.rename")
        os.rename("exit.tmp", "exit.json")
        failpoint("keeper.exit.after")


# --- the spec -------------------------------------------------------------------------------


class Spec:
    """What to start and how, checked.

    Raises:
        StartFailedError: the text is not whole JSON, or a part is missing or of a wrong kind.
    """

    def __init__(self, text: bytes):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise StartFailedError(f"the spec is not whole JSON: {error}") from None
        if not isinstance(value, dict):
            raise StartFailedError("the spec is not a JSON object")
        self._value: dict[str, object] = value
        self.argv = self._texts("argv")
        self.cwd = self._text("cwd")
        self.env = self._environment()
        self.bell = self._text("bell")
        self.bell_id = self._text("bell_id")
        mode = value.get("mode", "agent")
        if mode not in ("agent", "terminal"):
            raise self._wrong("mode")
        self.terminal = mode == "terminal"
        self.grace_ms = self._number("stop_grace_ms", DEFAULT_GRACE_MS)
        self.output_bytes = max(self._number("output_bytes", CHUNK), CHUNK)
        # Of these 0 is none.
        self.journal_ahead = self._number("journal_ahead", 0)
        self.memory = self._number("memory", 0)
        self.processes = self._number("processes", 0)
        self.run_seconds = self._number("run_seconds", 0)

    def _wrong(self, name: str) -> StartFailedError:
        return StartFailedError(f"the spec's {name} is missing or wrong")

    def _text(self, name: str) -> str:
        text = self._value.get(name)
        if isinstance(text, str) and text:
            return text
        raise self._wrong(name)

    def _texts(self, name: str) -> list[str]:
        words = self._value.get(name)
        if isinstance(words, list) and words:
            texts = [word for word in words if isinstance(word, str)]
            if len(texts) == len(words):
                return texts
        raise self._wrong(name)

    def _environment(self) -> dict[str, str]:
        pairs = self._value.get("env")
        if isinstance(pairs, dict):
            texts = {str(key): text for key, text in pairs.items() if isinstance(text, str)}
            if len(texts) == len(pairs):
                return texts
        raise self._wrong("env")

    def _number(self, name: str, default: int) -> int:
        number = self._value.get(name, default)
        if isinstance(number, int) and number >= 0:
            return number
        raise self._wrong(name)

    def forget(self) -> None:
        """Drop what may be secret, once the agent has it."""
        self._value, self.env, self.argv = {}, {}, []


# --- starting the agent ---------------------------------------------------------------------


def become_agent(spec: Spec, keeper: int, stdio: tuple[int, int, int], umask: int) -> None:
    """In the forked child: shed what is the keeper's and exec; returns only by an exception."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                pass
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)
    failpoint("child.start.before")
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, str(OOM_SCORE).encode())
        os.close(fd)
    except OSError:
        pass
    # Many agents at work must not keep the person's screen and the other agents' keepers waiting.
    os.nice(NICENESS)
    for target, fd in enumerate(stdio):
        os.dup2(fd, target)
    os.umask(umask)
    try:
        os.chdir(spec.cwd)
    except OSError as error:
        raise StartFailedError(
            f"cannot enter the directory {spec.cwd!r}: {error.strerror}", error_name(error)
        ) from None
    failpoint("child.exec.before")
    os.execvpe(spec.argv[0], spec.argv, {**spec.env, RUN_VARIABLE: spec.bell_id})


def error_name(error: OSError) -> str:
    """The name of an errno, such as ENOENT."""
    return errno.errorcode.get(error.errno or 0, "EIO")


def start_agent(spec: Spec, stdio: tuple[int, int, int], umask: int) -> int:
    """Fork and exec the agent on three descriptors above 2, and return its pid.

    Raises:
        StartFailedError: it could not be executed; its process is gone then.
    """
    keeper = os.getpid()
    told, tell = os.pipe()
    failpoint("keeper.fork.before")
    pid = os.fork()
    if pid == 0:
        try:
            become_agent(spec, keeper, stdio, umask)
        except BaseException as error:
            name = error.name if isinstance(error, StartFailedError) else "EINVAL"
            text = str(error)
            if isinstance(error, OSError):
                name = error_name(error)
                text = f"cannot execute {spec.argv[0]!r}: {error.strerror}"
            failpoint("child.failed.before")
            os.write(tell, json.dumps([text, name]).encode())
        os._exit(127)
    os.close(tell)
    try:
        with open(told, "rb", buffering=0) as pipe:
            problem = pipe.readall()
    finally:
        for fd in stdio:
            os.close(fd)
    failpoint("keeper.fork.after")
    if problem:
        os.waitpid(pid, 0)
        text, name = json.loads(problem)
        raise StartFailedError(text, name)
    return pid


# --- the run's terminals, each with a keeper of its own ---------------------------------------


def open_terminals() -> list[str]:
    """The names of the terminals whose keepers listen."""
    try:
        names = os.listdir("terminals")
    except OSError:
        return []
    return [name for name in names if os.path.exists(f"terminals/{name}/ctl")]


def tell_terminals(message: bytes) -> None:
    """Say something to the keeper of each terminal."""
    for name in open_terminals():
        Bell(f"terminals/{name}/ctl", message.decode()).ring()


def read_pid(name: str) -> int:
    """The pid in a keeper's file; 0 if there is none yet, or it is gone."""
    try:
        value = json.loads(read_small(name))
        pid = int(value["pid"])
        return pid if start_time(pid) == value["start_time"] else 0
    except (ValueError, KeyError, TypeError):
        return 0


# --- the keeper -----------------------------------------------------------------------------


class Phase(enum.Enum):
    """How far the end of the agent has come."""

    RUNNING = "running"
    EOF_SENT = "eof sent"
    TERM_SENT = "term sent"
    KILL_SENT = "kill sent"
    DRAINING = "draining"


class Watch:
    """The limits of a run: memory and processes of its tree, and how long it may run.

    The tree is looked at twice a second, and only while a limit on it is set.
    """

    def __init__(self, spec: Spec):
        self._memory, self._processes, self._seconds = spec.memory, spec.processes, spec.run_seconds
        self._end = time.monotonic() + self._seconds if self._seconds else None
        self.due = self._next()

    def _next(self) -> float | None:
        """When to look again; None if there is nothing to look at."""
        if self._memory or self._processes:
            soon = time.monotonic() + WATCH_S
            return soon if self._end is None else min(soon, self._end)
        return self._end

    def exceeded(self, tree: Tree, others: list[int]) -> str:
        """Which limit is exceeded, and by what; empty if none is."""
        self.due = self._next()
        if self._end is not None and time.monotonic() >= self._end:
            return f"the limit run_time is {self._seconds} s, and it ran for {self._seconds} s"
        if not (self._memory or self._processes):
            return ""
        count, size = tree.measure(others)
        if self._processes and count > self._processes:
            return f"the limit processes is {self._processes}, and there were {count}"
        if self._memory and size > self._memory:
            allowed, used = self._memory / MEGABYTE, size / MEGABYTE
            who = "1 process" if count == 1 else f"{count} processes"
            return f"the limit memory is {allowed:.1f} MiB, and {who} used {used:.1f} MiB"
        return ""


class Keeper:
    """Holds one agent: its three streams, its process tree, the control socket and the bell."""

    def __init__(self, spec: Spec, umask: int):
        if os.path.exists("keeper.json") or os.path.exists("exit.json"):
            raise StartFailedError("this run directory has already been used", "EEXIST")
        self._bell = Bell(spec.bell, spec.bell_id)
        self._grace_ms = spec.grace_ms
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._ctl = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ctl.setblocking(False)
        # Not unlinked before: a name that is taken means that another keeper holds this run.
        failpoint("keeper.bind.before")
        self._ctl.bind("ctl")
        try:
            os.chmod("ctl", 0o600)
            self._open(spec, umask)
        except BaseException:
            self._clean()
            raise

    def _open(self, spec: Spec, umask: int) -> None:
        self._exit_file = ExitFile()
        self._spool = None if spec.terminal else Spool()
        self._sink = (
            BoundedPair("out", spec.output_bytes) if spec.terminal else Journal("out.jsonl")
        )
        self._errors = None if spec.terminal else BoundedPair("err", STDERR_BYTES)
        self._phase = Phase.RUNNING
        self._deadline: float | None = None
        self._term_ms = 0
        self._retry_at: float | None = None
        self._mute_at: float | None = None
        self._paused = False
        self._ahead = spec.journal_ahead
        self._read_to = 0
        self._held_back = False
        self._detail = ""
        self._asked_to_end = False
        self._status: int | None = None
        self._reason = ""
        self._catch_signals()
        self._watch(self._ctl.fileno(), self._on_control)
        self._connect(spec, umask)

    def _catch_signals(self) -> None:
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        os.set_blocking(write_end, False)
        self._wake = read_end
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        self._watch(read_end, self._on_signal)

    def _connect(self, spec: Spec, umask: int) -> None:
        """Make the pipes, start the agent on them, and keep our ends."""
        self._stdin, self._stdout, self._stderr = -1, -1, -1
        self._stdout, out = os.pipe()
        if spec.terminal:
            stdio = (os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), out, os.dup(out))
        else:
            inlet, self._stdin = os.pipe()
            self._stderr, err = os.pipe()
            stdio = (inlet, out, err)
        for fd in (self._stdin, self._stdout, self._stderr):
            if fd >= 0:
                os.set_blocking(fd, False)
        self._agent = start_agent(spec, stdio, umask)
        self._tree = Tree(self._agent)
        self._limits = Watch(spec)
        self._watch(self._stdout, self._relay)
        if self._stderr >= 0:
            self._watch(self._stderr, self._keep_error)

    def _clean(self) -> None:
        failpoint("keeper.clean.before")
        for name in ("ctl", "exit.tmp", "paused.json"):
            try:
                os.unlink(name)
            except OSError:
                pass

    def announce(self) -> dict[str, object]:
        """Write keeper.json and ring; returns what it says."""
        me = os.getpid()
        about: dict[str, object] = {
            "boot_id": boot_id(),
            "pid": me,
            "start_time": start_time(me),
            "agent_pid": self._agent,
            "agent_start_time": start_time(self._agent),
        }
        try:
            write_atomically("keeper.json", about)
        except OSError as error:
            self._end_tree()
            self._clean()
            text = f"cannot write keeper.json: {error.strerror}"
            raise StartFailedError(text, error_name(error)) from None
        self._bell.ring()
        return about

    # Descriptors watched

    def _watch(self, fd: int, handler: Callable[[], None], events: int = select.POLLIN) -> None:
        if fd not in self._handlers:
            self._handlers[fd] = handler
            self._poll.register(fd, events)

    def _unwatch(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def _shut(self, fd: int) -> int:
        if fd >= 0:
            self._unwatch(fd)
            os.close(fd)
        return -1

    def run(self) -> None:
        """Hold the agent until it has ended and all it said is kept."""
        if self._spool is not None:
            self._look_at_spool()
        while self._status is None or not self._finish():
            for fd, _ in self._poll.poll(self._timeout_ms()):
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler()
            self._on_time()

    def _timeout_ms(self) -> int | None:
        running = self._phase is Phase.RUNNING
        due, mute = (self._limits.due, self._mute_at) if running else (None, None)
        moments = [at for at in (self._deadline, self._retry_at, due, mute) if at is not None]
        if not moments:
            return None
        return max(0, int((min(moments) - time.monotonic()) * 1000) + 1)

    def _on_time(self) -> None:
        now = time.monotonic()
        if self._asked_to_end:
            self._asked_to_end = False
            self.stop(self._grace_ms, self._grace_ms, "stopped")
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._keep(b"")
        due = self._limits.due
        if due is not None and now >= due and self._phase is Phase.RUNNING:
            self._check_limits()
        mute = self._mute_at is not None and now >= self._mute_at
        if mute and self._phase is Phase.RUNNING and self._status is None:
            self._mute_at = None
            self.stop(self._grace_ms, self._grace_ms, "output_closed")
        if self._deadline is not None and self._status is None:
            self._advance_stop()

    def _check_limits(self) -> None:
        """End a run that is over one of its limits, terminals included."""
        holders = [read_pid(f"terminals/{name}/keeper.json") for name in open_terminals()]
        self._detail = self._limits.exceeded(self._tree, [pid for pid in holders if pid])
        if not self._detail:
            return
        # What takes memory or forks is given no time to take more.
        grace = 0 if "run_time" not in self._detail else self._grace_ms
        tell_terminals(b"x %d %d" % (grace, grace))
        self.stop(grace, grace, "limit")

    # Agent to supervisor

    def _read(self, fd: int) -> bytes | None:
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:
            return None

    def _relay(self) -> None:
        data = self._read(self._stdout)
        if data:
            self._keep(data)
        elif data is not None:
            self._stdout = self._shut(self._stdout)
            if self._spool is not None:
                # It can say nothing any more: it is about to end, or has to be ended.
                self._mute_at = time.monotonic() + self._grace_ms / 1000

    def _keep(self, data: bytes) -> None:
        """Append to the journal; while that fails, leave stdout alone and try again later."""
        if self._sink.write(data):
            self._bell.ring()
        if self._sink.pending:
            self._retry_at = time.monotonic() + RETRY_S
            self._unwatch(self._stdout)
        elif self._stdout >= 0 and not self._held_back:
            self._watch(self._stdout, self._relay)
        if self._ahead and self._sink.size - self._read_to > self._ahead:
            self._hold_back()

    def _hold_back(self) -> None:
        """Stop the whole tree where it stands, until the journal is read (DESIGN §4).

        It is the keeper that does so, since nothing else is there while no supervisor runs.
        """
        if self._held_back or self._phase is not Phase.RUNNING:
            return
        self._held_back = True
        self._unwatch(self._stdout)
        self._tree.freeze(time.monotonic() + KILL_S)
        tell_terminals(b"p")
        told: dict[str, object] = {
            "journal": self._sink.size,
            "read": self._read_to,
            "limit": self._ahead,
        }
        try:
            write_atomically("paused.json", told)
        except OSError:
            # It only tells; what lets the tree go on is how far the journal is read.
            pass
        self._bell.ring()

    def _let_go(self) -> None:
        """Let a tree go on whose journal was read, unless it was paused for another reason."""
        self._held_back = False
        failpoint("keeper.let_go.before")
        try:
            os.unlink("paused.json")
        except OSError:
            pass
        if not self._paused:
            self._tree.signal(signal.SIGCONT)
        tell_terminals(b"c")
        if self._stdout >= 0 and not self._sink.pending:
            self._watch(self._stdout, self._relay)
        self._bell.ring()

    def _keep_error(self) -> None:
        data = self._read(self._stderr)
        if data and self._errors is not None:
            self._errors.write(data)
        elif data is not None:
            self._stderr = self._shut(self._stderr)

    # Supervisor to agent

    def _look_at_spool(self) -> None:
        if self._spool is None or self._stdin < 0:
            return
        if not self._spool.scan():
            # Lines that were forwarded are gone from the file: nothing after them can be trusted.
            self.stop(self._grace_ms, self._grace_ms, "spool_damaged")
            return
        self._forward()

    def _forward(self) -> None:
        if self._spool is None or self._stdin < 0:
            return
        if self._spool.waiting:
            try:
                self._spool.forward(self._stdin)
            except OSError:
                self._stdin = self._shut(self._stdin)
                return
        if self._spool.waiting:
            self._watch(self._stdin, self._forward, select.POLLOUT)
        else:
            # Watched even for nothing, a pipe whose reader is gone would wake us for ever.
            self._unwatch(self._stdin)

    # Control

    def _on_control(self) -> None:
        messages = []
        while True:
            try:
                messages.append(self._ctl.recv(64))
            except BlockingIOError:
                break
        failpoint("keeper.control.read")
        # Looked at whatever was said: a full queue may have swallowed the word about the spool.
        self._look_at_spool()
        for message in messages:
            self._obey(message)

    def _obey(self, message: bytes) -> None:
        word, *numbers = message.split() or [b""]
        if word == b"x" and len(numbers) == 2 and all(text.isdigit() for text in numbers):
            self.stop(int(numbers[0]), int(numbers[1]), "stopped")
        elif word == b"p" and self._phase is Phase.RUNNING:
            self._paused = True
            self._tree.freeze(time.monotonic() + KILL_S)
        elif word == b"c" and self._paused:
            self._resume()
        elif word == b"r" and len(numbers) == 1 and numbers[0].isdigit():
            self._read_to = max(self._read_to, int(numbers[0]))
            if self._held_back and self._sink.size - self._read_to <= self._ahead // 2:
                self._let_go()

    def _resume(self) -> None:
        self._paused = False
        if not self._held_back:
            self._tree.signal(signal.SIGCONT)

    def _on_sigterm(self, *_: object) -> None:
        self._asked_to_end = True

    def _on_signal(self) -> None:
        while self._read(self._wake):
            pass
        self._reap()

    def _reap(self) -> bool:
        """Collect the children that ended; False if there is none left at all."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._agent:
                self._status = status

    # The end

    def stop(self, eof_ms: int, term_ms: int, reason: str) -> None:
        """Begin to end the agent, or make an end that has begun come sooner."""
        now = time.monotonic()
        if self._phase is Phase.RUNNING:
            self._reason = reason
            self._phase = Phase.EOF_SENT
            self._deadline = now + eof_ms / 1000
            self._term_ms = term_ms
            if self._paused:
                self._resume()
            if self._held_back:
                self._let_go()
            self._stdin = self._shut(self._stdin)
        elif self._deadline is not None:
            self._term_ms = min(self._term_ms, term_ms)
            grace = eof_ms if self._phase is Phase.EOF_SENT else term_ms
            self._deadline = min(self._deadline, now + grace / 1000)

    def _advance_stop(self) -> None:
        """Take the next step of a stop once the grace of the last one is over."""
        if self._phase is Phase.EOF_SENT and time.monotonic() >= (self._deadline or 0):
            self._phase = Phase.TERM_SENT
            self._deadline = time.monotonic() + self._term_ms / 1000
            self._tree.signal(signal.SIGTERM)
        if self._phase is not Phase.EOF_SENT and time.monotonic() >= (self._deadline or 0):
            self._phase = Phase.KILL_SENT
            self._end_tree()
            # Only a process stuck in the kernel is left; the kill waits for it there.
            self._deadline = time.monotonic() + 1

    def _end_tree(self) -> None:
        """Kill and reap all descendants, again until there are none or time is up."""
        deadline = time.monotonic() + KILL_S
        pause = 0.001
        while self._reap() and time.monotonic() < deadline:
            self._tree.kill(deadline)
            if not self._reap():
                break
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _finish(self) -> bool:
        """After the agent's end: kill what it left, keep what was said, publish the status."""
        if self._phase is not Phase.DRAINING:
            self._end_tree()
            self._phase = Phase.DRAINING
            self._deadline = None
            self._stdin = self._shut(self._stdin)
        self._drain()
        if self._sink.pending or self._retry_at is not None:
            return False
        return self.publish()

    def _drain(self) -> None:
        while self._stderr >= 0:
            data = self._read(self._stderr)
            if not data:
                self._stderr = self._shut(self._stderr)
            elif self._errors is not None:
                self._errors.write(data)
        while self._stdout >= 0 and not self._sink.pending:
            data = self._read(self._stdout)
            if data:
                self._keep(data)
            else:
                self._stdout = self._shut(self._stdout)

    def publish(self, reason: str = "") -> bool:
        """Write exit.json and ring; False if the disk does not let us yet."""
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        number = -code if code is not None and code < 0 else None
        reason = reason or self._reason or ("exited" if number is None else "killed")
        try:
            self._exit_file.publish(code if number is None else None, number, reason, self._detail)
        except FileNotFoundError:
            # The run's directory was removed: there is nobody to tell.
            return True
        except OSError:
            self._retry_at = time.monotonic() + RETRY_S
            return False
        self._clean()
        self._bell.ring()
        return True

    def give_up(self) -> None:
        """After an error of our own: leave no agent running unheld, and say so."""
        self._end_tree()
        self.publish("keeper_failed")


def detach(report: int) -> None:
    """Leave the launcher's session and descriptors, all but `report`."""
    os.setsid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.closerange(3, report)
    os.closerange(report + 1, min(os.sysconf("SC_OPEN_MAX"), 1 << 16))


def keep(spec: Spec, report: int) -> None:
    """Be the keeper: start the agent, report how that went, and hold it to its end."""
    try:
        detach(report)
        keeper = Keeper(spec, os.umask(0o077))
        answer: dict[str, object] = {"ok": True, **keeper.announce()}
    except StartFailedError as error:
        say(report, {"ok": False, "error": str(error), "errno": error.name})
        return
    except OSError as error:
        text = f"cannot prepare the run directory: {error.strerror}"
        say(report, {"ok": False, "error": text, "errno": error_name(error)})
        return
    spec.forget()
    try:
        if not say(report, answer):
            # Whoever wanted this agent is gone and may never learn of it.
            keeper.stop(0, 0, "abandoned")
        os.close(report)
        keeper.run()
    except BaseException:
        keeper.give_up()


def say(fd: int, value: dict[str, object]) -> bool:
    """Write one line of JSON; False if nobody reads it."""
    failpoint("keeper.report.before")
    try:
        os.write(fd, json.dumps(value).encode() + b"\n")
    except OSError:
        return False
    return True


def launch(run_dir: str) -> int:
    """Read the spec, fork the keeper, and say on stdout whether the agent runs."""
    try:
        spec = Spec(sys.stdin.buffer.read())
        os.chdir(run_dir)
    except StartFailedError as error:
        say(1, {"ok": False, "error": str(error), "errno": error.name})
        return 1
    except OSError as error:
        text = f"cannot use the run directory {run_dir!r}: {error.strerror}"
        say(1, {"ok": False, "error": text, "errno": error_name(error)})
        return 1
    told, tell = os.pipe()
    failpoint("launcher.fork.before")
    if os.fork() == 0:
        try:
            keep(spec, tell)
        finally:
            os._exit(0)
    os.close(tell)
    with open(told, "rb", buffering=0) as pipe:
        line = pipe.readall()
    if not line.endswith(b"\n"):
        text = "the keeper ended before it had started the agent"
        line = json.dumps({"ok": False, "error": text, "errno": "ECHILD"}).encode() + b"\n"
    failpoint("launcher.report.before")
    os.write(1, line)
    failpoint("launcher.report.after")
    return 0 if json.loads(line)["ok"] else 1


if __name__ == "__main__":
    os._exit(launch(sys.argv[1]))
