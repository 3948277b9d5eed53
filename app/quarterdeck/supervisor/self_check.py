"""Whether this version can be the supervisor of a state directory, found out beside a running one.

Nothing is changed and no lock is taken (D1): what runs goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from quarterdeck import __version__
from quarterdeck.agents import profiles
from quarterdeck.agents.acp import validation
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.model.redaction.user_patterns import compile_all
from quarterdeck.store.rehearsal import rehearse
from quarterdeck.supervisor import hook_settings, redacting, settings
from quarterdeck.supervisor.judging import Policy

SECTIONS: dict[str, type[settings.Section]] = {
    "limits": settings.Limits,
    "retention": settings.Retention,
    "redaction": redacting.Redaction,
    "approvals": hook_settings.Approvals,
    "hooks": hook_settings.Hooks,
    "notifications": hook_settings.Notifications,
}


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
    def sections() -> None:
        for name, model in SECTIONS.items():
            settings.load(places, name, model)

    def patterns() -> None:
        read = settings.load(places, "redaction", redacting.Redaction)
        compile_all(read.patterns)

    readers: list[Callable[[], object]] = [
        lambda: profiles.load(places.config_file),
        sections,
        patterns,
    ]
    told: set[str] = set()
    for reader in readers:
        try:
            reader()
        except (QuarterdeckError, ValueError) as error:
            hint = error.hint if isinstance(error, QuarterdeckError) else "correct it"
            if str(error) not in told:
                told.add(str(error))
                yield Problem("config", str(error), hint)


def _policy(places: Places) -> Iterator[Problem]:
    for problem in Policy(places).book(None).problems:
        yield Problem("policy", problem, "correct the rule; until then everything is asked")
