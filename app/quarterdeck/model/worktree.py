"""What changed in a session's directory since its base, as a client sees it."""

from dataclasses import dataclass

from quarterdeck.model.records import Wire


@dataclass(frozen=True, slots=True)
class ChangedFile(Wire):
    """One file that differs from the base."""

    path: str
    """Relative to the top of the work tree, with `/` between its parts."""
    status: str
    """`added`, `modified`, `deleted`, `renamed` or `untracked`."""
    added: int
    removed: int
    binary: bool = False
    old_path: str | None = None
    """Where it was before it was renamed."""


@dataclass(frozen=True, slots=True)
class WorktreeDiff:
    """What differs between a session's work tree and its base."""

    top: str
    """The directory that paths are relative to."""
    base: str | None
    files: tuple[ChangedFile, ...]
    more: bool
    """Whether there are more files than are told."""


@dataclass(frozen=True, slots=True)
class FileDiff(Wire):
    """One file's difference as a unified diff."""

    path: str
    text: str
    cut: bool = False
    """Whether the diff is longer than what is told."""
