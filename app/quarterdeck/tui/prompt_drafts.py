"""What a person has begun to write, by session: shown at once, kept by the supervisor soon."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from textual.message_pump import MessagePump
from textual.timer import Timer

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError

SAVE_AFTER_S = 1.0
"""How long after the last key a draft is saved."""
_TRY_AGAIN = frozenset({"unreachable", "shutting_down"})


@dataclass
class Draft:
    """The draft of one session."""

    text: str = ""
    """As it stands here."""
    kept: str | None = None
    """As the supervisor is known to have it; None if that is not known."""
    writes: int = 0
    """How many saves were begun: what was read across one of them says nothing."""
    refused: bool = False
    """Whether the last save found no supervisor."""
    others: list[str] = field(default_factory=list)
    """Drafts of other clients that gave way to this one, newest first."""

    @property
    def unsaved(self) -> bool:
        """Whether the supervisor has another text, or is not known to have this one."""
        return self.text != (self.kept or "")


class Drafts:
    """Keeps the drafts of all sessions apart; the last writer wins, texts are never mixed."""

    def __init__(
        self,
        owner: MessagePump,
        deck: Callable[[], Deck],
        start: Callable[[Awaitable[None]], object],
    ) -> None:
        """Prepare for no session.

        Args:
            owner: Whose timer waits for the last key.
            deck: Returns the connected deck or raises `unreachable`.
            start: Runs something beside the screen.
        """
        self._owner, self._deck, self._start = owner, deck, start
        self._drafts: dict[str, Draft] = {}
        self._timer: Timer | None = None

    def of(self, session_id: str) -> Draft:
        """Return the draft of a session."""
        return self._drafts.setdefault(session_id, Draft())

    def write(self, session_id: str, text: str) -> None:
        """Note what stands in the editor; it is saved after the last key."""
        draft = self.of(session_id)
        if text == draft.text:
            return
        draft.text = text
        if self._timer is None:
            self._timer = self._owner.set_timer(SAVE_AFTER_S, self._save_soon)
        else:
            self._timer.reset()

    async def fetch(self, session_id: str) -> str | None:
        """Return the text to be shown if it is another than the one here, else None."""
        draft = self.of(session_id)
        writes = draft.writes
        try:
            theirs = await self._deck().draft(session_id)
        except QuarterdeckError:
            return None  # what is written meanwhile is saved later
        if draft.writes != writes:
            return None
        before, draft.kept = draft.kept, theirs
        if draft.text == (before or ""):
            draft.text = theirs
            return theirs if theirs != (before or "") else None
        if theirs not in ("", before, draft.text):
            draft.others.insert(0, theirs)
        return None

    def save(self) -> None:
        """Save now whatever is unsaved."""
        if any(draft.unsaved for draft in self._drafts.values()):
            self._start(self.saved())

    def retry(self) -> None:
        """Save again what found no supervisor; cheap while there is nothing."""
        if any(draft.refused for draft in self._drafts.values()):
            self.save()

    async def saved(self) -> None:
        """Save what is unsaved, and return once it is committed or cannot be."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        for session_id, draft in list(self._drafts.items()):
            if draft.unsaved:
                await self._save(session_id, draft)

    async def _save(self, session_id: str, draft: Draft) -> None:
        before, draft.kept = draft.kept, draft.text
        draft.writes += 1
        draft.refused = False
        try:
            await self._deck().save_draft(session_id, draft.kept)
        except QuarterdeckError as error:
            if error.code in _TRY_AGAIN:
                draft.kept, draft.refused = before, True

    def _save_soon(self) -> None:
        self._timer = None
        self.save()
