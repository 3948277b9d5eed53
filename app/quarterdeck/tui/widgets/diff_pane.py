"""The Diff pane: the files a session changed, one of them in full, and comments on its lines."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.model.worktree import ChangedFile, FileDiff, WorktreeDiff
from quarterdeck.tui.widgets.diff_rows import DiffLine
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.row_list import Cell, ListRow, PagedRowList, RowList

FetchFiles = Callable[[str], Awaitable[WorktreeDiff]]
FetchFile = Callable[[str, str], Awaitable[FileDiff]]

LETTERS = {
    "added": ("A", "good"),
    "modified": ("M", "warning"),
    "deleted": ("D", "bad"),
    "renamed": ("R", "accent"),
    "untracked": ("?", "good"),
}


@dataclass(frozen=True, slots=True)
class Comment:
    """What a person says about a line."""

    path: str
    line: DiffLine
    text: str


class DiffPane(Container):
    """Fetches the list when a session is shown or has ended a turn, and a file when chosen."""

    @dataclass
    class Asked(Message):
        """A comment is to be typed; `then` takes it."""

        title: str
        then: Callable[[str], None]

    @dataclass
    class Written(Message):
        """The comments as a prompt, to be looked at and sent."""

        session_id: str
        text: str

    @dataclass
    class OpenFile(Message):
        """A file is to be opened at a line; the path is whole."""

        path: str
        number: int

    def __init__(
        self, fetch_files: FetchFiles, fetch_file: FetchFile, *, id: str | None = None
    ) -> None:
        """Show no session yet.

        Args:
            fetch_files: Takes a session's id.
            fetch_file: Takes a session's id and a path.
            id: The widget's id.
        """
        super().__init__(id=id)
        self._fetch_files, self._fetch_file = fetch_files, fetch_file
        self._session: SessionView | None = None
        self._of: tuple[str, str | None, bool] | None = None
        self._files: dict[str, ChangedFile] = {}
        self._path: str | None = None
        self._top = ""
        self._comments: dict[str, list[Comment]] = {}
        self._listing: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        """Lay out summary, files and the difference of one."""
        yield Static("", id="diff-summary", markup=False)
        yield PagedRowList(id="diff-files")
        yield DiffView(id="diff-text")

    @property
    def has_focus_within_text(self) -> bool:
        """Whether the difference, and not the list of files, has the focus."""
        return self.query_one(DiffView).has_focus

    def focus(self, scroll_visible: bool = True) -> "DiffPane":
        """Focus the list of files."""
        self.query_one(RowList).focus(scroll_visible)
        return self

    def follow(self, session: SessionView | None) -> None:
        """Show this session, or look again when a turn of it has ended."""
        before, self._session = self._session, session
        if session is None:
            self._of = None
            self._say("No session is selected.")
            self._list(())
            return
        wanted = (session.session_id, str(session.changes), session.state == "running")
        if wanted == self._of:
            return
        other = before is None or before.session_id != session.session_id
        self._of = wanted
        if other:
            self._path = None
            self._list(())
            self._say("Looking at the work tree …")
        self._cancel(self._listing)
        self._listing = asyncio.create_task(self._look(session.session_id), name="diff")

    def _cancel(self, task: "asyncio.Task[None] | None") -> None:
        if task is not None:
            task.cancel()

    def _say(self, words: str) -> None:
        self.query_one("#diff-summary", Static).update(Content(clean_line(words)))

    async def _look(self, session_id: str) -> None:
        try:
            found = await self._fetch_files(session_id)
        except QuarterdeckError as error:
            self._list(())
            self._say(f"{error.message} – {error.hint}")
            return
        files = found.files
        self._top = found.top
        added, removed = sum(f.added for f in files), sum(f.removed for f in files)
        count = f"{len(files)} or more" if found.more else str(len(files))
        words = f"{count} file{'' if count == '1' else 's'}, +{added} -{removed}"
        words += f" since {found.base[:10]}" if found.base else ""
        self._list(files)
        self._say(words if files else "Nothing differs from the base.")

    def _list(self, files: tuple[ChangedFile, ...]) -> None:
        self._files = {found.path: found for found in files}
        self.query_one(RowList).set_rows([_row(found) for found in files])
        if self._path not in self._files:
            self._path = None
        self._show_file(self._path or (files[0].path if files else None), again=True)

    def _show_file(self, path: str | None, *, again: bool = False) -> None:
        if path == self._path and not again:
            return
        afresh, self._path = path != self._path, path
        self._cancel(self._reading)
        if path is None or self._session is None:
            self.query_one(DiffView).show("")
            return
        reading = self._read(self._session.session_id, path, afresh)
        self._reading = asyncio.create_task(reading, name="diff file")

    async def _read(self, session_id: str, path: str, afresh: bool) -> None:
        view = self.query_one(DiffView)
        try:
            found = await self._fetch_file(session_id, path)
        except QuarterdeckError as error:
            view.show("", note=error.message)
            return
        note = "The file has no text that differs."
        view.show(found.text, note=note, afresh=afresh)
        self._mark()

    def _mark(self) -> None:
        own = self._comments.get(self._session.session_id, []) if self._session else []
        marked = frozenset(comment.line for comment in own if comment.path == self._path)
        self.query_one(DiffView).mark(marked)

    @on(RowList.Highlighted, "#diff-files")
    def _highlighted(self, message: RowList.Highlighted) -> None:
        message.stop()
        if message.key is not None:
            self._show_file(message.key)

    @on(RowList.Opened, "#diff-files")
    def _opened(self, message: RowList.Opened) -> None:
        message.stop()
        self.query_one(DiffView).focus()

    @on(DiffView.Commenting)
    def _commenting(self, message: DiffView.Commenting) -> None:
        message.stop()
        session, path = self._session, self._path
        if session is None or path is None:
            return
        line = message.line
        place = f"{path}:{line.new or line.old}"

        def said(text: str) -> None:
            self._comments.setdefault(session.session_id, []).append(Comment(path, line, text))
            self._mark()

        self.post_message(self.Asked(f"Comment on {clean_line(place)}", said))

    @on(DiffView.Sending)
    def _sending(self, message: DiffView.Sending) -> None:
        message.stop()
        if self._session is None:
            return
        comments = self._comments.pop(self._session.session_id, [])
        self._mark()
        if comments:
            self.post_message(self.Written(self._session.session_id, as_prompt(comments)))
        else:
            self.app.notify("There is no comment yet: m makes one.", markup=False)

    @on(DiffView.Opening)
    def _opening(self, message: DiffView.Opening) -> None:
        message.stop()
        if self._session is not None and self._path is not None:
            self.post_message(self.OpenFile(f"{self._top}/{self._path}", message.number))


def as_prompt(comments: list[Comment]) -> str:
    """Return comments as the text of a prompt, each with its place and the line it is about."""
    parts = ["About your changes:"]
    for comment in comments:
        line = comment.line
        place = f"{comment.path}:{line.new or line.old}"
        was = "" if line.new is not None else " (a line you removed)"
        parts.append(f"{place}{was}\n> {line.text.strip()}\n{comment.text}")
    return "\n\n".join(parts)


def _row(found: ChangedFile) -> ListRow:
    letter, look = LETTERS.get(found.status, ("?", "muted"))
    lines = "binary" if found.binary else f"+{found.added} -{found.removed}"
    name = f"{found.old_path} → {found.path}" if found.old_path else found.path
    cells = (Cell(f"{letter} ", look, 2), Cell(name), Cell(lines.rjust(12), "muted", 13))
    return ListRow(found.path, cells)
