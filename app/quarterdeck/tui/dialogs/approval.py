"""The approval dialog: the exact text of one question, and the keys that answer it (DESIGN §5)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from quarterdeck.model.clock import now_ms
from quarterdeck.model.hostile_text import clean
from quarterdeck.model.records import DecisionView
from quarterdeck.model.states import Action, ApprovalKind
from quarterdeck.tui.board import Board
from quarterdeck.tui.dialogs.amendment import FORBID, offer
from quarterdeck.tui.dialogs.deciding import Deciding, Verdict, verdict
from quarterdeck.tui.dialogs.question import Question
from quarterdeck.tui.expiring import expiry_text, next_change
from quarterdeck.tui.folding import fold
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link
from quarterdeck.tui.styles import dialog_styles
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
FORBIDDEN = "the host to forbid for good (enter denies, esc goes back)"
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

    CSS_PATH = dialog_styles()
    AUTO_FOCUS = "FoldedText"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Where.APPROVAL), *bindings(Where.READING)]
    WHERE: ClassVar[Where] = Where.APPROVAL
    HEADING: ClassVar[str] = "Approval"

    def __init__(
        self,
        shown: Question,
        link: Link,
        *,
        clock: Callable[[], float],
        wall: Callable[[], int] = now_ms,
    ) -> None:
        """Put one question.

        Args:
            shown: What is asked.
            link: Where the decision goes.
            clock: Monotonic seconds, for the arming.
            wall: Unix milliseconds, for when it expires.
        """
        super().__init__()
        self._question = shown
        self._deciding = Deciding(shown, link, clock=clock, on_state=self._said)
        self._board = Board()
        self._wall = wall
        self._asking: str = Action.DENY
        """What the line that is shown is for."""

    @property
    def undo_seconds(self) -> float:
        """How long a decision is held before it is sent."""
        return self._deciding.undo_seconds

    @undo_seconds.setter
    def undo_seconds(self, seconds: float) -> None:
        self._deciding.undo_seconds = seconds

    def compose(self) -> ComposeResult:
        """Lay out fields, text, warnings, hint and keys."""
        asked = self._question
        with Vertical(id="approval"):
            yield FieldList(asked.fields, id="approval-fields")
            yield Static("", id="approval-extent", markup=False)
            yield FoldedText(
                asked.text, strict=True, diff=asked.diff, numbers=True, id="approval-text"
            )
            yield Static("", id="approval-warnings", markup=False)
            yield from self.answer_widgets()
            yield Static("", id="approval-hint", markup=False)
            reason = Input(compact=True, select_on_focus=False, id="approval-reason")
            reason.cursor_blink = False
            yield reason
            yield KeyLine(rows=3, id="approval-keys")

    def answer_widgets(self) -> Iterable[Widget]:
        """Return what is filled in to answer; nothing here."""
        return ()

    def answer_rows(self) -> int:
        """Return how many rows `answer_widgets` take."""
        return 0

    def on_mount(self) -> None:
        """Show the question and begin to watch whether it is still open."""
        self._show_extent()
        frame = self.query_one("#approval")
        frame.border_title = Content(self.HEADING)
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

    def _show_extent(self) -> None:
        """Tell how long the text is and when it expires; the latter anew when it changes."""
        expires_at, now = self._question.view.expires_at, self._wall()
        expires = expiry_text(expires_at, now)
        told = f"exact text – {self._question.extent}" + (f" – {expires}" if expires else "")
        self.query_one("#approval-extent", Static).update(Content(told))
        seconds = next_change(expires_at, now)
        if seconds is not None:
            self.set_timer(seconds, self._show_extent)

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
        around = FIXED_ROWS + fields + warned + keys + self.answer_rows()
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
            if entry.action == "forbid" and offer(self._question.view, FORBID) is None:
                continue
            if entry.action == "decide('deny_session')" and not self._about_host:
                continue
            if entry.action == "decide('approve_session')" and self._is_gate:
                continue
            if entry.action == "take_back" and not self._deciding.held:
                continue
            ready = True
            if entry.action.startswith(("decide('approve", "recover", "amend")):
                ready = approving
            elif entry.action.startswith(("decide", "deny", "forbid")):
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

    @property
    def _about_host(self) -> bool:
        return self._question.view.kind == ApprovalKind.NETWORK_HOST

    @property
    def _is_gate(self) -> bool:
        return self._question.view.kind == ApprovalKind.GATE

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
        content: dict[str, Any] | None = None,
    ) -> None:
        why = self._deciding.key_refused(action)
        if why is not None:
            self._show_state(why, bad=True)
            return
        self._deciding.sending = True
        wanted = verdict(action, option=option, reason=reason, prefix=prefix, content=content)
        # Before anything is painted: what is shown by then has its turn after the first step.
        self.run_worker(self._send(wanted), group="decide", exclusive=True)
        self._show_state("sending your answer")

    async def _send(self, wanted: Verdict) -> None:
        decision = await self._deciding.send(wanted)
        if decision is not None:
            approval_id = self._question.view.approval_id
            self.dismiss(ApprovalResult(Outcome.DECIDED, approval_id, decision))

    def action_decide(self, action: str) -> None:
        """Approve, deny or abort."""
        if action == Action.DENY_SESSION and not self._about_host:
            self._show_state("only a network host can be denied for the session", bad=True)
            return
        self._decide(Action(action))

    def action_take_back(self) -> None:
        """Take a decision back that was not sent yet."""
        self._deciding.take_back()

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

    def action_forbid(self) -> None:
        """Show the host the policy would forbid for good, to be confirmed (C5)."""
        offered = offer(self._question.view, FORBID)
        if offered is None:
            self._show_state("no rule against this is offered; deny it", bad=True)
        else:
            self._ask_line(Action.DENY_ALWAYS, offered.text, FORBIDDEN)

    def _ask_line(self, action: str, value: str, placeholder: str) -> None:
        """Ask for the line that goes with `action`: a reason or a prefix."""
        why = self._deciding.key_refused(action)
        if why is not None:
            self._show_state(why, bad=True)
            return
        self._asking = action
        line = self.query_one("#approval-reason", Input)
        line.value, line.placeholder = clean(value, strict=True), placeholder
        self._show_state()
        self.query_one("#approval-hint").display = False
        line.display = True
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Deny with the reason that was typed, or approve with the prefix."""
        if event.input.id != "approval-reason":  # a field of a form; Textual calls both handlers
            return
        event.stop()
        self._hide_reason()
        value, offered = event.value.strip(), offer(self._question.view)
        if self._asking == Action.DENY_ALWAYS:
            self._decide(Action.DENY_ALWAYS)
        elif self._asking == Action.DENY or offered is None:
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
        if self._deciding.take_back():
            self.app.notify("Taken back: it still waits for an answer.", markup=False)
        elif self._deciding.sending:
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
