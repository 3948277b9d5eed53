"""The approval dialog: the exact text of one question, and the keys that answer it (DESIGN §5)."""

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

from quarterdeck.model.hostile_text import clean
from quarterdeck.model.records import DecisionView
from quarterdeck.model.states import Action
from quarterdeck.tui.board import Board
from quarterdeck.tui.dialogs.amendment import offer
from quarterdeck.tui.dialogs.deciding import Deciding, Verdict, verdict
from quarterdeck.tui.dialogs.question import Question
from quarterdeck.tui.folding import fold
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link
from quarterdeck.tui.widgets.field_list import FieldList
from quarterdeck.tui.widgets.folded_text import FoldedText
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine, rows_of

MOST_CELLS = 120
AROUND = 4
"""Cells the frame and its padding take of the dialog's width."""
FIXED_ROWS = 5
"""Rows of the dialog beside fields, text, warnings and keys: frame, head with a blank, hint."""
LEAST_TEXT_ROWS = 3
REASON = "why (enter sends, esc goes back)"
HOST = "the host to allow for good (enter approves, esc goes back)"
PREFIX = "words every allowed command begins with (enter approves, esc goes back)"


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
        self._question = shown
        self._deciding = Deciding(shown, link, clock=clock, on_state=self._said)
        self._board = Board()
        self._amending = False

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
            reason = Input(compact=True, select_on_focus=False, id="approval-reason")
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
        self.call_after_refresh(self._deciding.arming.changed)

    def on_resize(self) -> None:
        """Fit the dialog; what is visible changed, so deciding waits anew."""
        self._fit()
        self._deciding.arming.changed()

    @on(FoldedText.EndPainted)
    def _end_was_painted(self) -> None:
        self._deciding.arming.end_on_screen()
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
        self._deciding.cramped = around >= size.height
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
            if entry.action == "amend" and offer(self._question.view) is None:
                continue
            ready = True
            if entry.action.startswith(("decide('approve", "recover", "amend")):
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
        hint.set_class(bad or bool(self._deciding.settled), "-bad")
        hint.update(Content(said or why))

    def _next_id(self) -> str | None:
        following = self._board.after(self._question.view.approval_id)
        return following.approval_id if following else None

    # Whether it is still open

    def _see_board(self, board: Board) -> None:
        """Look whether the question is still open; only the person closes the dialog."""
        self._board = board
        if self._deciding.see(board):
            self.run_worker(self._deciding.learn(), group="learn", exclusive=True)
        if not self._deciding.sending:
            settled = self._deciding.settled
            self._show_state(settled, bad=bool(settled))

    # Deciding

    def _why_not(self, action: str, *, timed: bool = True) -> str | None:
        return self._deciding.why_not(action, timed=timed)

    def _said(self, text: str, bad: bool) -> None:
        if self.is_mounted:
            self._show_state(text, bad=bad)

    def _decide(
        self,
        action: str,
        *,
        option: str | None = None,
        reason: str = "",
        prefix: str | None = None,
    ) -> None:
        why = self._why_not(action)
        if why is not None:
            self._show_state(why, bad=True)
            return
        self._deciding.sending = True
        self._show_state("sending your answer")
        wanted = verdict(action, option=option, reason=reason, prefix=prefix)
        self.run_worker(self._send(wanted), group="decide", exclusive=True)

    async def _send(self, wanted: Verdict) -> None:
        decision = await self._deciding.send(wanted)
        if decision is not None:
            approval_id = self._question.view.approval_id
            self.dismiss(ApprovalResult(Outcome.DECIDED, approval_id, decision))

    def action_decide(self, action: str) -> None:
        """Approve, deny or abort."""
        self._decide(Action(action))

    def action_deny_with_reason(self) -> None:
        """Ask for the reason of a denial."""
        self._ask_line(Action.DENY, "", REASON)

    def action_amend(self) -> None:
        """Show the prefix the policy would allow for good, to be edited or taken (C5)."""
        offered = offer(self._question.view)
        if offered is None:
            self._show_state("no rule is offered for this; approve it once or deny it", bad=True)
        else:
            ask = PREFIX if offered.prefix else HOST
            self._ask_line(Action.APPROVE_ALWAYS, offered.text, ask)

    def _ask_line(self, action: str, value: str, placeholder: str) -> None:
        """Ask for the line that goes with `action`: a reason or a prefix."""
        why = self._why_not(action)
        if why is not None:
            self._show_state(why, bad=True)
            return
        self._amending = action == Action.APPROVE_ALWAYS
        line = self.query_one("#approval-reason", Input)
        line.value, line.placeholder = clean(value, strict=True), placeholder
        self._show_state()
        self.query_one("#approval-hint").display = False
        line.display = True
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Deny with the reason that was typed, or approve with the prefix."""
        event.stop()
        self._hide_reason()
        value, offered = event.value.strip(), offer(self._question.view)
        if not self._amending or offered is None:
            self._decide(Action.DENY, reason=value)
        elif value:
            self._decide(Action.APPROVE_ALWAYS, prefix=value if offered.prefix else None)
        else:
            self._show_state("an empty prefix would allow everything; nothing was sent", bad=True)

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
        if self._deciding.sending:
            self.app.notify(
                "Your answer was on its way; the list will show whether it arrived.",
                severity="warning",
                markup=False,
            )
        self.dismiss(ApprovalResult(outcome, self._question.view.approval_id))

    def action_scroll(self, how: str) -> None:
        """Scroll the text."""
        self.query_one(FoldedText).scroll_by_name(how)


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
