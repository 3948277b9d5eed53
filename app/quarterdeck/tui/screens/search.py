"""Searching all stored events; what was found opens in the trace."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.search_hit import SearchHit
from quarterdeck.tui.keys import Where, bindings, keys_of
from quarterdeck.tui.link import Link, reason_of
from quarterdeck.tui.search_terms import Terms, read_terms
from quarterdeck.tui.styles import dialog_styles
from quarterdeck.tui.widgets.ages import age_text
from quarterdeck.tui.widgets.glyphs import event_word
from quarterdeck.tui.widgets.key_line import KeyHint, KeyLine
from quarterdeck.tui.widgets.row_list import Cell, ListRow, PagedRowList, RowList

PAGE_ROWS = 50
ASKS = 'words, “quoted phrases” as "a b", begin* – all must be found'
NARROWS = "agent:opencode type:error since:7d until:2026-11-20 project:NAME session:ID"
NOTHING_YET = "Type words and press enter"


class SearchScreen(Screen[SearchHit | None]):
    """A line of words and what they find, newest first; returns the hit that was opened."""

    CSS_PATH = dialog_styles()
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.SEARCH)
    AUTO_FOCUS = "Input"
    PLACES: ClassVar[tuple[Where, ...]] = (Where.SEARCH,)

    def __init__(
        self, link: Link, *, clock: Callable[[], int], projects: Sequence[str] = ()
    ) -> None:
        """Search over `link`; `clock` gives Unix milliseconds, `projects` can be named in short."""
        super().__init__()
        self._link, self._clock, self._projects = link, clock, projects
        self._terms = Terms("")
        self._hits: list[SearchHit] = []
        self._cursor: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out words, results and keys."""
        yield Static("Search", id="search-head", markup=False)
        words = Input(placeholder=ASKS, compact=True, select_on_focus=False, id="search-words")
        words.cursor_blink = False
        yield words
        yield Static(NARROWS, id="search-terms", markup=False)
        yield PagedRowList(empty_text=NOTHING_YET, id="search-hits")
        yield Static("", id="search-hint", markup=False)
        yield KeyLine(gap=2, id="search-keys")

    def on_mount(self) -> None:
        """Show the keys."""
        self.query_one(KeyLine).show([KeyHint.of(entry) for entry in keys_of(Where.SEARCH)])

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            try:
                self._terms = read_terms(event.value, self._projects)
            except QuarterdeckError as error:
                self._say(reason_of(error), bad=True)
                return
            self._cursor = None
            self._fetch()

    def action_more(self) -> None:
        """Fetch the next page of results."""
        if self._cursor is not None:
            self._fetch()

    def _fetch(self) -> None:
        self.run_worker(self._search(self._terms, self._cursor), group="search", exclusive=True)

    async def _search(self, terms: Terms, cursor: str | None) -> None:
        self._say("searching")
        try:
            deck = self._link.deck
            hits, self._cursor = await deck.search(
                terms.words,
                session_id=terms.session,
                project=terms.project,
                agent=terms.agent,
                types=terms.types,
                since=terms.since,
                until=terms.until,
                cursor=cursor,
                limit=PAGE_ROWS,
            )
        except QuarterdeckError as error:
            self._say(reason_of(error), bad=True)
            return
        self._hits = hits if cursor is None else [*self._hits, *hits]
        now = self._clock()
        rows = self.query_one(RowList)
        rows.say_empty("Nothing was found")
        rows.set_rows([_row(place, hit, now) for place, hit in enumerate(self._hits)])
        more = ", m fetches more" if self._cursor else ""
        self._say(f"{len(self._hits)} found{more}" if self._hits else "")
        if self._hits and cursor is None:
            rows.focus()

    def _say(self, text: str, *, bad: bool = False) -> None:
        hint = self.query_one("#search-hint", Static)
        hint.set_class(bad, "-bad")
        hint.update(Content(clean_line(text)))

    @on(RowList.Opened)
    def _opened(self, event: RowList.Opened) -> None:
        self.dismiss(self._hits[int(event.key)])

    def action_line(self) -> None:
        """Go back to the words."""
        self.query_one(Input).focus()

    def action_leave(self) -> None:
        """Leave the search."""
        self.dismiss(None)


def _row(place: int, hit: SearchHit, now_ms: int) -> ListRow:
    return ListRow(
        str(place),
        (
            Cell(age_text(hit.at, now_ms), "muted", 5),
            Cell(event_word(hit.type), "accent", 9),
            Cell(hit.session_title or hit.session_id, "text", 22),
            Cell("", "text", 1),
            Cell(hit.snippet, "muted"),
        ),
    )
