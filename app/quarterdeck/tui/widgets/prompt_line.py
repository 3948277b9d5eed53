"""The prompt: a text to the selected session; a failed send keeps it, a draft outlives us."""

import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from quarterdeck.client.deck import Deck
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import PROMPT_KINDS
from quarterdeck.tui.left_drafts import LeftDrafts
from quarterdeck.tui.link import reason_of
from quarterdeck.tui.prompt_drafts import Drafts
from quarterdeck.tui.prompt_images import PromptImage, clipboard_image, read_image
from quarterdeck.tui.widgets.prompt_completer import Completer
from quarterdeck.tui.widgets.prompt_completion import CompletionList
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from quarterdeck.tui.widgets.prompt_history import PromptHistory
from quarterdeck.tui.widgets.prompt_image_row import PromptImageRow


class PromptLine(Vertical):
    """Editor, images, choices, and what happens to what was sent; all of it by session."""

    DEFAULT_CSS = """
    PromptLine { height: auto; }
    PromptLine #prompt-row { height: auto; }
    PromptLine #prompt-sign { width: 2; }
    PromptLine #prompt-input { width: 1fr; }
    PromptLine #prompt-state { width: auto; max-width: 60%; height: auto; max-height: 3; }
    """

    @dataclass
    class Sent(Message):
        """A prompt is to be sent; `key` stays the same while the same text is tried again."""

        session_id: str
        text: str
        key: str
        interrupt: bool = False
        """Whether it ends the running turn and goes out next."""
        images: tuple[PromptImage, ...] = ()

    @dataclass
    class Left(Message):
        """The person leaves the prompt."""

    @dataclass
    class _Outgoing:
        """What became of one session's prompt."""

        tried: "PromptLine.Sent | None" = None
        sending: bool = False
        problem: str = ""
        following: bool = False
        """Whether what was typed after it, while it was on its way, is to be sent next."""

    def __init__(
        self,
        deck: Callable[[], Deck],
        environ: Mapping[str, str],
        left: LeftDrafts,
        *,
        id: str | None = None,
    ) -> None:
        """Make a prompt without a session.

        Args:
            deck: Returns the connected deck or raises `unreachable`.
            environ: Names the person's editor and the clipboard.
            left: Where drafts outlive a screen that found no supervisor for them.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._deck, self._environ = deck, environ
        self._session: SessionView | None = None
        self._outgoing: dict[str, PromptLine._Outgoing] = {}
        self._drafts = Drafts(self, deck, self._start, self._gave_way, left, self._say)
        self._history = PromptHistory()
        self._steps = 0
        self._editor = PromptEditor()
        self._choices = CompletionList(id="prompt-choices")
        self._images = PromptImageRow(deck, id="prompt-images")
        self._completer = Completer(self._editor, self._choices, deck)

    def compose(self) -> ComposeResult:
        """Lay out choices, images, sign, editor and state."""
        yield self._choices
        yield self._images
        with Horizontal(id="prompt-row"):
            yield Static("›", id="prompt-sign", markup=False)
            yield self._editor
            yield Static("", id="prompt-state", markup=False)

    def on_mount(self) -> None:
        """Say what was wrong with what an earlier start left."""
        if self._drafts.problem:
            self._say(self._drafts.problem)

    def on_unmount(self) -> None:
        """Lose nothing, whatever ends the screen."""
        self._drafts.keep_unsaved()

    @property
    def _session_id(self) -> str:
        return self._session.session_id if self._session else ""

    @property
    def _own_text(self) -> str:
        return self._history.draft(self._editor.text)

    def _out(self, session_id: str) -> "PromptLine._Outgoing":
        return self._outgoing.setdefault(session_id, self._Outgoing())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(work, group="prompt")

    def write(self) -> None:
        """Focus the editor."""
        self._editor.focus()

    def put(self, text: str) -> None:
        """Add `text` to what is typed, to be looked at before it is sent."""
        typed = self._own_text
        self._history.end()
        self._editor.load(f"{typed}\n{text}" if typed else text)
        self._note_text()

    # Sessions and their drafts

    def show(self, session: SessionView | None) -> None:
        """Address this session: its own text stands in the editor, or its newer state."""
        before, after = self._session_id, session.session_id if session else ""
        if before != after:
            text = self._leave_session()
            self._session = session
            self._enter_session(after, text if not before else "")
        self._session = session
        hint = "i  write to the agent" if session else "c  create a session first"
        if self._editor.placeholder != hint:
            self._editor.placeholder = hint
        if session is not None:
            self._drafts.retry()
        self._show_state()

    def _leave_session(self) -> str:
        text = self._editor.text
        if self._session is not None:
            self._put_browsed_aside()
            self._note_text()
            self._drafts.save()
        self._history.end()
        self._steps = 0
        self._completer.close()
        return text

    def _put_browsed_aside(self) -> None:
        """Keep what one wrote before an older prompt was edited in its place."""
        own = self._history.own
        if own.strip() and own != self._own_text:
            self._drafts.of(self._session_id).others.insert(0, own)

    def _enter_session(self, session_id: str, carried: str) -> None:
        """Show a session's draft, or what was typed while there was no session."""
        text = self._drafts.of(session_id).text if session_id else ""
        self._editor.load(text or carried)
        self._note_text()
        self._images.show_of(self._session_id)
        if session_id:
            self._start(self._fetch_draft(session_id))

    def _note_text(self) -> None:
        if self._session is not None:
            self._drafts.write(self._session_id, self._own_text)

    async def _fetch_draft(self, session_id: str) -> None:
        def note() -> bool:
            shown = session_id == self._session_id and self.is_mounted
            if shown:
                self._note_text()
            return shown

        text = await self._drafts.fetch(session_id, note)
        if text is not None and session_id == self._session_id and self.is_mounted:
            self._history.end()
            self._editor.load(text)

    def _gave_way(self, session_id: str) -> None:
        if session_id == self._session_id:
            self._say("Another client's draft gave way to this one; ↑ shows it.")
        else:
            self._say("Elsewhere another client's draft gave way to yours; ↑ there shows it.")

    async def saved(self) -> None:
        """Save every draft, and return once that is done or cannot be."""
        self._note_text()
        await self._drafts.saved()

    # What is shown

    def _show_state(self) -> None:
        out = self._out(self._session_id)
        words = out.problem
        if not words and out.sending:
            words = "sending"
        if not words and self._images.reading(self._session_id):
            words = "reading the image"
        if not words and self._session and self._session.queued:
            words = f"{self._session.queued} queued"
        state = self.query_one("#prompt-state", Static)
        state.set_class(bool(out.problem), "-problem")
        if str(state.content) != words:
            state.update(Content(words))

    def _say(self, text: str) -> None:
        self.app.notify(clean_line(text), markup=False)

    # Sending

    @on(PromptEditor.Submitted)
    def _submitted(self, event: PromptEditor.Submitted) -> None:
        event.stop()
        self._submit(event.text, interrupt=event.interrupt)

    def _submit(self, text: str, *, interrupt: bool) -> None:
        session_id = self._session_id
        out = self._out(session_id)
        images = self._images.of(session_id)
        if out.sending and out.tried is not None:
            out.following = text != out.tried.text and text.startswith(out.tried.text)
        if out.sending or self._images.reading(session_id) or not (text.strip() or images):
            return
        if self._session is None:
            self.failed("no session is selected")
            return
        if not text.strip():
            self.failed("an image needs some words beside it")
            return
        sent = self.Sent(session_id, text, uuid.uuid4().hex, interrupt, images)
        again = out.tried
        if again is not None and _same(again, sent):
            sent = self.Sent(session_id, text, again.key, interrupt, again.images)
        out.tried, out.sending, out.problem = sent, True, ""
        self._completer.close()
        self._show_state()
        self.post_message(sent)

    def accepted(self, sent: "PromptLine.Sent") -> None:
        """Note that the prompt is committed: it is cleared, and what was typed after it stays."""
        out = self._out(sent.session_id)
        following, out.following = out.following, False
        out.tried, out.sending, out.problem = None, False, ""
        self._images.forget(sent.session_id, sent.images)
        if sent.session_id != self._session_id:
            if self._drafts.of(sent.session_id).text == sent.text:
                self._drafts.write(sent.session_id, "")
        elif self._editor.text == sent.text:
            self._editor.load(self._history.own)
            self._history.end()
            self._note_text()
        elif self._editor.text.startswith(sent.text):
            self._editor.load(self._editor.text[len(sent.text) :])
            self._history.end()
            self._note_text()
        self._drafts.save()
        self._show_state()
        if following and sent.session_id == self._session_id:
            self._submit(self._editor.text, interrupt=False)

    def failed(self, reason: str, sent: "PromptLine.Sent | None" = None) -> None:
        """Say why a prompt, by default the one shown, was not sent; its text stays."""
        out = self._out(sent.session_id if sent else self._session_id)
        out.sending, out.following = False, False
        out.problem = f"not sent: {clean_line(reason)}"
        self._show_state()

    # Keys of the editor

    @on(PromptEditor.Asked)
    def _asked(self, event: PromptEditor.Asked) -> None:
        event.stop()
        if event.action == "leave":
            self.post_message(self.Left())
        elif event.action == "edit":
            self._edit()
        elif event.action == "paste":
            self._start(self._paste(self._session_id))
        elif event.action == "take_away":
            self._images.take_last()

    def _edit(self) -> None:
        from quarterdeck.tui import editor
        from quarterdeck.tui.text_editing import edit_text

        try:
            text = edit_text(self.app, self._environ, self._editor.text)
        except editor.NoEditor as error:
            self._say(str(error))
        else:
            self._editor.load(text)
            self._note_text()

    @on(PromptEditor.Stepped)
    def _stepped(self, event: PromptEditor.Stepped) -> None:
        event.stop()
        if self._history.begun:
            self._browse(event.by)
        elif event.by > 0 and self._session is not None:
            self._steps += 1
            if self._steps == 1:
                self._start(self._begin_browsing(self._session_id))

    async def _begin_browsing(self, session_id: str) -> None:
        try:
            commands = await self._deck().commands(session_id)
        except QuarterdeckError as error:
            self._steps = 0
            self._say(f"History: {reason_of(error)}")
            return
        if session_id != self._session_id or not self.is_mounted:
            return
        sent = [command.text or "" for command in commands if command.kind in PROMPT_KINDS]
        others = self._drafts.of(session_id).others
        self._history.begin(self._editor.text, [*others, *reversed(sent)])
        steps, self._steps = self._steps, 0
        for _ in range(steps):
            self._browse(1)
        if not self._history.browsing:
            self._history.end()

    def _browse(self, by: int) -> None:
        text = self._history.move(by, self._editor.text)
        if text is None:
            return
        if not self._history.browsing:
            self._history.end()
        self._editor.load(text, at_top=by > 0)

    # Completion

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._note_text()
        self._completer.follow(self._session_id)

    @on(TextArea.SelectionChanged)
    def _cursor_moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if self._completer.listed:
            self._completer.follow(self._session_id)

    @on(PromptEditor.Chose)
    def _chose(self, event: PromptEditor.Chose) -> None:
        event.stop()
        if event.key == "escape":
            self._completer.dismiss()
        elif event.key in ("up", "down"):
            self._completer.move(-1 if event.key == "up" else 1)
        elif not self._completer.take() and event.key == "enter":
            self._submit(self._editor.text, interrupt=False)

    @on(CompletionList.Opened)
    def _clicked(self, event: CompletionList.Opened) -> None:
        event.stop()
        self._editor.focus()
        self._completer.take()

    @on(CompletionList.Highlighted)
    def _highlighted(self, event: CompletionList.Highlighted) -> None:
        event.stop()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Close the choices when the focus goes elsewhere."""
        self._completer.close()

    # Images

    @on(PromptImageRow.Reading)
    def _image_read(self, event: PromptImageRow.Reading) -> None:
        event.stop()
        self._show_state()

    @on(PromptEditor.Dropped)
    def _dropped(self, event: PromptEditor.Dropped) -> None:
        event.stop()
        if self._session is None:
            self._editor.insert_pasted(event.text)
        else:
            self._start(self._attach_files(self._session_id, event.text, event.paths))

    async def _attach_files(self, session_id: str, text: str, paths: list[Path]) -> None:
        """Attach image files; their paths stay as text where that cannot be."""

        def read() -> list[PromptImage]:
            return [read_image(path) for path in paths]

        if not await self._images.attach(session_id, read) and self.is_mounted:
            if session_id == self._session_id:
                self._editor.insert_pasted(text)
            else:
                self._drafts.write(session_id, self._drafts.of(session_id).text + text)

    async def _paste(self, session_id: str) -> None:
        """Attach the picture of the clipboard, or paste what was copied here."""

        def read() -> list[PromptImage]:
            image = clipboard_image(self._environ)
            return [image] if image else []

        attached = bool(session_id) and await self._images.attach(session_id, read)
        if not attached and session_id == self._session_id:
            TextArea.action_paste(self._editor)


def _same(one: PromptLine.Sent, other: PromptLine.Sent) -> bool:
    return (one.text, one.interrupt, one.images) == (other.text, other.interrupt, other.images)
