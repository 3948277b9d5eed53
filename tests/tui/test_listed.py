"""The order and the groups of the session list (A9, A10)."""

import dataclasses

import pytest

from quarterdeck.model.records import SessionView
from quarterdeck.tui.listed import Grouping, Header, Order, arranged, calm
from tests.support.scripted_deck import ago, session

WAITS = session(1, title="beta", attention="waiting", agent="claude", project="/srv/api")
FAILED = session(2, title="Alpha", attention="failed", agent="opencode", project="/srv/web")
CALM = session(3, title="gamma", agent="claude", project="/srv/api", last_activity=ago(1))
PINNED = session(4, title="omega", agent="zed", project="/srv/web", pinned=True)
BOARD = (WAITS, FAILED, PINNED, CALM)


@pytest.mark.parametrize(
    ("order", "titles"),
    [
        (Order.ATTENTION, "beta Alpha omega gamma"),
        (Order.ACTIVITY, "omega gamma beta Alpha"),
        (Order.TITLE, "omega Alpha beta gamma"),
        (Order.AGENT, "omega beta gamma Alpha"),
    ],
)
def test_what_waits_comes_first_in_attention_order_and_pins_on_top_of_the_others(order, titles):
    rows = arranged(BOARD, order, Grouping.NONE, ())
    assert [row.title for row in rows if not isinstance(row, Header)] == titles.split()


def test_working_sessions_keep_their_places_while_they_write():
    """A9, A10: the order is that of attention; who works stands by when that began."""
    first = session(5, attention="active", state_since=ago(9), last_activity=ago(0))
    second = session(6, attention="active", state_since=ago(3), last_activity=ago(1))
    pinned = session(7, attention="active", state_since=ago(30), pinned=True)
    assert calm((WAITS, first, second, pinned, CALM)) == (WAITS, pinned, second, first, CALM)
    assert calm((WAITS, pinned, second, first, CALM)) == (WAITS, pinned, second, first, CALM)


def test_groups_stand_in_the_order_of_their_most_pressing_session_and_count_by_attention():
    rows = arranged(BOARD, Order.ATTENTION, Grouping.PROJECT, ())
    api, web = (row for row in rows if isinstance(row, Header))
    assert [rows.index(api), rows.index(WAITS), rows.index(CALM)] == [0, 1, 2]
    assert [rows.index(web), rows.index(FAILED), rows.index(PINNED)] == [3, 4, 5]
    assert (api.label, api.total, api.counts) == ("api", 2, (("waiting", 1), ("read", 1)))


def test_of_a_folded_group_only_the_header_is_shown():
    rows = arranged(BOARD, Order.ATTENTION, Grouping.AGENT, {"claude"})
    shown = [row.label if isinstance(row, Header) else row.title for row in rows]
    assert shown == ["claude", "opencode", "Alpha", "zed", "omega"]


def test_sessions_are_grouped_by_the_host_they_name_else_the_supervisors():
    @dataclasses.dataclass(slots=True)
    class Placed(SessionView):
        host: str = ""

    elsewhere = Placed(**dataclasses.asdict(FAILED), host="farm")
    unsaid = Placed(**dataclasses.asdict(PINNED))
    rows = arranged((WAITS, elsewhere, unsaid), Order.ATTENTION, Grouping.HOST, (), "buildbox")
    shown = [row.label if isinstance(row, Header) else row.title for row in rows]
    assert shown == ["buildbox", "beta", "omega", "farm", "Alpha"]


def test_an_attention_from_a_newer_supervisor_is_counted_last():
    odd = dataclasses.replace(CALM, attention="curious")
    (header, *_) = arranged((odd, WAITS), Order.ATTENTION, Grouping.PROJECT, ())
    assert isinstance(header, Header)
    assert header.counts == (("waiting", 1), ("curious", 1))
