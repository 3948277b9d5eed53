"""The files of one run that keeper and supervisor share: spool, journal, status, last output.

They are found by path each time, so that the supervisor holds no descriptor for an agent that
is idle.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from quarterdeck.agents.process import ProcessIdentity
from quarterdeck.model.failpoints import failpoint

STDERR_BYTES = 64 * 1024


class JournalShorter(Exception):
    """A journal is shorter than what was committed of it, as a loss of power can leave it."""

    def __init__(self, path: Path, size: int, offset: int):
        super().__init__(f"{path} has {size} bytes, but {offset} had been read from it")
        self.path = path
        self.size = size
        self.offset = offset


class SpoolDamaged(Exception):
    """The spool does not fit the rows: going on could cut or double what the agent was told."""


@dataclass(frozen=True)
class RunDirectory:
    """Where one run of an agent keeps its files."""

    path: Path

    @cached_property
    def spool(self) -> Path:
        """Lines for the agent; the supervisor appends."""
        return self.path / "in.jsonl"

    @cached_property
    def journal(self) -> Path:
        """Lines from the agent; the keeper appends."""
        return self.path / "out.jsonl"

    @cached_property
    def control(self) -> Path:
        """The socket the keeper listens on while it holds the agent."""
        return self.path / "ctl"

    def create(self) -> None:
        """Make the directory (0700), its missing parents and an empty spool (0600).

        Raises:
            FileExistsError: there is such a run already.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        failpoint("run_directory.mkdir.before")
        self.path.mkdir(mode=0o700)
        self.path.chmod(0o700)
        failpoint("run_directory.spool.before")
        os.close(os.open(self.spool, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


@dataclass(frozen=True)
class KeeperInfo:
    """A keeper and the process it started."""

    keeper: ProcessIdentity
    agent: ProcessIdentity


@dataclass(frozen=True)
class ExitStatus:
    """How a run ended.

    Attributes:
        code: The main process's exit code; None if a signal ended it or nothing is known.
        signal: The signal that ended it, or None.
        reason: `exited`, `killed` (by a signal that was not the keeper's), `stopped`,
            `abandoned` (nobody waited for its start), `output_closed` (it closed its stdout and
            lived on), `limit`, `spool_damaged` or `keeper_failed`.
        at_ms: When, in milliseconds since the epoch.
        detail: Which limit was exceeded, and by what.
    """

    code: int | None
    signal: int | None
    reason: str
    at_ms: int
    detail: str = ""


def parse_info(value: Mapping[str, object]) -> KeeperInfo:
    """Read what a keeper says about itself.

    Raises:
        KeyError: a part is missing.
        ValueError: a number is none.
    """
    boot, numbers = (
        str(value["boot_id"]),
        [int(str(value[name])) for name in ("pid", "start_time", "agent_pid", "agent_start_time")],
    )
    pid, started, agent_pid, agent_started = numbers
    return KeeperInfo(
        ProcessIdentity(boot, pid, started), ProcessIdentity(boot, agent_pid, agent_started)
    )


def _read_json(path: Path) -> dict[str, object] | None:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def read_info(run_dir: RunDirectory) -> KeeperInfo | None:
    """The keeper and the agent of a run; None if none was started (or its file is damaged)."""
    value = _read_json(run_dir.path / "keeper.json")
    try:
        return None if value is None else parse_info(value)
    except (KeyError, ValueError):
        return None


def read_keeper(run_dir: RunDirectory) -> ProcessIdentity | None:
    """The keeper of a run, alive or not; None if none was started."""
    info = read_info(run_dir)
    return None if info is None else info.keeper


def read_exit(run_dir: RunDirectory) -> ExitStatus | None:
    """How the run ended, written once its journal is whole; None before, or if never."""
    value = _read_json(run_dir.path / "exit.json")
    if value is None:
        return None
    code, number, reason, at = (value.get(name) for name in ("code", "signal", "reason", "at"))
    return ExitStatus(
        code if isinstance(code, int) else None,
        number if isinstance(number, int) else None,
        str(reason),
        at if isinstance(at, int) else 0,
        str(value.get("detail", "")),
    )


def is_held_back(run_dir: RunDirectory) -> bool:
    """Whether the keeper says that it has stopped its tree because the journal runs ahead."""
    return (run_dir.path / "paused.json").exists()


def read_held_back(run_dir: RunDirectory) -> dict[str, object] | None:
    """Why the keeper has stopped its tree by itself: `journal`, `read`, `limit`, in bytes."""
    return _read_json(run_dir.path / "paused.json")


def forwarded_offset(run_dir: RunDirectory) -> int:
    """How many bytes of the spool the keeper has written to the agent's stdin."""
    try:
        return int((run_dir.path / "in.offset").read_bytes() or b"0")
    except (FileNotFoundError, ValueError):
        # Unreadable after a loss of power: a row that is not whole was not forwarded either.
        return 0


def read_stderr(run_dir: RunDirectory, limit: int = STDERR_BYTES) -> bytes:
    """The last `limit` bytes of the agent's stderr; at least 64 KiB of it are retained."""
    return _read_pair(run_dir.path / "err", limit)[0]


def read_output(run_dir: RunDirectory, limit: int) -> tuple[bytes, bool]:
    """The last `limit` bytes of a terminal's output, and whether more is retained than that."""
    return _read_pair(run_dir.path / "out", limit)


def _read_pair(path: Path, limit: int) -> tuple[bytes, bool]:
    while True:
        newer, newer_file = _read_with_inode(path.with_name(f"{path.name}.0"))
        older, older_file = _read_with_inode(path.with_name(f"{path.name}.1"))
        # The same file twice: the keeper turned the pair between the two reads.
        if newer_file is None or newer_file != older_file:
            break
    whole = older + newer
    return whole[max(0, len(whole) - limit) :], len(whole) > limit


def _read_with_inode(path: Path) -> tuple[bytes, int | None]:
    try:
        with path.open("rb") as file:
            return file.read(), os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return b"", None


def read_journal(path: Path, offset: int, limit: int) -> bytes:
    """Up to `limit` bytes of a journal from byte `offset`; empty at its end.

    Raises:
        JournalShorter: the file ends before `offset`.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        if offset:
            raise JournalShorter(path, 0, offset) from None
        return b""
    try:
        data = os.pread(fd, limit, offset)
        if not data and (size := os.fstat(fd).st_size) < offset:
            raise JournalShorter(path, size, offset)
        return data
    finally:
        os.close(fd)


class Spool:
    """What the supervisor says to one agent, in lines whose places were committed before."""

    def __init__(self, run_dir: RunDirectory):
        self._run_dir = run_dir

    def size(self) -> int:
        """Bytes in the spool; the place of the next row if the last one is whole."""
        return self._run_dir.spool.stat().st_size

    def backlog(self) -> int:
        """Bytes the agent has not taken yet."""
        return max(0, self.size() - forwarded_offset(self._run_dir))

    def append(self, rows: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Hand over those of the rows that are not in the spool yet.

        A row that a crash or a full disk cut short is cut off and written anew. The keeper
        forwards whole lines only, so it has seen nothing of it.

        Args:
            rows: Start offset and payload, in order; a payload is one line with its newline.

        Returns:
            The rows that were appended now.

        Raises:
            SpoolDamaged: a row begins beyond the end, or the keeper forwarded a part of a row
                that is not whole.
            ValueError: a payload is not exactly one line.
            OSError: the disk is full or fails; appending the same rows again is safe.
        """
        appended: list[tuple[int, bytes]] = []
        fd = os.open(self._run_dir.spool, os.O_WRONLY | os.O_CLOEXEC)
        try:
            for start, payload in rows:
                if not payload or payload.find(b"\n") != len(payload) - 1:
                    raise ValueError("what goes into the spool must be one line with its newline")
                if self._is_missing(fd, start, payload):
                    failpoint("spool.append.before")
                    _write_all(fd, payload, start)
                    failpoint("spool.append.after")
                    appended.append((start, payload))
        finally:
            os.close(fd)
        return appended

    def _is_missing(self, fd: int, start: int, payload: bytes) -> bool:
        """Whether the row must be written; what there is of it has been cut off then."""
        size = os.fstat(fd).st_size
        if size >= start + len(payload):
            return False
        path = self._run_dir.spool
        if size < start:
            raise SpoolDamaged(f"{path} has {size} bytes, but the next line belongs at {start}")
        forwarded = forwarded_offset(self._run_dir)
        if forwarded > start:
            raise SpoolDamaged(f"{path} was forwarded up to {forwarded}, into a line at {start}")
        if size > start:
            failpoint("spool.truncate.before")
            os.ftruncate(fd, start)
        return True


def _write_all(fd: int, data: bytes, offset: int) -> None:
    while data:
        failpoint("spool.write.before")
        count = os.pwrite(fd, data, offset)
        offset += count
        data = data[count:]
