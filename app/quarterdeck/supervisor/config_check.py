"""What is wrong with config.toml: all of it is read, so that a slip anywhere in it is told."""

from collections.abc import Callable, Iterator

from quarterdeck.agents import profiles
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places
from quarterdeck.model.redaction.user_patterns import compile_all
from quarterdeck.supervisor import hook_settings, redacting, settings

SECTIONS: dict[str, type[settings.Section]] = {
    "limits": settings.Limits,
    "retention": settings.Retention,
    "redaction": redacting.Redaction,
    "approvals": hook_settings.Approvals,
    "hooks": hook_settings.Hooks,
    "notifications": hook_settings.Notifications,
}


def faults(places: Places) -> Iterator[tuple[str, str]]:
    """Give what is wrong, with file and key, and what to do about it; each once."""

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
                yield str(error), hint


class ConfigHealth:
    """The first fault of config.toml, looked for again only when the file changed."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._seen: tuple[tuple[int, ...], str | None] | None = None

    def problem(self) -> str | None:
        """Return what is wrong with the file as it is now, or None."""
        stamp = settings.stamp(self._places)
        if self._seen is None or self._seen[0] != stamp:
            first = next(faults(self._places), None)
            self._seen = stamp, None if first is None else first[0]
        return self._seen[1]
