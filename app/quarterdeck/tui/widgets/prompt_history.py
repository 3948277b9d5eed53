"""Going back through what was sent to a session, and forward to what one is writing now."""

from collections.abc import Iterable


class PromptHistory:
    """The prompts of one session while a person browses them; what is edited stays edited."""

    def __init__(self) -> None:
        """Begin with nothing to browse."""
        self._told: list[str] = []
        self._entries: list[str] = []
        self._at = 0

    @property
    def browsing(self) -> bool:
        """Whether an older prompt is shown instead of one's own text."""
        return self._at > 0

    @property
    def begun(self) -> bool:
        """Whether there are entries to move in."""
        return bool(self._entries)

    @property
    def own(self) -> str:
        """One's own text while older prompts are browsed, else empty."""
        return self._entries[0] if self.browsing else ""

    def begin(self, own: str, older: Iterable[str]) -> None:
        """Browse from one's own text.

        Args:
            own: What is written now; it comes back at the end.
            older: What was sent, newest first; repeated and empty ones are left out.
        """
        found = dict.fromkeys(text for text in older if text.strip() and text != own)
        self._told = [own, *found]
        self._entries = list(self._told)
        self._at = 0

    def move(self, by: int, shown: str) -> str | None:
        """Return the text `by` prompts older (newer, if negative), or None at the end.

        Args:
            by: How far.
            shown: The text as it stands now, which may have been edited.
        """
        to = self._at + by
        if not 0 <= to < len(self._entries):
            return None
        self._entries[self._at] = shown
        self._at = to
        return self._entries[to]

    def draft(self, shown: str) -> str:
        """Return what is one's own of `shown`: an older prompt only once it was edited."""
        if self.browsing and shown == self._told[self._at]:
            return self._entries[0]
        return shown

    def end(self) -> None:
        """Browse no longer."""
        self._told, self._entries, self._at = [], [], 0
