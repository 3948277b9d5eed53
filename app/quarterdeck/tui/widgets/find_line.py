"""The line at the bottom in which a person says what to find in a pane, and how much there is."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from quarterdeck.tui.find_words import find_words
from quarterdeck.tui.keys import Where, keys_of
from quarterdeck.tui.widgets.findable_view import FindableView, HitCount

HINT = "text to find here (enter keeps it, esc ends)"
STEPS = ("next hit", "hit before")
"""The actions whose keys are shown, by their labels."""


class FindLine(Horizontal):
    """Finds in one view as one types; stays, with the count, until that is ended."""

    def __init__(self, *, id: str | None = None) -> None:
        """Find in no view yet."""
        super().__init__(id=id)
        self._view: FindableView | None = None
        self._count = HitCount()

    def compose(self) -> ComposeResult:
        """Lay out sign, words and count."""
        yield Static("find", id="find-sign", markup=False)
        words = Input(placeholder=HINT, compact=True, id="find-words")
        words.cursor_blink = False
        yield words
        yield Static("", id="find-count", markup=False)

    @property
    def view(self) -> FindableView | None:
        """The view in which something is looked for."""
        return self._view

    def begin(self, view: FindableView) -> None:
        """Ask what to find in a view; what was looked for last stands there."""
        if view is not self._view:
            self._let_go()
            self._view = view
        self.display = True
        words = self.query_one(Input)
        view.find(find_words(words.value))
        self._say()
        words.focus()

    def step(self, step: int, view: FindableView | None) -> bool:
        """Go to the next hit or the one before.

        Args:
            step: 1 or -1.
            view: Where to go on with what was looked for last, if nothing is looked for now.

        Returns:
            Whether there is anything to look for.
        """
        if self._view is None and view is not None and view.find_again():
            self._take_up(view)
        if self._view is None or self._view.finding is None:
            return False
        self._view.go_to_hit(step)
        return True

    def _take_up(self, view: FindableView) -> None:
        """Show what is looked for in a view once more, as it was left."""
        self._view = view
        words = self.query_one(Input)
        with words.prevent(Input.Changed):
            words.value = view.finding.words if view.finding is not None else ""
        self.display = True
        self._say()

    def end(self) -> bool:
        """Mark nothing any more; return whether something was looked for."""
        view, had_focus = self._view, self.query_one(Input).has_focus
        self._let_go()
        self.display = False
        if had_focus and view is not None:
            view.focus()
        return view is not None

    def end_if_gone(self) -> None:
        """End if the view is no longer on the screen."""
        view = self._view
        if view is not None and not all(node.display for node in view.ancestors_with_self):
            self.end()

    def told(self, view: FindableView, count: HitCount) -> None:
        """Show how much was found."""
        if view is self._view:
            self._count = count
            self._say()

    def _let_go(self) -> None:
        if self._view is not None:
            self._view.end_find()
        self._view, self._count = None, HitCount()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._count = HitCount()
        if self._view is not None:
            self._view.find(find_words(event.value))
            self._say()

    @on(Input.Submitted)
    def _kept(self, event: Input.Submitted) -> None:
        event.stop()
        view = self._view
        if view is None or view.finding is None:
            self.end()
        else:
            view.keep_find()
            view.focus()
            view.go_to_hit(0)

    def _say(self) -> None:
        finding = self._view is not None and self._view.finding is not None
        said = count_words(self._count) if finding else ""
        keys = [f"{entry.shown} {entry.label}" for entry in keys_of(Where.MAIN)]
        hints = [words for words in keys if words.endswith(STEPS)] if finding else []
        self.query_one("#find-count", Static).update(Content("   ".join([said, *hints])))


def count_words(count: HitCount) -> str:
    """Return how much was found, in few words."""
    if not count.total:
        return "searching" if count.counting else "not found"
    total = f"{count.total:,}{'+' if count.counting else ''}"
    return f"{count.at:,} of {total}" if count.at else total
