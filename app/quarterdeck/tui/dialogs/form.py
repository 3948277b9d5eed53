"""The dialog of a form that an agent wants filled in: its text, its fields, the answer (C5)."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from quarterdeck.model.forms import FieldKind, FormField, FormProblem, checked, parsed
from quarterdeck.model.hostile_text import clean
from quarterdeck.model.states import Action
from quarterdeck.model.titles import fold
from quarterdeck.tui.dialogs.approval import ApprovalDialog
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.widgets.choice_field import UNSET, ChoiceField
from quarterdeck.tui.widgets.folded_text import FoldedText

MOST_ROWS = 6
"""Fields on the screen at once; more are scrolled to."""
LABEL_CHARACTERS = 40


class FieldRow(Horizontal):
    """One field with its label."""

    DEFAULT_CSS = """
    FieldRow { height: 1; }
    FieldRow > Static { width: 24; height: 1; }
    FieldRow > Input { width: 1fr; }
    """

    def __init__(self, field: FormField) -> None:
        """Show `field` with the default its schema has."""
        super().__init__()
        self.field = field

    def compose(self) -> ComposeResult:
        """Lay out label and value."""
        label = clean(fold(self.field.label, LABEL_CHARACTERS), strict=True)
        star = " *" if self.field.required else ""
        yield Static(Content(label[:21] + star), markup=False, classes="form-label")
        if self.field.kind in (FieldKind.BOOLEAN, FieldKind.CHOICE):
            yield ChoiceField(self._choices(), self.field.default)
            return
        told = self.field.default
        value = ", ".join(told) if isinstance(told, list) else "" if told is None else str(told)
        line = Input(clean(value, strict=True), compact=True, select_on_focus=False)
        line.placeholder = clean(self.field.told, strict=True)
        line.cursor_blink = False
        yield line

    def _choices(self) -> list[tuple[Any, str]]:
        """Return the values; nothing is chosen for the person where there is no default."""
        of_flag: list[tuple[Any, str]] = [(True, "yes"), (False, "no")]
        known = of_flag if self.field.kind is FieldKind.BOOLEAN else list(self.field.choices)
        unset = [] if self.field.required and self.field.default is not None else [(None, UNSET)]
        return [*unset, *known]

    @property
    def control(self) -> Widget:
        """What has the focus while it is filled in."""
        return self.children[1]

    @property
    def value(self) -> Any:
        """What was filled in, None for nothing; raises FormProblem."""
        control = self.control
        if isinstance(control, ChoiceField):
            return control.value
        assert isinstance(control, Input)
        return parsed(self.field, control.value)


class FormDialog(ApprovalDialog, inherit_bindings=False):
    """Asks for a form; the text above the fields is the question, whole and exact."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Where.FORM),
        *bindings(Where.READING),
        Binding("tab", "app.focus_next", "next field", show=False),
        Binding("shift+tab", "app.focus_previous", "previous field", show=False),
    ]
    WHERE: ClassVar[Where] = Where.FORM
    HEADING: ClassVar[str] = "Form"

    def answer_widgets(self) -> Iterable[Widget]:
        """Return the fields."""
        rows = [FieldRow(field) for field in self._question.form]
        fields = VerticalScroll(*rows, id="form-fields", can_focus=False)
        fields.styles.height = self.answer_rows()
        yield fields

    def answer_rows(self) -> int:
        """Return how many rows the fields take."""
        return min(len(self._question.form), MOST_ROWS)

    def action_fill(self) -> None:
        """Go to the first field."""
        rows = self.query(FieldRow)
        if rows:
            self.set_focus(rows.first().control)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to the next field; after the last one back to the text."""
        event.stop()
        rows = list(self.query(FieldRow))
        at = next((i for i, row in enumerate(rows) if row.control is event.input), len(rows))
        if at + 1 < len(rows):
            self.set_focus(rows[at + 1].control)
        else:
            self.set_focus(self.query_one(FoldedText))

    def action_decide(self, action: str) -> None:
        """Send what was filled in, decline, or cancel the turn."""
        if action != Action.APPROVE:
            self._decide(Action(action))
            return
        try:
            given = {row.field.name: row.value for row in self.query(FieldRow)}
            content = checked(self._question.form, given)
        except FormProblem as error:
            self._show_state(f"not sent: {clean(str(error), strict=True)}", bad=True)
        else:
            self._decide(Action.APPROVE, content=content)

    def action_leave(self) -> None:
        """Leave the field, or the dialog."""
        if isinstance(self.focused, Input | ChoiceField):
            self.set_focus(self.query_one(FoldedText))
        else:
            super().action_leave()
