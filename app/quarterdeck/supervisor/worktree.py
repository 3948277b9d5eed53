"""What changed in a session's work tree since its base, as git tells; nothing is ever written.

git is run without locks, pagers, external diff programs and text conversions, which a repository
could otherwise have it run.
"""

import asyncio
import contextlib
import os
import select
import subprocess
import time
from collections.abc import Sequence

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.worktree import ChangedFile, FileDiff, WorktreeDiff

TIMEOUT_SECONDS = 10.0
FILES_LIMIT = 10_000
DIFF_LIMIT = 4 * 1024 * 1024
"""Bytes of one file's diff that are told."""
_LISTING_LIMIT = 32 * 1024 * 1024
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_STATUS = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed", "T": "modified"}
_SAFE = (
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=false",
    "-c",
    "core.hooksPath=/dev/null",
    "--no-pager",
    "--literal-pathspecs",
)
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "-l500")


async def changed_files(cwd: str, base: str | None) -> WorktreeDiff:
    """Return the files of the work tree around `cwd` that differ from `base`.

    Args:
        cwd: The session's directory.
        base: A commit; None, or one that is gone, means the commit checked out now.

    Raises:
        QuarterdeckError: `no_worktree` outside of one, `git_failed` with what git said.
    """
    top = await _top(cwd)
    commit = await _base(top, base)
    listing, cut = await _git(top, (*_DIFF, "--raw", "--numstat", "-z", commit, "--"))
    files = _read_listing(listing.decode("utf-8", "replace"))
    others, more = await _git(top, ("ls-files", "--others", "--exclude-standard", "-z"))
    for path in others.decode("utf-8", "replace").split("\0")[:FILES_LIMIT]:
        if path:
            files.append(await asyncio.to_thread(_untracked, top, path))
    more = cut or more or len(files) > FILES_LIMIT
    return WorktreeDiff(top, base, tuple(files[:FILES_LIMIT]), more)


async def file_diff(cwd: str, base: str | None, path: str) -> FileDiff:
    """Return how one file differs from `base`.

    Raises:
        QuarterdeckError: `no_worktree`, `git_failed`, `invalid_params` for a path outside.
    """
    top = await _top(cwd)
    if path.startswith("/") or ".." in path.split("/"):
        raise QuarterdeckError("invalid_params", f"path: {path!r} is not below the work tree")
    commit = await _base(top, base)
    known, _ = await _git(top, ("ls-files", "-z", "--", path))
    was, _ = await _git(top, ("ls-tree", "-z", "--name-only", commit, "--", path))
    if known or was:
        text, cut = await _git(top, (*_DIFF, commit, "--", path), limit=DIFF_LIMIT)
    else:
        against = (*_DIFF, "--no-index", "--", os.devnull, path)
        text, cut = await _git(top, against, limit=DIFF_LIMIT, good=(0, 1))
    return FileDiff(path, text.decode("utf-8", "replace"), cut)


async def file_names(cwd: str, words: str, limit: int) -> list[str]:
    """Return files below `cwd` whose path has all letters of `words` in order, best first.

    Raises:
        QuarterdeckError: `no_worktree`, `git_failed`.
    """
    await _top(cwd)
    told, _ = await _git(cwd, ("ls-files", "--cached", "--others", "--exclude-standard", "-z"))
    names = [name for name in told.decode("utf-8", "replace").split("\0") if name]
    ranked = [(rank, name) for name in names if (rank := _rank(name, words)) is not None]
    return [name for _, name in sorted(ranked)[:limit]]


def _rank(name: str, words: str) -> tuple[int, int] | None:
    """Return how well a path fits, smaller is better; None if it does not."""
    path, wanted = name.lower(), words.lower()
    place = path.rfind("/") + 1
    if path[place:].startswith(wanted):
        return 0, len(name)
    if wanted in path:
        return 1, len(name)
    letters = iter(path)
    return (2, len(name)) if all(letter in letters for letter in wanted) else None


async def _top(cwd: str) -> str:
    told, _ = await _git(cwd, ("rev-parse", "--show-toplevel"), good=(0, 128))
    if not told:
        raise QuarterdeckError("no_worktree", f"{cwd} is in no git work tree")
    return told.decode("utf-8", "surrogateescape").rstrip("\n")


async def _base(top: str, base: str | None) -> str:
    for commit in (base, "HEAD"):
        if commit is None:
            continue
        with contextlib.suppress(QuarterdeckError):
            told, _ = await _git(top, ("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"))
            return told.decode("ascii", "replace").strip()
    return _EMPTY_TREE


async def _git(
    cwd: str,
    arguments: Sequence[str],
    *,
    limit: int = _LISTING_LIMIT,
    good: tuple[int, ...] = (0,),
) -> tuple[bytes, bool]:
    """Run git; return what it wrote, and whether that was cut at `limit`."""
    return await asyncio.to_thread(_run, cwd, arguments, limit, good)


def _run(
    cwd: str, arguments: Sequence[str], limit: int, good: tuple[int, ...]
) -> tuple[bytes, bool]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    failpoint("worktree.spawn.before")
    try:
        process = subprocess.Popen(
            ["git", "-C", cwd, *_SAFE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=inherited | {"GIT_TERMINAL_PROMPT": "0"},
        )
    except OSError as error:
        raise QuarterdeckError("git_failed", f"git cannot be started: {error}") from error
    with process:
        try:
            told, cut = _read(process, limit)
            code = 0 if cut else process.wait(TIMEOUT_SECONDS)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            raise QuarterdeckError("git_failed", f"git {arguments[0]} took too long") from error
        finally:
            process.kill()
    if code not in good:
        raise QuarterdeckError("git_failed", f"git {arguments[0]} in {cwd} ended with {code}")
    return told, cut


def _read(process: "subprocess.Popen[bytes]", limit: int) -> tuple[bytes, bool]:
    assert process.stdout is not None
    descriptor, deadline = process.stdout.fileno(), time.monotonic() + TIMEOUT_SECONDS
    told = bytearray()
    while len(told) <= limit:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        chunk = os.read(descriptor, 65_536)
        if not chunk:
            return bytes(told), False
        told += chunk
    return bytes(told[:limit]), True


def _read_listing(listing: str) -> list[ChangedFile]:
    """Read `--raw --numstat -z`: first a record per file with its status, then one with counts."""
    fields = iter(listing.split("\0"))
    statuses: dict[str, tuple[str, str | None]] = {}
    found: list[ChangedFile] = []
    for field in fields:
        if field.startswith(":"):
            letter = field.rpartition(" ")[2][:1]
            old = next(fields) if letter in ("R", "C") else None
            statuses[next(fields)] = (_STATUS.get(letter, "modified"), old)
        elif field.count("\t") == 2:
            added, removed, path = field.split("\t")
            if not path:  # renamed: both names follow
                next(fields)
                path = next(fields)
            status, old = statuses.get(path, ("modified", None))
            binary = added == "-"
            counts = (0, 0) if binary else (int(added), int(removed))
            found.append(ChangedFile(path, status, *counts, binary, old))
    return found


def _untracked(top: str, path: str) -> ChangedFile:
    """Count the lines of a file that git does not know, as far as a listing needs them."""
    whole = os.path.join(top, path)  # noqa: PTH118
    try:
        if os.path.islink(whole) or not os.path.isfile(whole):  # noqa: PTH113, PTH114
            return ChangedFile(path, "untracked", 0, 0)
        with open(whole, "rb") as file:  # noqa: PTH123
            start = file.read(1024 * 1024)
    except OSError:
        return ChangedFile(path, "untracked", 0, 0)
    if b"\0" in start[:8000]:
        return ChangedFile(path, "untracked", 0, 0, True)
    lines = start.count(b"\n") + (not start.endswith(b"\n") and bool(start))
    return ChangedFile(path, "untracked", lines, 0)
