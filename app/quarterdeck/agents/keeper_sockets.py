"""Datagrams between supervisor and keepers: the control socket of a run, and the bell."""

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from quarterdeck.agents.keeper_files import RunDirectory
from quarterdeck.model.failpoints import failpoint

FLOOD = 8
EOF_MS = 3000
TERM_MS = 3000
_SOCKET_PATH_BYTES = 100


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """A name for a socket that fits into its 108 bytes, however long the path is."""
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES or sys.platform != "linux":
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _tell(run_dir: RunDirectory, message: bytes, patience: float) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(patience)
        try:
            with _address(run_dir.control) as address:
                failpoint("keeper_control.send.before")
                sender.sendto(message, address)
                failpoint("keeper_control.send.after")
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except (BlockingIOError, TimeoutError):
            # Its queue is full. A keeper that reads any message looks at its spool too.
            return message == b"s"
        except OSError:
            return False
    return True


def ring_spool(run_dir: RunDirectory) -> bool:
    """Tell the keeper that the spool has grown; False if no keeper listens."""
    return _tell(run_dir, b"s", 0)


def request_stop(run_dir: RunDirectory, eof_ms: int = EOF_MS, term_ms: int = TERM_MS) -> bool:
    """Ask the keeper to end the agent's whole tree; a second, shorter request hastens it.

    Args:
        run_dir: The run.
        eof_ms: Milliseconds between the end of its stdin and SIGTERM.
        term_ms: Milliseconds between SIGTERM and SIGKILL.

    Returns:
        False if no keeper listens; the end itself is told by the bell and `read_exit`.
    """
    return _tell(run_dir, b"x %d %d" % (eof_ms, term_ms), 0.2)


def pause(run_dir: RunDirectory) -> bool:
    """Stop every process of the tree where it stands; False if no keeper listens."""
    return _tell(run_dir, b"p", 0.2)


def resume(run_dir: RunDirectory) -> bool:
    """Let a paused tree go on; False if no keeper listens."""
    return _tell(run_dir, b"c", 0.2)


def tell_read(run_dir: RunDirectory, offset: int) -> bool:
    """Tell the keeper how far the journal is read; False if it could not be told now.

    It lets a tree go on that it has stopped because its journal ran ahead.
    """
    return _tell(run_dir, b"r %d" % offset, 0)


class Bell:
    """The datagram socket on which keepers say which run has news."""

    def __init__(self, path: Path):
        """Bind at `path`, replacing what a dead supervisor left there.

        Raises:
            OSError: the directory is missing or not writable.
        """
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            # Made ready under another name: it is 0600 from the first moment it is found.
            fresh = path.with_name(f".{secrets.token_hex(4)}")
            with _address(fresh) as address:
                failpoint("bell.bind.before")
                self._socket.bind(address)
            fresh.chmod(0o600)
            failpoint("bell.rename.before")
            fresh.replace(path)
            failpoint("bell.rename.after")
            self._inode = path.stat().st_ino
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def drain(self) -> tuple[set[str], bool]:
        """Read all that was rung.

        Returns:
            The ids of the runs, and whether there were so many rings that others may have
            been lost: then every journal is to be looked at.
        """
        heard: list[str] = []
        while True:
            try:
                heard.append(self._socket.recv(256).decode(errors="replace"))
            except BlockingIOError:
                return set(heard), len(heard) >= FLOOD

    def close(self) -> None:
        """Stop listening; the path is removed unless another supervisor has taken it."""
        self._socket.close()
        with suppress(FileNotFoundError):
            if self.path.stat().st_ino == self._inode:
                failpoint("bell.unlink.before")
                self.path.unlink()
