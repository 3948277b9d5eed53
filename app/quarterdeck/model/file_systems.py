"""Which file system a directory lies on, and which cannot hold the state directory."""

from pathlib import Path

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "afpfs", "ncpfs", "webdav", "davfs"}
)
NETWORK_FUSE = frozenset({"sshfs", "curlftpfs", "davfs", "davfs2", "s3fs", "gcsfuse", "rclone"})


def file_system(path: Path) -> str:
    """Return the type of the file system that `path` lies on, such as `ext4`; empty if unknown."""
    import psutil  # not needed by most who import the model

    place, best, kind = path.resolve(), -1, ""
    for mount in psutil.disk_partitions(all=True):
        # Of two mounts on one point the later one is on top.
        if place.is_relative_to(mount.mountpoint) and len(mount.mountpoint) >= best:
            best, kind = len(mount.mountpoint), mount.fstype
    return kind


def is_network(kind: str) -> bool:
    """Tell whether a file system of this type is reached over a network."""
    outer, _, inner = kind.lower().partition(".")
    return outer in NETWORK or (outer == "fuse" and inner in NETWORK_FUSE)
