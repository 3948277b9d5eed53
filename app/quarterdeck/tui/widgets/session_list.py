"""The list of sessions: any number of rows, only those on the screen are drawn (DESIGN §7)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from quarterdeck.model.clock import now_ms
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.records import SessionView
from quarterdeck.tui.listed import Grouping, Header, ListedRow, Order, arranged, group_of
from quarterdeck.tui.widgets.cells import fit
from quarterdeck.tui.widgets.glyphs import UNICODE, Glyphs
from quarterdeck.tui.widgets.line_view import LineView
from quarterdeck.tui.widgets.session_cells import columns_for
from quarterdeck.tui.widgets.session_lines import Line, Shown, drawn, line_of


class SessionList(LineView):
    """Sessions in order and groups; the cursor stays on its session whatever moves around it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "session-list--cursor",
        "session-list--title",
        "session-list--agent",
        "session-list--header",
        "session-list--facts",
        "session-list--stale",
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
        & > .session-list--header { text-style: bold; }
        & > .session-list--facts { color: $text-muted; }
        & > .session-list--stale { color: $text-muted; }
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
        Binding("left", "fold(True)", "Fold", show=False),
        Binding("right", "fold(False)", "Unfold", show=False),
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

    @dataclass
    class EndReached(Message):
        """The person is at the last row and wants to go on."""

        session_list: "SessionList"

        @property
        def control(self) -> "SessionList":
            """The list."""
            return self.session_list

    @dataclass
    class Folded(Message):
        """Groups were folded or unfolded by the person."""

        session_list: "SessionList"
        folded: frozenset[str]

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
        host: str = "",
        **kwargs: Any,
    ) -> None:
        """Create an empty list.

        Args:
            clock: Returns Unix milliseconds, for the ages.
            glyphs: What the terminal can show.
            empty_text: Stands where rows would be.
            host: The name of the supervisor's machine, for the groups.
            **kwargs: The widget's own.
        """
        super().__init__(**kwargs)
        self._clock = clock
        self._glyphs = glyphs
        self._empty_text, self._host = empty_text, clean_line(host)
        self._sessions: Sequence[SessionView] = ()
        self._rows: Sequence[ListedRow] = ()
        self._order, self._grouping = Order.ATTENTION, Grouping.NONE
        self._folded: frozenset[str] = frozenset()
        self._stale = False
        self._cursor = 0
        self._now = clock()
        self._told: str | None = None
        self._painted: dict[int, Line] = {}

    @property
    def rows(self) -> Sequence[SessionView]:
        """The sessions as they were set."""
        return self._sessions

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor, 0 if there is none."""
        return self._cursor

    @property
    def selected(self) -> SessionView | None:
        """The session under the cursor; none if that is on a group's header."""
        row = self._under_cursor
        return row if isinstance(row, SessionView) else None

    @property
    def _under_cursor(self) -> ListedRow | None:
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
        self._sessions = tuple(rows)
        self._now = self._clock()
        self._arrange()

    def set_arrangement(self, order: Order, grouping: Grouping, folded: Collection[str]) -> None:
        """Sort and group the sessions; of the groups in `folded` only the headers are shown."""
        wanted = (order, grouping, frozenset(folded))
        if wanted != (self._order, self._grouping, self._folded):
            self._order, self._grouping, self._folded = wanted
            self._arrange()

    def say_stale(self, stale: bool) -> None:
        """Tell whether the states shown may no longer be true."""
        if stale != self._stale:
            self._stale = stale
            self._repaint_changed()

    def _arrange(self) -> None:
        current = self._under_cursor
        was_empty = not self._rows
        in_view = self.top <= self._cursor < self.top + max(1, self.page)
        self._rows = arranged(self._sessions, self._order, self._grouping, self._folded, self._host)
        self._cursor = self._place_of(current)
        self.set_line_count(len(self._rows))
        if in_view:
            self.bring_into_view(self._cursor)
        if was_empty or not self._rows:
            self.refresh()
        else:
            self._repaint_changed()
        self._tell_highlighted()

    def select(self, session_id: str) -> bool:
        """Put the cursor on a session, out of a folded group too; return whether it is there."""
        wanted = next((row for row in self._sessions if row.session_id == session_id), None)
        if wanted is None:
            return False
        self._fold(self._group_of(wanted), False)
        self._move_to(next(i for i, row in enumerate(self._rows) if row is wanted))
        return True

    def refresh_ages(self) -> None:
        """Repaint the lines whose age reads differently by now."""
        self._now = self._clock()
        self._repaint_changed()

    def _place_of(self, row: ListedRow | None) -> int:
        """Return where a row that was there before is now, its header if its group was folded."""
        rows = self._rows
        place = min(self._cursor, max(0, len(rows) - 1))
        if row is None or not rows or _key(rows[place]) == _key(row):
            return place
        wanted = _key(row)
        for index, other in enumerate(rows):
            if _key(other) == wanted:
                return index
        group = self._group_of(row) if isinstance(row, SessionView) else ""
        heads = (
            i for i, r in enumerate(rows) if isinstance(r, Header) and r.folded and r.key == group
        )
        return next(heads, place)

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
        if old == index == len(self._rows) - 1:
            self.tell(self.EndReached(self))
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

    def _line(self, y: int) -> Line:
        columns = columns_for(self.line_width)
        shown = Shown(self._glyphs, columns, self._now, self._stale)
        return line_of(self._rows[y], shown, cursor=y == self._cursor)

    def painted_line(self, y: int) -> Strip:
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
        parts = drawn(line, width, self._glyphs, self._look_of)
        return Strip(parts).adjust_cell_length(width, self.look())

    def _look_of(self, *names: str) -> Style:
        return self.look(*(f"session-list--{name}" for name in names))

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
        """Open the session under the cursor; fold or unfold the group of a header."""
        row = self._under_cursor
        if isinstance(row, SessionView):
            self.tell(self.Opened(self, row))
        elif row is not None:
            self._fold(row.key, not row.folded)

    def action_fold(self, folded: bool) -> None:
        """Fold or unfold the group under the cursor; with none, scroll nowhere."""
        row = self._under_cursor
        if row is not None and self._grouping is not Grouping.NONE:
            key = row.key if isinstance(row, Header) else self._group_of(row)
            self._fold(key, folded)

    def _group_of(self, session: SessionView) -> str:
        return group_of(session, self._grouping, self._host)

    def _fold(self, key: str, folded: bool) -> None:
        wanted = self._folded | {key} if folded else self._folded - {key}
        if wanted != self._folded:
            self.set_arrangement(self._order, self._grouping, wanted)
            self.tell(self.Folded(self, self._folded))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row, or open the one under it; a header folds at once."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.top
        if index >= len(self._rows):
            return
        event.stop()
        if index == self._cursor or isinstance(self._rows[index], Header):
            self._move_to(index)
            self.action_open()
        else:
            self._move_to(index)

    def on_resize(self) -> None:
        """Keep the cursor on the screen when that gets smaller."""
        self.bring_into_view(self._cursor)


def _key(row: ListedRow) -> tuple[str, str]:
    return ("group", row.key) if isinstance(row, Header) else ("session", row.session_id)
