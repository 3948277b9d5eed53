"""What is left until an approval expires: said, and painted anew once a minute at most."""

from quarterdeck.tui.expiring import expiry_text, left_text, next_change
from quarterdeck.tui.folding import wrap
from quarterdeck.tui.widgets.approval_dock import ApprovalDock
from quarterdeck.tui.widgets.field_list import FieldList
from tests.support.piloting import until_shown
from tests.support.scenes import app_of
from tests.support.scripted_deck import NOW_MS, ScriptedSupervisor, ago, approval, session, shell


def test_what_is_left_is_said_in_minutes_then_hours():
    for seconds, told in ((30, "< 1 min"), (60, "1 min"), (725, "12 min"), (9000, "2 h")):
        assert left_text(ago(-seconds), NOW_MS) == told
    assert expiry_text(ago(-725), NOW_MS) == "expires in 12 min"
    assert expiry_text(None, NOW_MS) == ""
    assert expiry_text("no time", NOW_MS) == ""
    assert left_text(ago(5), NOW_MS) == "< 1 min"


def test_the_words_change_once_a_minute_at_most_and_then_no_more():
    assert next_change(None, NOW_MS) is None
    assert next_change(ago(-59), NOW_MS) is None
    seconds = next_change(ago(-725), NOW_MS)
    assert seconds is not None
    assert left_text(ago(-725), NOW_MS + round(seconds * 1000) - 2) == "12 min"
    assert left_text(ago(-725), NOW_MS + round(seconds * 1000)) == "11 min"
    for left in range(60, 20_000, 7):
        step = next_change(ago(-left), NOW_MS)
        assert step is not None
        after = next_change(ago(-left), NOW_MS + round(step * 1000))
        assert after is None or after > 55


async def test_the_dock_has_a_timer_only_while_what_it_shows_expires():
    box = ScriptedSupervisor()
    of = box.add(session(1, title="Build", attention="waiting", state="waiting"))
    view = box.ask(approval(1, of, shell("make"), expires_at=ago(-725)))
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "expires in 12 min")
        dock = pilot.app.screen.query_one(ApprovalDock)
        assert dock._timer is not None
        box.settle(view.approval_id, "approved")
        box.ask(approval(2, of, shell("make two")))
        box.push()
        await until_shown(pilot, "make two")
        assert dock._timer is None


async def test_a_rule_file_that_cannot_be_used_stands_in_the_status_bar():
    box = ScriptedSupervisor()
    box.rules_problem = "policy.toml:3: no valid TOML"
    box.add(session(1, title="Build"))
    for size in ((80, 24), (200, 50)):
        async with app_of(box).run_test(size=size) as pilot:
            await until_shown(pilot, "rules unusable: asking about all")
            await until_shown(pilot, "policy.toml:3: no valid TOML")


async def test_a_configuration_that_cannot_be_used_stands_there_too():
    box = ScriptedSupervisor()
    box.add(session(1, title="Build"))
    async with app_of(box).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "supervisor")
        box.config_problem = "config.toml: limits.cost_per_dya: Extra inputs are not permitted"
        box.push()
        await until_shown(pilot, "config.toml unusable: as before")
        await until_shown(pilot, "limits.cost_per_dya")


def test_values_are_wrapped_after_words_and_separators_and_lose_nothing():
    value = "no rule allows 'delete_issue' of the MCP server 'tracker' in this session"
    rows = wrap(value, 30)
    assert "".join(rows) == value
    assert all(len(row) <= 30 for row in rows)
    assert [row for row in rows[:-1] if not row.endswith(" ")] == []
    path = "/home/somebody/projects/quarterdeck/app/quarterdeck/supervisor"
    assert [row[-1] for row in wrap(path, 25)[:-1]] == ["/", "/"]
    assert wrap("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert wrap("", 10) == [""]
    assert "".join(wrap("日本語 " * 9, 7)) == "日本語 " * 9
    assert FieldList((("in", path),)).rows_at(36) == 3
