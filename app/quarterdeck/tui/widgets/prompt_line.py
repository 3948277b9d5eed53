"""The prompt line: one line to the selected session; a failed send keeps its text."""

import uuid
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.tui.keys import Where, bindings

LINE_BREAK = "⏎"
"""Stands for a line break of pasted text, which one line cannot show."""


class PromptInput(Input, inherit_bindings=True):
    """An input that keeps every pasted line and whose cursor stands still."""

    BINDINGS = bindings(Where.PROMPT)

    def __init__(self) -> None:
        """Make an empty input."""
        super().__init__(compact=True, select_on_focus=False, id="prompt-input")
        self.cursor_blink = False

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(LINE_BREAK.join(event.text.splitlines()), *self.selection)

    def action_interrupt(self) -> None:
        """Send, and let it end the running turn."""
        self.post_message(PromptLine.Interrupted())

    def action_leave(self) -> None:
        """Give the focus back to the screen's list."""
        self.post_message(PromptLine.Left())


class PromptLine(Horizontal):
    """Sign, input, and what happens to what was sent."""

    DEFAULT_CSS = """
    PromptLine { height: 1; }
    PromptLine #prompt-sign { width: 2; }
    PromptLine #prompt-input { width: 1fr; }
    PromptLine #prompt-state { width: auto; max-width: 60%; }
    """

    @dataclass
    class Sent(Message):
        """A prompt is to be sent; `key` stays the same while the same text is tried again."""

        session_id: str
        text: str
        key: str
        interrupt: bool = False
        """Whether it ends the running turn and goes out next."""

    @dataclass
    class Interrupted(Message):
        """The person wants what was typed to interrupt the turn."""

    @dataclass
    class Left(Message):
        """The person leaves the prompt line."""

    def __init__(self, *, id: str | None = None) -> None:
        """Make a prompt line without a session."""
        super().__init__(id=id)
        self._session: SessionView | None = None
        self._tried: PromptLine.Sent | None = None
        self._problem = ""
        self._sending = False

    def compose(self) -> ComposeResult:
        """Lay out sign, input and state."""
        yield Static("›", id="prompt-sign", markup=False)
        yield PromptInput()
        yield Static("", id="prompt-state", markup=False)

    @property
    def _input(self) -> PromptInput:
        return self.query_one(PromptInput)

    def write(self) -> None:
        """Focus the input."""
        self._input.focus()

    def put(self, text: str) -> None:
        """Add `text` to what is typed, to be looked at before it is sent."""
        typed = self._input.value
        self._input.value = LINE_BREAK.join([*([typed] if typed else []), *text.split("\n")])
        self._input.cursor_position = len(self._input.value)

    def show(self, session: SessionView | None) -> None:
        """Address this session; what was typed stays."""
        before = self._session
        self._session = session
        if (before and before.session_id) != (session and session.session_id):
            self._problem = ""
        hint = "i  write to the agent" if session else "c  create a session first"
        if self._input.placeholder != hint:
            self._input.placeholder = hint
        self._show_state()

    def _show_state(self) -> None:
        words = self._problem
        if not words and self._sending:
            words = "sending"
        if not words and self._session and self._session.queued:
            words = f"{self._session.queued} queued"
        state = self.query_one("#prompt-state", Static)
        state.set_class(bool(self._problem), "-problem")
        if str(state.content) != words:
            state.update(Content(words))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send what was typed, once."""
        event.stop()
        self._submit(interrupt=False)

    @on(Interrupted)
    def _interrupted(self, event: Interrupted) -> None:
        event.stop()
        self._submit(interrupt=True)

    def _submit(self, *, interrupt: bool) -> None:
        text = self._input.value.replace(LINE_BREAK, "\n")
        if not text.strip() or self._sending:
            return
        if self._session is None:
            self.failed("no session is selected")
            return
        again = self._tried
        wanted = (self._session.session_id, text, interrupt)
        if again and (again.session_id, again.text, again.interrupt) == wanted:
            sent = again
        else:
            sent = self.Sent(self._session.session_id, text, uuid.uuid4().hex, interrupt)
        self._tried, self._sending, self._problem = sent, True, ""
        self._show_state()
        self.post_message(sent)

    def accepted(self, sent: "PromptLine.Sent") -> None:
        """Note that the prompt is committed: the input is cleared unless it was changed."""
        self._tried, self._sending, self._problem = None, False, ""
        if self._input.value.replace(LINE_BREAK, "\n") == sent.text:
            self._input.clear()
        self._show_state()

    def failed(self, reason: str) -> None:
        """Say why the prompt was not sent; its text stays."""
        self._sending, self._problem = False, f"not sent: {clean_line(reason)}"
        self._show_state()
