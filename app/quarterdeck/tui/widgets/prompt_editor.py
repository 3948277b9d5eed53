"""The editor of a prompt: a few lines of plain text, whose cursor stands still."""

from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import TextArea

from quarterdeck.model.hostile_text import clean
from quarterdeck.tui.keys import Where, bindings
from quarterdeck.tui.prompt_images import image_paths
from quarterdeck.tui.widgets.prompt_completion import Partial, partial_at

_STAND_INS = ("\u0338", "\ufffd", "\uff1f")
"""What stands for an unsafe code point of no, one and two cells."""


class PromptEditor(TextArea):
    """Grows with its text; what its keys mean for the prompt goes up as messages."""

    DEFAULT_CSS = """
    PromptEditor {
        height: auto;
        min-height: 1;
        max-height: 8;
        padding: 0;
        scrollbar-size-vertical: 1;
    }
    """
    BINDINGS = bindings(Where.PROMPT)

    @dataclass
    class Submitted(Message):
        """The text is to be sent."""

        text: str
        interrupt: bool = False

    @dataclass
    class Stepped(Message):
        """An older prompt is wanted, or a newer one if `by` is negative."""

        by: int

    @dataclass
    class Chose(Message):
        """A key for the list of choices: up, down, enter, tab or escape."""

        key: str

    @dataclass
    class Asked(Message):
        """Something else was asked for, by the name of the action."""

        action: str

    @dataclass
    class Dropped(Message):
        """What was pasted names image files."""

        text: str
        paths: list[Path]

    def __init__(self) -> None:
        """Make an empty editor."""
        super().__init__(
            compact=True,
            soft_wrap=True,
            tab_behavior="focus",
            highlight_cursor_line=False,
            id="prompt-input",
        )
        self.cursor_blink = False
        self.match_cursor_bracket = False
        self.choosing = False
        """Whether a list of choices is open, which has the keys it needs."""
        self._loaded = ""

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is drawn, with a stand-in of the same width for what is unsafe."""
        line = self.document.get_line(line_index)
        if clean(line) != line:
            line = "".join(_drawn(char) for char in line)
        return Text(line, end="", no_wrap=True)

    @property
    def untouched(self) -> bool:
        """Whether the text is still the one that was loaded."""
        return self.text == self._loaded

    def load(self, text: str, *, at_top: bool = False) -> None:
        """Replace everything, with the cursor at the end, or `at_top` at the end of the top row."""
        self._loaded = _lines(text)
        self.load_text(self._loaded)
        self._loaded = self.text  # other line ends than \n are the same to the editor
        end = self.document.end
        if at_top:
            wraps = self.wrapped_document.get_offsets(0)
            end = (0, wraps[0] - 1 if wraps else len(self.document.get_line(0)))
        self.move_cursor(end)

    def insert_pasted(self, text: str) -> None:
        """Put text in place of what is selected."""
        done = self._replace_via_keyboard(_lines(text), *self.selection)
        if done is not None:
            self.move_cursor(done.end_location)

    def partial(self) -> Partial | None:
        """Return the word before the cursor that could be completed."""
        start, (row, column) = self.selection
        if start != (row, column):
            return None
        return partial_at(row, self.document.get_line(row)[:column])

    async def _on_key(self, event: events.Key) -> None:
        if self._takes(event.key):
            event.stop()
            event.prevent_default()

    def _takes(self, key: str) -> bool:
        """Do what a key means for the prompt; return whether it means anything."""
        if self.choosing and key in ("up", "down", "enter", "tab"):
            self.post_message(self.Chose(key))
        elif key == "enter":
            self.post_message(self.Submitted(self.text))
        elif key == "up" and self.navigator.is_first_wrapped_line(self.cursor_location):
            self.post_message(self.Stepped(1))
        elif key == "down" and self.navigator.is_last_wrapped_line(self.cursor_location):
            self.post_message(self.Stepped(-1))
        elif key == "backspace" and self.selection.end == self.selection.start == (0, 0):
            self.post_message(self.Asked("take_away"))
        else:
            return False
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if paths := image_paths(event.text):
            self.post_message(self.Dropped(event.text, paths))
        else:
            self.insert_pasted(event.text)

    def action_new_line(self) -> None:
        """Begin a new line."""
        self.insert_pasted("\n")

    def action_interrupt(self) -> None:
        """Send, and let it end the running turn."""
        self.post_message(self.Submitted(self.text, interrupt=True))

    def action_edit(self) -> None:
        """Edit the text in the person's own editor."""
        self.post_message(self.Asked("edit"))

    def action_paste(self) -> None:
        """Paste the picture of the clipboard, or else the text copied here."""
        self.post_message(self.Asked("paste"))

    def action_leave(self) -> None:
        """Close the choices, or leave."""
        self.post_message(self.Chose("escape") if self.choosing else self.Asked("leave"))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _drawn(char: str) -> str:
    return char if clean(char) == char else _STAND_INS[min(2, cell_len(char))]
