"""The state directory: whose it is, on what it lies, how much room there is."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.cli.doctor.finding import Finding, bad, ok, warn
from quarterdeck.model.file_systems import file_system, is_network
from quarterdeck.model.places import Places
from quarterdeck.rpc.unix_path import PATH_LIMIT

OTHERWISE = "set QUARTERDECK_STATE_DIR to a directory of your own on a local disk"
SCARCE_BYTES, TOO_FEW_BYTES = 1024**3, 64 * 1024**2
SHARED = ("fuse", "9p", "virtiofs", "vboxsf", "drvfs", "prl_fs", "overlay")
"""File systems of which it cannot be told whether locks and shared memory work as they must."""
MEMORY = ("tmpfs", "ramfs")


def findings(places: Places) -> Iterator[Finding]:
    """Check the state directory, or where it would be made."""
    yield directory(places.state)
    yield on_disk(file_system(_existing(places.state)), places.state)
    yield room(_existing(places.state))
    yield socket_path(places.socket)


def _existing(path: Path) -> Path:
    """Return the directory, or the nearest one above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def directory(state: Path) -> Finding:
    """Check that the directory is ours alone, and can be written to."""
    check = "state directory"
    try:
        found = state.stat()
    except FileNotFoundError:
        if os.access(_existing(state), os.W_OK | os.X_OK):
            return ok(check, f"{state} is made by the first start")
        return bad(check, f"{state} cannot be made in {_existing(state)}", OTHERWISE)
    except OSError as error:
        return bad(check, f"{state}: {error.strerror}", OTHERWISE)
    if not stat.S_ISDIR(found.st_mode):
        return bad(check, f"{state} is no directory", OTHERWISE)
    if found.st_uid != os.getuid():
        return bad(check, f"{state} belongs to user {found.st_uid}, not to you", OTHERWISE)
    if not os.access(state, os.W_OK | os.X_OK):
        return bad(check, f"{state} cannot be written to", f"chmod u+rwx {state}, or remount it")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        return warn(check, f"{state} is open to others ({mode:04o})", f"chmod 700 {state}")
    return ok(check, f"{state}, yours alone")


def on_disk(kind: str, state: Path) -> Finding:
    """Check the type of the file system."""
    check, told = "file system", f"{state} lies on {kind or 'an unknown file system'}"
    if is_network(kind):
        return bad(check, f"{told}, over a network: neither locks nor SQLite work there", OTHERWISE)
    if kind.partition(".")[0] in SHARED:
        return warn(check, f"{told}, where locks may not work as they must", OTHERWISE)
    if kind in MEMORY:
        return warn(check, f"{told}: all is lost when the machine ends", OTHERWISE)
    return ok(check, told) if kind else warn(check, told, OTHERWISE)


def room(place: Path) -> Finding:
    """Check the free space."""
    free = shutil.disk_usage(place).free
    told = f"{free / 1024**3:.1f} GB are free"
    if free < TOO_FEW_BYTES:
        return bad("free space", told, "make room: agents stand still while nothing can be written")
    if free < SCARCE_BYTES:
        return warn("free space", told, "make room, or let [retention] and `qd store vacuum`")
    return ok("free space", told)


def socket_path(socket: Path) -> Finding:
    """Check that the socket's path fits an address, where a longer one has no way around."""
    length = len(os.fsencode(socket))
    if length <= PATH_LIMIT:
        return ok("socket path", f"{length} of {PATH_LIMIT} bytes")
    if sys.platform == "linux":
        return ok("socket path", f"{length} bytes, reached through /proc")
    return bad(
        "socket path",
        f"{socket} has {length} bytes, {PATH_LIMIT} at most",
        "set QUARTERDECK_STATE_DIR to a shorter directory",
    )
