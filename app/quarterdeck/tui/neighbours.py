"""Who works in a directory already: two agents in one place change the same files."""

from collections.abc import Iterable
from pathlib import Path

from quarterdeck.model.records import SessionView


def neighbours(sessions: Iterable[SessionView], folder: Path) -> list[SessionView]:
    """Return the sessions whose agent is alive in `folder`, above it or below it."""
    wanted = _real(folder)
    return [view for view in sessions if view.active and _overlap(wanted, _real(Path(view.cwd)))]


def warning(sessions: Iterable[SessionView], folder: Path) -> str:
    """Return what to say of them, "" for none."""
    found = neighbours(sessions, folder)
    if not found:
        return ""
    first = found[0]
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    name = first.title or first.session_id
    verb = "work" if others else "works"
    where = "here" if _real(Path(first.cwd)) == _real(folder) else f"in {first.cwd}"
    return (
        f"! “{name}” ({first.agent}, {first.state}){others} {verb} {where} already: "
        "they may change the same files"
    )


def _real(folder: Path) -> Path:
    try:
        return folder.expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        return folder


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents
