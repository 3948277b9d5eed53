"""Whether this version can be the supervisor of a state directory, found out beside a running one.

Nothing is changed and no lock is taken (D1): what runs goes on.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from quarterdeck import __version__
from quarterdeck.agents import profiles
from quarterdeck.agents.acp import validation
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.store.rehearsal import rehearse
from quarterdeck.supervisor import config_check
from quarterdeck.supervisor.judging import Policy


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that stands in the way, and what to do about it."""

    about: str
    """`config`, `policy` or `store`."""
    message: str
    remedy: str


def check(places: Places) -> dict[str, Any]:
    """Return version, schemas and problems, as JSON.

    All that a supervisor imports is imported by then; an import that fails raises, and the
    process that checks says so by its end.
    """
    validation.preload()
    found = [*_config(places), *_policy(places)]
    schema: dict[str, int | None] = {"schema": None, "store_schema": None}
    try:
        present, newest = rehearse(places.database)
        schema = {"schema": newest, "store_schema": present}
    except QuarterdeckError as error:
        found.append(Problem("store", error.message, error.hint))
    return {
        "version": __version__,
        **schema,
        "ok": not found,
        "problems": [asdict(problem) for problem in found],
        "agents": _agents(places),
    }


def _agents(places: Places) -> list[dict[str, str]]:
    """Return the agents by name and program; nothing of their environments."""
    try:
        known = profiles.load(places.config_file)
    except QuarterdeckError:
        known = profiles.builtin()
    return [{"name": name, "program": known[name].command[0]} for name in sorted(known)]


def _config(places: Places) -> Iterator[Problem]:
    for message, remedy in config_check.faults(places):
        yield Problem("config", message, remedy)


def _policy(places: Places) -> Iterator[Problem]:
    for problem in Policy(places).book(None).problems:
        yield Problem("policy", problem, "correct the rule; until then everything is asked")
