"""What a person has begun to write, by session: shown at once, kept by the supervisor soon."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from textual.message_pump import MessagePump
from textual.timer import Timer

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.left_drafts import LeftDrafts

SAVE_AFTER_S = 1.0
"""How long after a key a draft is saved at the latest: no more is lost with a screen killed."""
_TRY_AGAIN = frozenset({"unreachable", "shutting_down"})


@dataclass
class Draft:
    """The draft of one session."""

    text: str = ""
    """As it stands here."""
    kept: str | None = None
    """As the supervisor is known to have it; None if that is not known."""
    refused: bool = False
    """Whether the last save found no supervisor."""
    others: list[str] = field(default_factory=list)
    """Texts that gave way to this one, newest first; they can be browsed to."""

    @property
    def unsaved(self) -> bool:
        """Whether the supervisor is not known to have this text."""
        return self.text != (self.kept or "")


class Drafts:
    """Keeps the drafts of all sessions apart; the last writer wins, texts are never mixed."""

    def __init__(
        self,
        owner: MessagePump,
        deck: Callable[[], Deck],
        start: Callable[[Coroutine[Any, Any, None]], object],
        gave_way: Callable[[str], None],
        left: LeftDrafts,
        say: Callable[[str], None],
    ) -> None:
        """Prepare for no session.

        Args:
            owner: Whose timer waits for the last key.
            deck: Returns the connected deck or raises `unreachable`.
            start: Runs something beside the screen.
            gave_way: Hears the session whose draft, as another client left it, gave way.
            left: Where drafts are kept that the supervisor has not, from one start to the next.
            say: Hears what went wrong with that.
        """
        self._owner, self._deck, self._start = owner, deck, start
        self._gave_way, self._left, self._say = gave_way, left, say
        texts, self.problem = left.read()
        # To be saved with the first connection, like those a supervisor was not found for.
        self._drafts = {key: Draft(text, refused=True) for key, text in texts.items()}
        self._timer: Timer | None = None
        self._one_call = asyncio.Lock()
        """What is read while a save is under way would be compared with the wrong text."""

    def of(self, session_id: str) -> Draft:
        """Return the draft of a session."""
        return self._drafts.setdefault(session_id, Draft())

    def write(self, session_id: str, text: str) -> None:
        """Note what stands in the editor; it is saved soon."""
        draft = self.of(session_id)
        if text == draft.text:
            return
        draft.text = text
        if self._timer is None:
            self._timer = self._owner.set_timer(SAVE_AFTER_S, self._save_soon)

    async def fetch(self, session_id: str, note: Callable[[], bool]) -> str | None:
        """Return the text to be shown if it is another than the one here, else None.

        Args:
            session_id: The session.
            note: Called before anything is fetched or compared, to `write` what was typed
                meanwhile; returns whether the session is shown still.
        """
        async with self._one_call:
            if not note():
                return None
            try:
                theirs = await self._deck().draft(session_id)
            except QuarterdeckError:
                return None  # what is written meanwhile is saved later
            note()
            return self._compare(session_id, theirs)

    def _compare(self, session_id: str, theirs: str) -> str | None:
        draft = self.of(session_id)
        before = draft.kept or ""
        if draft.text == before:
            draft.text = draft.kept = theirs
            return theirs if theirs != before else None
        self._yield(session_id, theirs)
        draft.kept = theirs
        return None

    def save(self) -> None:
        """Save now whatever is unsaved."""
        if self._left.any or any(draft.unsaved for draft in self._drafts.values()):
            self._start(self.saved())

    def retry(self) -> None:
        """Save again what found no supervisor; cheap while there is nothing."""
        if any(draft.refused for draft in self._drafts.values()):
            self.save()

    async def saved(self) -> None:
        """Save what is unsaved, and return once it is committed or cannot be.

        What is not committed then, or when this is cancelled, is kept for the next start.
        """
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        try:
            async with self._one_call:
                for session_id, draft in list(self._drafts.items()):
                    if draft.unsaved:
                        await self._save(session_id, draft)
        finally:
            self.keep_unsaved()

    async def _save(self, session_id: str, draft: Draft) -> None:
        text, draft.refused = draft.text, False
        try:
            deck = self._deck()
            theirs = await deck.draft(session_id)
            if theirs != (draft.kept or ""):
                self._yield(session_id, theirs)
            await deck.save_draft(session_id, text)
        except QuarterdeckError as error:
            if error.code in _TRY_AGAIN:
                draft.refused = True
                return
        draft.kept = text

    def keep_unsaved(self) -> None:
        """Keep for the next start what the supervisor is not known to have."""
        unsaved = {key: draft.text for key, draft in self._drafts.items() if draft.unsaved}
        problem = self._left.keep(unsaved)
        if problem and problem != self.problem:
            self._say(problem)
        self.problem = problem

    def _yield(self, session_id: str, theirs: str) -> None:
        """Put a draft of another client aside, for ours is newer."""
        draft = self.of(session_id)
        if theirs and theirs not in (draft.text, draft.kept, *draft.others):
            draft.others.insert(0, theirs)
            self._gave_way(session_id)

    def _save_soon(self) -> None:
        self._timer = None
        self.save()
