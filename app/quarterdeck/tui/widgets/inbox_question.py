"""One question as the inbox shows it: fields, the exact text, and what to beware of."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from quarterdeck.tui.dialogs.question import Question
from quarterdeck.tui.folding import fold
from quarterdeck.tui.widgets.field_list import FieldList
from quarterdeck.tui.widgets.folded_text import FoldedText

LEAST_TEXT_ROWS = 3


class InboxQuestion(Vertical):
    """Shows one question at a time; what a key may do with it is the screen's to know."""

    def compose(self) -> ComposeResult:
        """Lay out from top to bottom."""
        yield FieldList((), id="inbox-fields")
        yield Static("", id="inbox-extent", markup=False)
        yield FoldedText(strict=True, numbers=True, id="inbox-text")
        yield Static("", id="inbox-warnings", markup=False)

    def put(self, asked: Question, fields: tuple[tuple[str, str], ...]) -> int:
        """Show this question instead, from its top.

        Returns:
            The number of this showing, as `FoldedText.EndPainted` will name it.
        """
        self.show_fields(fields)
        extent = f"exact text – {asked.extent}"
        self.query_one("#inbox-extent", Static).update(Content(extent))
        warned = _warned(asked)
        warnings = self.query_one("#inbox-warnings", Static)
        warnings.update(Content("\n".join(warned)))
        warnings.display = bool(warned)
        return self.query_one(FoldedText).show(asked.text, diff=asked.diff)

    def show_fields(self, fields: tuple[tuple[str, str], ...]) -> None:
        """Show the fields anew; the text stays as it is."""
        self.query_one(FieldList).show(fields)

    def cramps(self, asked: Question) -> bool:
        """Tell whether there is too little room for all a person must see of a question."""
        room = self.content_size
        around = self.query_one(FieldList).rows_at(room.width) + 1
        around += sum(len(fold(w, room.width, strict=True, diff=False)) for w in _warned(asked))
        return around + LEAST_TEXT_ROWS > room.height

    def scroll_text(self, how: str) -> None:
        """Scroll the text, by the name of a key's action."""
        self.query_one(FoldedText).scroll_by_name(how)


def _warned(asked: Question) -> list[str]:
    return [f"! {w}" for w in asked.warnings] + ([f"✗ {asked.refusal}"] if asked.refusal else [])
