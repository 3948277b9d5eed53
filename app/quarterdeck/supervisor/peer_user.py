"""Whose process is at the other end of a Unix socket: the kernel knows, whatever the mode says."""

import contextlib
import os
import socket
import struct
import sys

_LINUX = struct.Struct("3i")
"""ucred: pid, uid, gid."""
_BSD = struct.Struct("=IIh2x16I")
"""xucred: version, uid, number of groups, groups."""
_SOL_LOCAL, _LOCAL_PEERCRED = 0, 1


def is_own_user(peer: socket.socket) -> bool:
    """Tell whether the peer has this process's user id; nobody else is let in, not even root.

    It stands beside the socket's mode, which an administrator or a file system may not keep. What
    the kernel does not tell is refused where it can tell, and left to the mode elsewhere.
    """
    if sys.platform.startswith("linux"):
        return _uid(peer, socket.SOL_SOCKET, socket.SO_PEERCRED, _LINUX) == os.geteuid()
    if sys.platform == "darwin" or "bsd" in sys.platform:
        return _uid(peer, _SOL_LOCAL, _LOCAL_PEERCRED, _BSD) == os.geteuid()
    return True


def _uid(peer: socket.socket, level: int, option: int, layout: struct.Struct) -> int | None:
    with contextlib.suppress(OSError, struct.error):
        return layout.unpack(peer.getsockopt(level, option, layout.size))[1]
    return None
