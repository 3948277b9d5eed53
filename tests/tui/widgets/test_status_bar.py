"""The top line where there is much to say and little room (issue 6)."""

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult

from quarterdeck.model.states import Attention
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.widgets.status_bar import StatusBar
from tests.support.piloting import screen_text
from tests.support.scripted_deck import session

EACH = {"waiting": 185, "failed": 426, "active": 308, "unknown": 81}


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield StatusBar("buildbox")


def many() -> Board:
    """Return a thousand sessions, which are not all."""
    views = []
    for attention, count in EACH.items():
        state = {"active": "running", "failed": "failed_needs_human"}.get(attention, attention)
        view = session(1, state=state, attention=Attention(attention))
        views += [replace(view, session_id=f"{attention}{number}") for number in range(count)]
    return Board(sessions=tuple(views), cut=True, fetched=True, link=LinkState.UP)


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (60, ""),
        (80, ""),
        (90, "first 1000"),
        (100, "first 1000 sessions"),
        (120, "first 1000 sessions"),
    ],
)
async def test_of_how_many_the_counts_are_is_said_whole_or_not_at_all(width: int, said: str):
    async with Host().run_test(size=(width, 3)) as pilot:
        pilot.app.query_one(StatusBar).show(many())
        await pilot.pause()
        line = screen_text(pilot.app).split("\n")[0]
        assert "✓ supervisor" in line
        extent = line.partition("unknown")[2].partition("✓")[0].strip()
        assert extent == said
