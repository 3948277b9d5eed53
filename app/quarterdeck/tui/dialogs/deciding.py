"""The one place that says whether a question may be decided now, and that sends the decision.

The approval dialog and the inbox both ask here, so that a rule holds in both (DESIGN §4, §5).
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import ApprovalView, DecisionView
from quarterdeck.model.states import Action, ApprovalKind, ApprovalState
from quarterdeck.tui.board import Board
from quarterdeck.tui.dialogs.arming import Arming, Hold
from quarterdeck.tui.dialogs.question import Question
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.turns import TURN_S, done_within

GONE = "the supervisor is gone – deciding waits until it is back"
APPROVING = (Action.APPROVE, Action.APPROVE_SESSION, Action.APPROVE_ALWAYS)
"""The actions that need the whole text to have been on screen."""
_OVER = ("stale", "not_pending", "unknown_approval")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One key press that decides; its token makes every retry of it harmless."""

    action: str
    token: str
    option: str | None = None
    reason: str | None = None
    prefix: str | None = None
    content: dict[str, Any] | None = None


def verdict(
    action: str,
    *,
    option: str | None = None,
    reason: str = "",
    prefix: str | None = None,
    content: dict[str, Any] | None = None,
) -> Verdict:
    """Make the verdict of one key press."""
    return Verdict(action, uuid.uuid4().hex, option, reason.strip() or None, prefix, content)


def needs_end(action: str) -> bool:
    """Return whether `action` lets something happen, so that all of the text must be read."""
    return action in APPROVING


def no_rule(decision: DecisionView) -> str:
    """Return why the rule of an `approve_always` could not be added, or an empty text."""
    told = decision.amendment or ""
    return f"approved once, but no rule was added: {told}" if told.startswith("failed") else ""


class Deciding:
    """One question from the moment it is put until it is decided or left."""

    def __init__(
        self,
        asked: Question,
        link: Link,
        *,
        clock: Callable[[], float],
        on_state: Callable[[str, bool], None],
    ) -> None:
        """Put `asked`.

        Args:
            asked: What is asked; it never changes.
            link: Where the decision goes.
            clock: Monotonic seconds, for the arming.
            on_state: Hears what to say, and whether it is bad.
        """
        self.asked, self._link, self._say = asked, link, on_state
        self.arming = Arming(clock)
        self.settled = ""
        """Why it can no longer be decided, or empty."""
        self.sending = False
        self.undo_seconds = 0.0
        """How long `send` holds a verdict back first, so that it can be taken back."""
        self._taken_back: asyncio.Event | None = None
        self.cramped = False
        """Whether the terminal is too small to show everything a person must see."""
        self._board = Board()

    @property
    def held(self) -> bool:
        """Whether a verdict is held back and can still be taken back."""
        return self._taken_back is not None

    def take_back(self) -> bool:
        """Take a held verdict back; returns whether there was one."""
        if self._taken_back is None:
            return False
        self._taken_back.set()
        return True

    @property
    def view(self) -> ApprovalView:
        """The approval as it was fetched when the question was made."""
        return self.asked.view

    def why_not(self, action: str, *, timed: bool = True) -> str | None:
        """Return why `action` may not be taken now, or None.

        Args:
            action: What the person wants.
            timed: Whether the rule of 300 ms is asked too.
        """
        if self.settled:
            return self.settled
        if self.held:
            return "your answer is held: z takes it back"
        if self.sending:
            return "your answer is on its way"
        if not self._board.current:
            return GONE
        if action == Action.APPROVE_SESSION and self.view.kind == ApprovalKind.GATE:
            return "a gate is passed once"
        approving = needs_end(action)
        if approving and self.asked.refusal:
            return "this cannot be approved here; see above"
        if approving and self.cramped:
            return "the terminal is too small to show all of this; make it larger"
        hold = self.arming.hold(needs_end=approving)
        if hold is None or (not timed and hold.timed):
            return None
        return hold.value

    def key_refused(self, action: str) -> str | None:
        """Return why a key that was just pressed may not take `action`, or None.

        One that came too early starts the 300 ms anew, so that a key that is held down, or text
        that is typed on, never decides what appears under it.
        """
        why = self.why_not(action)
        if why == Hold.MOMENT.value:
            self.arming.changed()
        return why

    def see(self, board: Board) -> bool:
        """Look whether the question is still open; return whether `learn` should ask why not."""
        self._board = board
        if self.sending or self.settled or not board.current:
            return False
        now = board.approval(self.view.approval_id)
        if now is None:
            self.settled = "this was settled elsewhere"
            return True
        if now.payload_sha256 != self.view.payload_sha256:
            self.settled = "this question was replaced by another; close it and look again"
        return False

    async def learn(self) -> None:
        """Ask how the question was settled, and say it."""
        try:
            view = await self._link.deck.approval(self.view.approval_id)
        except QuarterdeckError as error:
            self.settled = f"this is no longer open: {clean_line(error.message)}"
        else:
            if view.state == ApprovalState.PENDING:
                return
            self.settled = f"this was settled elsewhere: {clean_line(view.state)}"
        self._say(self.settled, True)

    async def send(self, wanted: Verdict) -> DecisionView | None:
        """Send a verdict until there is an answer; the token keeps it from counting twice.

        With an undo delay the verdict is first held here, on the screen that shows it, and not
        by the supervisor: until it is sent nothing anywhere has changed, so whatever crashes or
        is left meanwhile, the approval is visibly still pending; and what the supervisor was
        told it commits at once and applies once, with no second state to recover.

        The caller has asked `why_not` and set `sending`. Returns None if it was refused or taken
        back.
        """
        if await self._was_taken_back(wanted):
            return None
        while True:
            try:
                return await self._link.deck.decide(
                    self.view.approval_id,
                    run_id=self.view.run_id,
                    payload_sha256=self.asked.sha256,
                    action=wanted.action,
                    token=wanted.token,
                    option=wanted.option,
                    reason=wanted.reason,
                    prefix=wanted.prefix,
                    content=wanted.content,
                )
            except QuarterdeckError as error:
                if error.code in ("unreachable", "shutting_down"):
                    self._say("the supervisor is gone – sent again when it is back", False)
                    await self._link.wait_for_next()
                    continue
                self._refused(error)
                return None

    async def _was_taken_back(self, wanted: Verdict) -> bool:
        """Hold a verdict for as long as the person set; return whether they took it back."""
        if self.undo_seconds <= 0:
            return False
        self._taken_back = asyncio.Event()
        verb = wanted.action.replace("_", " for ").replace("for always", "for good")
        self._say(f"held: {verb} is sent in {self.undo_seconds:g} s – z takes it back", False)
        try:
            # By turns: a key typed in time takes it back, even one read after a standstill.
            turns = max(1, round(self.undo_seconds / TURN_S))
            if not await done_within(turns, self._taken_back.wait()):
                return False
        finally:
            self._taken_back = None
        self.sending = False
        self.arming.changed()
        self._say("taken back: it still waits for an answer", False)
        return True

    def _refused(self, error: QuarterdeckError) -> None:
        self.sending = False
        said = f"not decided: {clean_line(reason_of(error))}"
        if error.code in _OVER:
            self.settled = said
        self._say(said, True)
