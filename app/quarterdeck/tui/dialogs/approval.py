"""The approval dialog: the exact text of one question, and the keys that answer it (DESIGN §5)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import DecisionView
from quarterdeck.model.states import Action, ApprovalState
from quarterdeck.tui.board import Board
from quarterdeck.tui.dialogs.arming import Arming
from quarterdeck.tui.dialogs.question import Question
from quarterdeck.tui.folding import fold
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.widgets.field_list import FieldList
from quarterdeck.tui.widgets.folded_text import FoldedText
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine, rows_of

MOST_CELLS = 120
AROUND = 4
"""Cells the frame and its padding take of the dialog's width."""
FIXED_ROWS = 5
"""Rows of the dialog beside fields, text, warnings and keys: frame, head with a blank, hint."""
LEAST_TEXT_ROWS = 3
GONE = "the supervisor is gone – deciding waits until it is back"
NEEDS_END = (Action.APPROVE, Action.APPROVE_SESSION)


class Outcome(StrEnum):
    """How a dialog ended."""

    DECIDED = "decided"
    LEFT = "left"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class ApprovalResult:
    """What the approval dialog returns."""

    outcome: Outcome
    approval_id: str
    decision: DecisionView | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One key press that decides; its token makes every retry of it harmless."""

    action: Action
    token: str
    option: str | None = None
    reason: str | None = None


class ApprovalDialog(ModalScreen[ApprovalResult]):
    """Shows one question until it is answered or left; a newer one never takes its place."""

    AUTO_FOCUS = "FoldedText"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.APPROVAL), *bindings(Where.READING)]
    WHERE: ClassVar[Where] = Where.APPROVAL

    def __init__(self, shown: Question, link: Link, *, clock: Callable[[], float]) -> None:
        """Put one question.

        Args:
            shown: What is asked.
            link: Where the decision goes.
            clock: Monotonic seconds, for the arming.
        """
        super().__init__()
        self._question, self._link = shown, link
        self._arming = Arming(clock)
        self._board = Board()
        self._settled = ""
        self._sending = self._cramped = False

    def compose(self) -> ComposeResult:
        """Lay out fields, text, warnings, hint and keys."""
        asked = self._question
        with Vertical(id="approval"):
            yield FieldList(asked.fields, id="approval-fields")
            yield Static(f"exact text – {asked.extent}", id="approval-extent", markup=False)
            yield FoldedText(
                asked.text, strict=True, diff=asked.diff, numbers=True, id="approval-text"
            )
            yield Static("", id="approval-warnings", markup=False)
            yield Static("", id="approval-hint", markup=False)
            reason = Input(
                placeholder="why (enter sends, esc goes back)", compact=True, id="approval-reason"
            )
            reason.cursor_blink = False
            yield reason
            yield KeyLine(rows=3, id="approval-keys")

    def on_mount(self) -> None:
        """Show the question and begin to watch whether it is still open."""
        frame = self.query_one("#approval")
        frame.border_title = Content("Approval")
        self.query_one("#approval-warnings", Static).update(Content("\n".join(self._warned())))
        self.query_one("#approval-reason").display = False
        self._fit()
        self._show_state()
        self.watch(self.app, "board", self._see_board)
        self.call_after_refresh(self._arming.changed)

    def on_resize(self) -> None:
        """Fit the dialog; what is visible changed, so deciding waits anew."""
        self._fit()
        self._arming.changed()

    @on(FoldedText.EndPainted)
    def _end_was_painted(self) -> None:
        self._arming.end_on_screen()
        self._show_state()

    # What is shown

    def _fit(self) -> None:
        """Make the dialog as high as its text needs and the terminal allows."""
        size = self.app.size
        width = min(size.width if size.width < 100 else size.width - 8, MOST_CELLS)
        inner = max(width - AROUND, 10)
        fields = self.query_one(FieldList).rows_at(inner)
        warnings = self.query_one("#approval-warnings", Static)
        warned = sum(len(fold(line, inner, strict=True, diff=False)) for line in self._warned())
        warnings.display = warned > 0
        keys = len(rows_of(self._hints(), inner))
        self.query_one(KeyLine).styles.height = keys
        text = self.query_one(FoldedText).rows_at(inner)
        around = FIXED_ROWS + fields + warned + keys
        self._cramped = around >= size.height
        height = around + max(text, LEAST_TEXT_ROWS)
        frame = self.query_one("#approval")
        frame.styles.width = width
        frame.styles.height = min(height, size.height)

    def _warned(self) -> list[str]:
        refusal = self._question.refusal
        return [f"! {w}" for w in self._question.warnings] + ([f"✗ {refusal}"] if refusal else [])

    def _hints(self) -> list[KeyHint]:
        approving = self._why_not(Action.APPROVE, timed=False) is None
        denying = self._why_not(Action.DENY, timed=False) is None
        hints = []
        for entry in keys_of(self.WHERE):
            if entry.action == "next" and self._next_id() is None:
                continue
            ready = True
            if entry.action.startswith(("decide('approve", "recover")):
                ready = approving
            elif entry.action.startswith(("decide", "deny")):
                ready = denying
            hints.append(KeyHint.of(entry, ready=ready))
        return hints

    def _show_state(self, said: str = "", *, bad: bool = False) -> None:
        """Show the keys as they now work, and `said` or what stands in the way."""
        self.query_one(KeyLine).show(self._hints())
        why = "" if said else self._why_not(Action.APPROVE, timed=False) or ""
        hint = self.query_one("#approval-hint", Static)
        hint.set_class(bad or bool(self._settled), "-bad")
        hint.update(Content(said or why))

    def _next_id(self) -> str | None:
        following = self._board.after(self._question.view.approval_id)
        return following.approval_id if following else None

    # Whether it is still open

    def _see_board(self, board: Board) -> None:
        """Look whether the question is still open; only the person closes the dialog."""
        self._board = board
        if self._sending:
            return
        if board.current and not self._settled:
            now = board.approval(self._question.view.approval_id)
            if now is None:
                self._settled = "this was settled elsewhere"
                self.run_worker(self._learn_how(), group="learn", exclusive=True)
            elif now.payload_sha256 != self._question.view.payload_sha256:
                self._settled = "this question was replaced by another; close it and look again"
        self._show_state(self._settled, bad=bool(self._settled))

    async def _learn_how(self) -> None:
        try:
            view = await self._link.deck.approval(self._question.view.approval_id)
        except QuarterdeckError as error:
            self._settled = f"this is no longer open: {clean_line(error.message)}"
        else:
            if view.state == ApprovalState.PENDING:
                return
            self._settled = f"this was settled elsewhere: {clean_line(view.state)}"
        self._show_state(self._settled, bad=True)

    # Deciding

    def _why_not(self, action: Action, *, timed: bool = True) -> str | None:
        """Return why `action` may not be taken now, or None.

        Args:
            action: What the person wants.
            timed: Whether the rule of 300 ms is asked too.
        """
        if self._settled:
            return self._settled
        if self._sending:
            return "your answer is on its way"
        if not self._board.current:
            return GONE
        needs_end = action in NEEDS_END
        if needs_end and self._question.refusal:
            return "this cannot be approved here; see above"
        if needs_end and self._cramped:
            return "the terminal is too small to show all of this; make it larger"
        hold = self._arming.hold(needs_end=needs_end)
        if hold is None or (not timed and hold.timed):
            return None
        return hold.value

    def _decide(self, action: Action, *, option: str | None = None, reason: str = "") -> None:
        why = self._why_not(action)
        if why is not None:
            self._show_state(why, bad=True)
            return
        verdict = Verdict(action, uuid.uuid4().hex, option, reason.strip() or None)
        self._sending = True
        self._show_state("sending your answer")
        self.run_worker(self._send(verdict), group="decide", exclusive=True)

    async def _send(self, verdict: Verdict) -> None:
        """Send the verdict until there is an answer; the token keeps it from counting twice."""
        view = self._question.view
        while True:
            try:
                decision = await self._link.deck.decide(
                    view.approval_id,
                    run_id=view.run_id,
                    payload_sha256=self._question.sha256,
                    action=verdict.action,
                    token=verdict.token,
                    option=verdict.option,
                    reason=verdict.reason,
                )
            except QuarterdeckError as error:
                if error.code in ("unreachable", "shutting_down"):
                    self._show_state("the supervisor is gone – sent again when it is back")
                    await self._link.wait_for_next()
                    continue
                self._refused(error)
                return
            self.dismiss(ApprovalResult(Outcome.DECIDED, view.approval_id, decision))
            return

    def _refused(self, error: QuarterdeckError) -> None:
        self._sending = False
        said = f"not decided: {clean_line(reason_of(error))}"
        if error.code in ("stale", "not_pending", "unknown_approval"):
            self._settled = said
        self._show_state(said, bad=True)

    def action_decide(self, action: str) -> None:
        """Approve, deny or abort."""
        self._decide(Action(action))

    def action_deny_with_reason(self) -> None:
        """Ask for the reason of a denial."""
        why = self._why_not(Action.DENY)
        if why is not None:
            self._show_state(why, bad=True)
            return
        reason = self.query_one("#approval-reason", Input)
        self._show_state()
        self.query_one("#approval-hint").display = False
        reason.display = True
        reason.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Deny with the reason that was typed."""
        event.stop()
        self._hide_reason()
        self._decide(Action.DENY, reason=event.value)

    def _hide_reason(self) -> None:
        self.query_one("#approval-reason").display = False
        self.query_one("#approval-hint").display = True
        self.query_one(FoldedText).focus()

    def action_next(self) -> None:
        """Leave this one undecided and go on to the next."""
        if self._next_id() is not None:
            self._leave(Outcome.NEXT)

    def action_leave(self) -> None:
        """Leave the reason, or the dialog."""
        if self.query_one("#approval-reason").display:
            self._hide_reason()
        else:
            self._leave(Outcome.LEFT)

    def _leave(self, outcome: Outcome) -> None:
        if self._sending:
            self.app.notify(
                "Your answer was on its way; the list will show whether it arrived.",
                severity="warning",
                markup=False,
            )
        self.dismiss(ApprovalResult(outcome, self._question.view.approval_id))

    def action_scroll(self, how: str) -> None:
        """Scroll the text."""
        text = self.query_one(FoldedText)
        steps = {
            "down": text.scroll_down,
            "up": text.scroll_up,
            "page_down": text.scroll_page_down,
            "page_up": text.scroll_page_up,
            "end": text.scroll_end,
            "home": text.scroll_home,
        }
        steps[how](animate=False)


class RecoveryDialog(ApprovalDialog, inherit_bindings=False):
    """Asks what to do with a session whose agent could not be resumed (D3)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Where.RECOVERY),
        *bindings(Where.READING, but=("b",)),
    ]
    WHERE: ClassVar[Where] = Where.RECOVERY

    def action_recover(self, option: str) -> None:
        """Resume, restart or abandon, if the supervisor offers it."""
        offered = [entry.get("option_id") for entry in self._question.view.options]
        if option not in offered:
            self._show_state(f"{clean(option)} is not offered here", bad=True)
            return
        self._decide(Action.APPROVE, option=option)
