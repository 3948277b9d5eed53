"""The command palette's entries: the actions of the screen by their names."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from quarterdeck.tui.keys import KeyAction, Where, keys_of
from quarterdeck.tui.twins import twin_of


class DeckCommands(Provider):
    """Finds actions by what their help says."""

    def _entries(self) -> list[KeyAction]:
        places: tuple[Where, ...] = getattr(self.screen, "PLACES", ())
        return [entry for place in places for entry in keys_of(place) if entry.action]

    async def discover(self) -> Hits:
        """Offer every action while nothing is typed."""
        for entry in self._entries():
            yield DiscoveryHit(entry.help, self._run(entry), help=explained(entry))

    async def search(self, query: str) -> Hits:
        """Offer the actions whose help matches."""
        matcher = self.matcher(query)
        for entry in self._entries():
            score = matcher.match(entry.help)
            if score > 0:
                shown = matcher.highlight(entry.help)
                yield Hit(score, shown, self._run(entry), help=explained(entry))

    def _run(self, entry: KeyAction):
        return partial(self.screen.run_action, entry.action)


def explained(entry: KeyAction) -> str:
    """Return an entry's second line: its key, and the command that does the same, if any."""
    twin = twin_of(entry)
    return f"key {entry.shown} · {twin}" if twin.startswith("qd ") else f"key {entry.shown}"
