"""The list of sessions: any number of rows, only those on the screen are drawn (DESIGN §7)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from quarterdeck.model.clock import now_ms
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import Attention
from quarterdeck.tui.widgets.ages import age_text
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.glyphs import UNICODE, Glyphs, state_word
from quarterdeck.tui.widgets.line_view import LineView


class _Columns(NamedTuple):
    agent: int
    status: int
    needs: int
    with_age: bool


# From the widest: the least width of the list, and the cells each column then has.
_COLUMNS: tuple[tuple[int, _Columns], ...] = (
    (100, _Columns(16, 12, 12, True)),
    (64, _Columns(10, 12, 12, True)),
    (46, _Columns(0, 12, 12, True)),
    (31, _Columns(0, 12, 0, True)),
    (0, _Columns(0, 8, 0, False)),
)


class _Line(NamedTuple):
    """Everything a line shows: equal lines need no repaint."""

    attention: str
    title: str
    agent: str
    status: str
    age: str
    needs: str
    cursor: bool


class SessionList(LineView):
    """Sessions in the order given, a cursor that stays on its session whatever moves around it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "session-list--cursor",
        "session-list--title",
        "session-list--agent",
        "session-list--age",
        "session-list--needs",
        "session-list--empty",
        "session-list--waiting",
        "session-list--failed",
        "session-list--active",
        "session-list--unread",
        "session-list--read",
        "session-list--unknown",
    }
    DEFAULT_CSS = """
    SessionList {
        & > .session-list--cursor { background: $surface-lighten-2; text-style: bold; }
        & > .session-list--agent { color: $text-muted; }
        & > .session-list--age { color: $text-muted; }
        & > .session-list--needs { color: $text-warning; }
        & > .session-list--empty { color: $text-muted; }
        & > .session-list--waiting { color: $text-warning; text-style: bold; }
        & > .session-list--failed { color: $text-error; text-style: bold; }
        & > .session-list--active { color: $text-success; }
        & > .session-list--unread { text-style: bold; }
        & > .session-list--read { color: $text-muted; }
        & > .session-list--unknown { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("home,g", "go_to(0)", "First", show=False),
        Binding("end,G", "go_to(-1)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    @dataclass
    class Highlighted(Message):
        """Another session, or none, is under the cursor."""

        session_list: "SessionList"
        session: SessionView | None

        @property
        def control(self) -> "SessionList":
            """The list."""
            return self.session_list

    @dataclass
    class Opened(Message):
        """The session under the cursor was opened."""

        session_list: "SessionList"
        session: SessionView

        @property
        def control(self) -> "SessionList":
            """The list."""
            return self.session_list

    def __init__(
        self,
        *,
        clock: Callable[[], int] = now_ms,
        glyphs: Glyphs = UNICODE,
        empty_text: str = "No sessions",
        **kwargs: Any,
    ) -> None:
        """Create an empty list.

        Args:
            clock: Returns Unix milliseconds, for the ages.
            glyphs: What the terminal can show.
            empty_text: Stands where rows would be.
            **kwargs: The widget's own.
        """
        super().__init__(**kwargs)
        self._clock = clock
        self._glyphs = glyphs
        self._empty_text = empty_text
        self._rows: Sequence[SessionView] = ()
        self._cursor = 0
        self._now = clock()
        self._told: str | None = None
        self._painted: dict[int, _Line] = {}

    @property
    def rows(self) -> Sequence[SessionView]:
        """The rows as they were set."""
        return self._rows

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor, 0 if there is none."""
        return self._cursor

    @property
    def selected(self) -> SessionView | None:
        """The session under the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    @property
    def empty_text(self) -> str:
        """What stands where rows would be."""
        return self._empty_text

    @empty_text.setter
    def empty_text(self, text: str) -> None:
        self._empty_text = text
        if not self._rows:
            self.refresh()

    def set_rows(self, rows: Sequence[SessionView]) -> None:
        """Show `rows`; the cursor stays on its session, or at its place if that is gone.

        Only lines of the screen that now look different are repainted.
        """
        current = self.selected
        was_empty = not self._rows
        in_view = self.top <= self._cursor < self.top + max(1, self.page)
        self._rows = tuple(rows)
        self._cursor = self._place_of(current, rows)
        self._now = self._clock()
        self.set_line_count(len(rows))
        if in_view:
            self.bring_into_view(self._cursor)
        if was_empty or not rows:
            self.refresh()
        else:
            self._repaint_changed()
        self._tell_highlighted()

    def select(self, session_id: str) -> bool:
        """Put the cursor on a session; return whether it is in the list."""
        for index, row in enumerate(self._rows):
            if row.session_id == session_id:
                self._move_to(index)
                return True
        return False

    def refresh_ages(self) -> None:
        """Repaint the lines whose age reads differently by now."""
        self._now = self._clock()
        self._repaint_changed()

    def _place_of(self, session: SessionView | None, rows: Sequence[SessionView]) -> int:
        place = min(self._cursor, max(0, len(rows) - 1))
        if session is None or not rows or rows[place].session_id == session.session_id:
            return place
        wanted = session.session_id
        return next((i for i, row in enumerate(rows) if row.session_id == wanted), place)

    def _repaint_changed(self) -> None:
        end = self.top + self.page
        painted = {y: line for y, line in self._painted.items() if self.top <= y < end}
        self._painted = painted
        for y in range(self.top, end):
            if y >= len(self._rows):
                if painted.pop(y, None) is not None:
                    self.refresh_span(y, y + 1)
            elif painted.get(y) != self._line(y):
                self.refresh_span(y, y + 1)

    def _move_to(self, index: int) -> None:
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        old, self._cursor = self._cursor, index
        if old != index:
            self.refresh_span(old, old + 1)
            self.refresh_span(index, index + 1)
        self.bring_into_view(index)
        self._tell_highlighted()

    def _tell_highlighted(self) -> None:
        session = self.selected
        session_id = session.session_id if session else None
        if session_id != self._told:
            self._told = session_id
            self.tell(self.Highlighted(self, session))

    def _line(self, y: int) -> _Line:
        row = self._rows[y]
        needs: list[str] = []
        if row.open_approvals:
            needs.append(f"{row.open_approvals} approval{'s' if row.open_approvals != 1 else ''}")
        if row.queued:
            needs.append(f"{row.queued} queued")
        return _Line(
            attention=row.attention,
            title=row.title or row.session_id,
            agent=row.agent,
            status=row.state,
            age=age_text(row.state_since, self._now),
            needs=", ".join(needs),
            cursor=y == self._cursor,
        )

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width = self.line_width
        index = y + self.top
        if index >= len(self._rows):
            if y == 0 and not self._rows:
                text = fit(clean_line(self._empty_text), width, ellipsis=self._glyphs.ellipsis)
                return Strip([Segment(text, self.look("session-list--empty"))], width)
            return Strip.blank(width, self.look())
        line = self._line(index)
        self._painted[index] = line
        return self._draw(line, width)

    def _draw(self, line: _Line, width: int) -> Strip:
        columns = next(columns for least, columns in _COLUMNS if width >= least)
        glyphs = self._glyphs
        over = ("session-list--cursor",) if line.cursor else ()

        def part(name: str, text: str, cells: int) -> Segment:
            style = self.look(f"session-list--{name}", *over)
            safe = fit(clean_line(text[: cells * 8 + 8]), cells, ellipsis=glyphs.ellipsis)
            return Segment(safe, style)

        known = line.attention in Attention.__members__.values()
        tone = line.attention if known else Attention.UNKNOWN.value
        fixed = columns.status + (columns.agent + 1 if columns.agent else 0)
        fixed += columns.needs + 1 if columns.needs else 0
        title_cells = max(0, width - fixed - 4)
        parts = [
            part(tone, glyphs.cursor if line.cursor else " ", 1),
            part(tone, glyphs.for_attention(line.attention) + " ", 2),
            part(
                tone if tone in (Attention.READ, Attention.UNREAD) else "title",
                line.title,
                title_cells,
            ),
            part("title", " ", 1),
        ]
        if columns.agent:
            parts.append(part("agent", line.agent, columns.agent + 1))
        word = state_word(line.status)
        if columns.with_age:
            parts.append(part(tone, word, 9))
            parts.append(part("age", line.age, columns.status - 9))
        else:
            parts.append(part(tone, word, columns.status))
        if columns.needs:
            parts.append(part("needs", " " + line.needs, columns.needs + 1))
        return Strip(parts).adjust_cell_length(width, self.look())

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._move_to(self._cursor + by)

    def action_move_page(self, by: int) -> None:
        """Move the cursor by some screens."""
        self._move_to(self._cursor + by * max(1, self.page - 1))

    def action_go_to(self, index: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self._move_to(index if index >= 0 else len(self._rows) - 1)

    def action_open(self) -> None:
        """Open the session under the cursor."""
        session = self.selected
        if session is not None:
            self.tell(self.Opened(self, session))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row, or open the one that is under it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.top
        if index >= len(self._rows):
            return
        event.stop()
        if index == self._cursor:
            self.action_open()
        else:
            self._move_to(index)

    def on_resize(self) -> None:
        """Keep the cursor on the screen when that gets smaller."""
        self.bring_into_view(self._cursor)
