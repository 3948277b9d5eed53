"""The inbox: every open approval, its exact text, and one key to decide and go on (C5)."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from quarterdeck.model.hostile_text import clean, clean_line
from quarterdeck.model.records import ApprovalView
from quarterdeck.model.states import Action
from quarterdeck.tui import messages
from quarterdeck.tui.board import Board
from quarterdeck.tui.dialogs.amendment import FORBID, offer
from quarterdeck.tui.dialogs.arming import Hold
from quarterdeck.tui.dialogs.deciding import Deciding, Verdict, no_rule, verdict
from quarterdeck.tui.dialogs.question import question
from quarterdeck.tui.expiring import left_text, next_change
from quarterdeck.tui.inbox import Inbox, Item
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.link import Link
from quarterdeck.tui.risk import Level, risk
from quarterdeck.tui.screens.inbox_hints import about_host, inbox_hints
from quarterdeck.tui.screens.inbox_rows import inbox_row
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.folded_text import FoldedText
from quarterdeck.tui.widgets.inbox_line import Asked, InboxLine
from quarterdeck.tui.widgets.inbox_question import InboxQuestion
from quarterdeck.tui.widgets.key_line import KeyLine
from quarterdeck.tui.widgets.row_list import RowList

NOTHING = "Nothing waits for an approval"


class InboxScreen(Screen[None]):
    """Shows one question beside the list of all; nothing new ever takes its place."""

    CSS_PATH = dialog_styles()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.INBOX)
    AUTO_FOCUS = "RowList"
    PLACES: ClassVar[tuple[Where, ...]] = (Where.INBOX,)

    def __init__(
        self, link: Link, *, monotonic: Callable[[], float], clock: Callable[[], int]
    ) -> None:
        """Show nothing yet.

        Args:
            link: Where decisions go.
            monotonic: Seconds, for the arming.
            clock: Unix milliseconds, for ages.
        """
        super().__init__()
        self._link, self._monotonic, self._clock = link, monotonic, clock
        self._inbox = Inbox(self._item)
        self._board = Board()
        self._filter = ""
        self.undo_seconds = 0.0
        """How long a decision is held before it is sent."""
        self._timer: Timer | None = None
        self._fewer_chosen = False
        """Whether others settled something of what is selected, and no key was pressed since."""
        self._shown: tuple[str, int] | None = None
        self._said, self._bad = "", False

    def compose(self) -> ComposeResult:
        """Lay out head, list, question, line and keys."""
        yield Static("", id="inbox-head", markup=False)
        with Container(id="inbox-work"):
            yield RowList(empty_text=NOTHING, id="inbox-list")
            yield InboxQuestion(id="inbox-item")
        yield Static("", id="inbox-hint", markup=False)
        yield InboxLine(id="inbox-line")
        yield KeyLine(rows=3, gap=2, id="inbox-keys")

    def on_mount(self) -> None:
        """Follow the board."""
        self.query_one(InboxQuestion).display = False
        self.watch(self.app, "board", self._see_board)

    def on_resize(self) -> None:
        """What is visible changed, so deciding waits anew."""
        self.call_after_refresh(self._changed)

    def on_screen_resume(self) -> None:
        """After a dialog lay over it, the text counts as newly shown."""
        if self._shown is not None:
            self._show_item(anew=True)

    # What is shown

    def _item(self, view: ApprovalView) -> Item:
        asked = question(view, self._clock())

        def said(text: str, bad: bool) -> None:
            self._tell(view, text, bad)

        deciding = Deciding(asked, self._link, clock=self._monotonic, on_state=said)
        deciding.undo_seconds = self.undo_seconds
        return Item(deciding, risk(asked))

    @property
    def _current(self) -> Item | None:
        return self._inbox.get(self.query_one(RowList).selected)

    def _see_board(self, board: Board) -> None:
        self._board = board
        current, chosen = self._current, len(self._inbox.chosen())
        for item in self._inbox.see(board, current.key if current else None):
            self.run_worker(item.deciding.learn(), group="learn")
        self._fewer_chosen |= len(self._inbox.chosen()) < chosen
        if current is not None and current.deciding.settled:
            self._say(current.deciding.settled, bad=True)
        self._show_rows()

    def _show_rows(self) -> None:
        now = self._clock()
        shown = [item for item in self._inbox if item.matches(self._filter)]
        rows = self.query_one(RowList)
        rows.say_empty(NOTHING if not len(self._inbox) else "Nothing has these words")
        rows.set_rows([inbox_row(item, now) for item in shown])
        high = sum(item.risk.level is Level.HIGH for item in self._inbox)
        head = f"Inbox   {len(self._inbox)} open   {high} of high risk"
        chosen = len(self._inbox.chosen())
        head += f"   {chosen} selected" if chosen else ""
        head += f"   filter: {self._filter}" if self._filter else ""
        self.query_one("#inbox-head", Static).update(Content(head))
        self._time_passes()
        self._show_item()

    def _show_item(self, *, anew: bool = False) -> None:
        """Show the question under the cursor; another one has to be read and armed anew."""
        item = self._current
        shown = self.query_one(InboxQuestion)
        shown.display = item is not None
        if item is None:
            self._shown = None
        elif anew or self._shown is None or self._shown[0] != item.key:
            item.deciding.arming.changed()
            self._shown = item.key, shown.put(item.deciding.asked, self._fields(item))
            settled = item.deciding.settled
            self._said, self._bad = settled, bool(settled)
            self.call_after_refresh(self._changed)
        self._show_state()

    def _fields(self, item: Item) -> tuple[tuple[str, str], ...]:
        left = left_text(item.deciding.view.expires_at, self._clock())
        told = f"{item.risk.level.word} – {item.risk.why}"
        more = (("expires in", left),) if left else ()
        return (*item.deciding.asked.fields, ("listed as", told), *more)

    def _time_passes(self) -> None:
        """Show what is left anew, and again when the words change: at most once a minute."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        now = self._clock()
        changes = [next_change(item.deciding.view.expires_at, now) for item in self._inbox]
        soon = min((seconds for seconds in changes if seconds is not None), default=None)
        if soon is not None:
            self._timer = self.set_timer(soon, self._show_time)

    def _show_time(self) -> None:
        if (item := self._current) is not None:
            self.query_one(InboxQuestion).show_fields(self._fields(item))
        self._show_rows()

    def _changed(self) -> None:
        """Note that what is visible changed."""
        if (item := self._current) is not None:
            self._fit(item)
            item.deciding.arming.changed()
            self._show_state()

    def _fit(self, item: Item) -> None:
        item.deciding.cramped = self.query_one(InboxQuestion).cramps(item.deciding.asked)

    @on(FoldedText.EndPainted)
    def _end_was_painted(self, event: FoldedText.EndPainted) -> None:
        item = self._current
        if item is None or self.app.screen is not self:
            return
        if self._shown == (item.key, event.showing):
            item.deciding.arming.end_on_screen()
            self._show_state()

    @on(RowList.Highlighted)
    def _highlighted(self) -> None:
        item = self._current
        if self._asked not in (None, Asked.FILTER):
            self._end_line()  # it was for what was shown before
        self._inbox.drop_settled(item.key if item else None)
        self._show_rows()

    def _tell(self, view: ApprovalView, text: str, bad: bool) -> None:
        """Say what became of an answer: in place while it is shown, else by its name."""
        if self.is_mounted and self._shown and self._shown[0] == view.approval_id:
            self._say(text, bad=bad)
        else:
            who = view.session_title or view.session_id
            self.app.notify(
                clean_line(f"{who}: {text}"),
                severity="error" if bad else "information",
                markup=False,
            )

    def _say(self, text: str, *, bad: bool = False) -> None:
        self._said, self._bad = text, bad
        self._show_state()

    def _show_state(self) -> None:
        item = self._current
        why = item.deciding.why_not(Action.APPROVE, timed=False) if item else None
        hint = self.query_one("#inbox-hint", Static)
        hint.set_class(self._bad, "-bad")
        hint.update(Content(self._said or why or ""))
        self.query_one(KeyLine).show(inbox_hints(self._inbox, item))

    # Deciding

    def action_decide(self, action: str) -> None:
        """Approve, deny or abort what is shown, or everything that was selected."""
        self._decide(action)

    def _decide(self, action: str, *, reason: str = "", prefix: str | None = None) -> None:
        item = self._may(action)
        if item is None:
            return
        items = self._inbox.chosen()
        for each in items:
            why = each.deciding.why_not(action, timed=False)
            if action == Action.DENY_SESSION and not about_host(each):
                why = "only a network host can be denied for the session"
            if why:
                self._say(f"{each.deciding.view.session_title}: {why}", bad=True)
                return
        for each in items or [item]:
            each.deciding.sending, each.chosen = True, False
            wanted = verdict(action, reason=reason, prefix=prefix)
            self.run_worker(self._send(each, wanted), group="decide")
        self._said, self._bad = "", False
        self._go_on(item)

    def _may(self, action: str) -> Item | None:
        """Return what is on the screen if `action` may be taken now; else say why not.

        What is under the cursor but not yet on the screen cannot be decided. While something
        is selected, that is decided, and the moment alone counts for what is shown.
        """
        item, several = self._current, bool(self._inbox.chosen())
        why: str | None = None
        if item is None:
            return None
        if self._fewer_chosen:
            # The key may have been meant for what is selected no more: never for what is shown.
            self._fewer_chosen = False
            why = "some of what you selected was settled elsewhere; look, and press again"
        elif self._shown is None or self._shown[0] != item.key:
            why = Hold.MOMENT.value
        elif several:
            hold = item.deciding.arming.hold(needs_end=False)
            why = hold.value if hold else None
            if hold is Hold.MOMENT:
                item.deciding.arming.changed()
        elif own := item.deciding.asked.own_dialog:
            why = f"a {own} has its own answers: enter opens them"
        elif action == Action.DENY_SESSION and not about_host(item):
            why = "only a network host can be denied for the session"
        else:
            self._fit(item)
            why = item.deciding.key_refused(action)
        if why:
            self._say(why, bad=True)
            return None
        return item

    async def _send(self, item: Item, wanted: Verdict) -> None:
        decision = await item.deciding.send(wanted)
        if decision is not None:
            self._inbox.finished(item.key)
            if problem := no_rule(decision):
                self._tell(item.deciding.view, problem, bad=True)
            self.post_message(messages.Decided())
        self._show_rows()

    def answered(self, approval_id: str) -> None:
        """Note that the question was decided in its dialog."""
        self._inbox.finished(approval_id)
        self._show_rows()

    def _go_on(self, item: Item) -> None:
        """Move on to the next open question after `item`, around the end."""
        keys = [row.key for row in self.query_one(RowList).rows]
        at = keys.index(item.key) if item.key in keys else 0
        for key in [*keys[at + 1 :], *keys[:at]]:
            following = self._inbox.get(key)
            if following is not None and following.open:
                self.query_one(RowList).select(key)
                break
        self._show_rows()

    def action_next(self, step: int) -> None:
        """Go to the next or previous question, around the end; this one stays undecided."""
        rows = self.query_one(RowList)
        keys = [row.key for row in rows.rows]
        if keys and rows.selected in keys:
            rows.select(keys[(keys.index(rows.selected) + step) % len(keys)])

    def action_select(self) -> None:
        """Select or unselect what is shown; only what was shown to its end can be selected."""
        item = self._current
        if item is None or self._shown is None or self._shown[0] != item.key:
            return
        why = None
        if not item.chosen:
            why = item.deciding.why_not(Action.APPROVE, timed=False)
            if own := item.deciding.asked.own_dialog:
                why = f"a {own} is answered by itself: enter opens it"
        if why is None:
            item.chosen = not item.chosen
        self._say(why or "", bad=why is not None)
        self._show_rows()

    def action_deny_with_reason(self) -> None:
        """Ask for the reason of a denial."""
        if self._may(Action.DENY) is not None:
            self._ask(Asked.REASON, "")

    def action_amend(self) -> None:
        """Show the prefix the policy would allow for good, to be edited or taken."""
        item = self._current
        offered = offer(item.deciding.view) if item else None
        if offered is None:
            self._say("no rule is offered for this; approve it once or deny it", bad=True)
        elif self._inbox.chosen():
            self._say("a rule is made for one at a time; unselect the others first", bad=True)
        elif self._may(Action.APPROVE_ALWAYS) is not None:
            what = Asked.PREFIX if offered.prefix else Asked.HOST
            self._ask(what, clean(offered.text, strict=True))

    def action_forbid(self) -> None:
        """Show the host the policy would forbid for good, to be confirmed."""
        item = self._current
        offered = offer(item.deciding.view, FORBID) if item else None
        if offered is None:
            self._say("no rule against this is offered; deny it", bad=True)
        elif self._inbox.chosen():
            self._say("a rule is made for one at a time; unselect the others first", bad=True)
        elif self._may(Action.DENY_ALWAYS) is not None:
            self._ask(Asked.FORBIDDEN, clean(offered.text, strict=True))

    def action_take_back(self) -> None:
        """Take every decision back that is held and was not sent yet."""
        for item in self._inbox.held():
            item.deciding.take_back()

    # The line

    def action_filter(self) -> None:
        """Filter the list as one types."""
        self._ask(Asked.FILTER, self._filter)

    @property
    def _asked(self) -> Asked | None:
        return self.query_one(InboxLine).asked

    def _ask(self, what: Asked, value: str) -> None:
        self._say("" if what is Asked.FILTER else what)
        self.query_one(InboxLine).ask(what, value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if self._asked is Asked.FILTER:
            self._filter = event.value
            self._show_rows()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        asked, value = self._end_line(), event.value.strip()
        if asked is Asked.REASON:
            self._decide(Action.DENY, reason=value)
        elif asked is Asked.PREFIX and value:
            self._decide(Action.APPROVE_ALWAYS, prefix=value)
        elif asked is Asked.FORBIDDEN:
            self._decide(Action.DENY_ALWAYS)
        elif asked is Asked.HOST:
            self._decide(Action.APPROVE_ALWAYS)
        elif asked is Asked.PREFIX:
            self._say("an empty prefix would allow everything; nothing was sent", bad=True)

    def _end_line(self) -> Asked | None:
        self.query_one(RowList).focus()
        return self.query_one(InboxLine).end()

    # Moving about

    def action_zoom(self) -> None:
        """Give the text all the room, or share it with the list again."""
        self.toggle_class("-zoomed")
        self.call_after_refresh(self._changed)

    def action_scroll(self, how: str) -> None:
        """Scroll the text."""
        self.query_one(InboxQuestion).scroll_text(how)

    def action_open(self) -> None:
        """Open the question's own dialog."""
        if (item := self._current) is not None:
            self.post_message(messages.Answer(item.key))

    @on(RowList.Opened)
    def _opened(self) -> None:
        self.action_open()

    def action_leave(self) -> None:
        """Leave the line, the filter, the zoom, or the inbox."""
        if self._asked is not None:
            if self._end_line() is Asked.FILTER:
                self._filter = ""
            self._show_rows()
        elif self._filter:
            self._filter = ""
            self._show_rows()
        elif self.has_class("-zoomed"):
            self.action_zoom()
        else:
            if held := self._inbox.held():
                noun = "decision was" if len(held) == 1 else "decisions were"
                told = f"{len(held)} held {noun} taken back and still waits for an answer."
                self.app.notify(told, markup=False)
            self.dismiss(None)

    def action_help(self) -> None:
        """Show the help."""
        self.post_message(messages.Help(Where.INBOX))
