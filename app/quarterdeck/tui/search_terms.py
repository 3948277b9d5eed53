"""What is typed to search: words, and terms such as `agent:opencode` that narrow the search."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.moments import moment

NAMES = ("session", "project", "agent", "type", "since", "until")
_TERM = re.compile(rf'(?<!\S)({"|".join(NAMES)}):("[^"]*"|\S*)')


@dataclass(frozen=True, slots=True)
class Terms:
    """What is looked for, and what narrows it."""

    words: str
    session: str | None = None
    project: str | None = None
    agent: str | None = None
    types: tuple[str, ...] = field(default=())
    since: str | None = None
    """ISO 8601, like `until`."""
    until: str | None = None


def read_terms(line: str, projects: Iterable[str] = ()) -> Terms:
    """Take a line apart. What is no term of ours, such as `http://x`, is a word.

    Args:
        line: What was typed.
        projects: Directories known; one may be named by the end of its path.

    Raises:
        QuarterdeckError: `invalid_query`, saying which term is wrong and how it is written.
    """
    given: dict[str, list[str]] = {name: [] for name in NAMES}
    for match in _outside_quotes(line):
        value = match[2].strip('"')
        if not value:
            raise QuarterdeckError("invalid_query", f"{match[1]}: says nothing to look for")
        given[match[1]].append(value)
    for name, values in given.items():
        if name != "type" and len(values) > 1:
            raise QuarterdeckError("invalid_query", f"{name}: is there more than once")
    spans = [match.span() for match in _outside_quotes(line)]
    words = "".join(c for place, c in enumerate(line) if not any(a <= place < b for a, b in spans))
    since, until, project = (_only(given[name]) for name in ("since", "until", "project"))
    return Terms(
        words=" ".join(words.split()),
        session=_only(given["session"]),
        project=None if project is None else _project(project, projects),
        agent=_only(given["agent"]),
        types=tuple(given["type"]),
        since=None if since is None else moment(since, "since"),
        until=None if until is None else moment(until, "until"),
    )


def _outside_quotes(line: str) -> list[re.Match[str]]:
    """Return the terms that do not stand inside a quoted phrase."""
    return [match for match in _TERM.finditer(line) if line[: match.start()].count('"') % 2 == 0]


def _only(values: list[str]) -> str | None:
    return values[0] if values else None


def _project(named: str, projects: Iterable[str]) -> str:
    if named.startswith("/"):
        return named
    found = sorted({known for known in projects if f"{known}".endswith(f"/{named.strip('/')}")})
    if len(found) == 1:
        return found[0]
    why = f"could be {' or '.join(found[:3])}" if found else "is no project here"
    raise QuarterdeckError("invalid_query", f"project:{named} {why}; write its whole path")
