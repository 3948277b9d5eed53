"""The inbox over all sessions, against a scripted supervisor (C5, DESIGN §5)."""

import contextlib
from collections.abc import AsyncIterator

from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.screens.inbox import InboxScreen
from quarterdeck.tui.screens.main import MainScreen
from quarterdeck.tui.widgets.row_list import RowList
from tests.support.piloting import screen_text, until, until_hidden, until_shown
from tests.support.scenes import SteppedClock, app_of
from tests.support.scripted_deck import ScriptedSupervisor, ago, approval, session, shell

LONG = "\n".join(f"echo step {n}" for n in range(1, 100))


def three_wait() -> ScriptedSupervisor:
    """Asked in the order make, rm, ls; rm is the riskiest, make older than ls."""
    box = ScriptedSupervisor()
    for number, (title, command) in enumerate(
        (("Build", "make all"), ("Tidy", "rm -rf build"), ("Look", "ls -l")), 1
    ):
        of = box.add(session(number, title=title, attention="waiting", state="waiting"))
        asked = approval(number, of, shell(command), created_at=ago(100 - number))
        box.ask(asked)
    return box


@contextlib.asynccontextmanager
async def inbox_on(
    box: ScriptedSupervisor, size: tuple[int, int] = (120, 30), *, settled: bool = True
) -> AsyncIterator[tuple[Pilot[None], SteppedClock]]:
    """Open the inbox; unless `settled` is false, the first question's 300 ms have passed."""
    clock = SteppedClock()
    async with app_of(box, clock).run_test(size=size, notifications=True) as pilot:
        await until_shown(pilot, "a answer")
        await pilot.press("I")
        await until(pilot, lambda: isinstance(pilot.app.screen, InboxScreen))
        await until_shown(pilot, "exact text")
        await pilot.pause()
        clock.now += settled
        yield pilot, clock


def order(pilot: Pilot[None]) -> list[str]:
    """Return the first letters of the approvals' ids as listed: their numbers."""
    return [row.key.lstrip("apr_0") for row in pilot.app.screen.query_one(RowList).rows]


def under_cursor(pilot: Pilot[None]) -> str:
    return (pilot.app.screen.query_one(RowList).selected or "").lstrip("apr_0")


def decided(box: ScriptedSupervisor) -> list[tuple[str, str]]:
    return [(c["approval_id"].lstrip("apr_0"), c["action"]) for c in box.called("decide")]


async def test_the_riskiest_stands_first_then_the_oldest():
    async with inbox_on(three_wait()) as (pilot, _):
        assert order(pilot) == ["2", "1", "3"]
        assert "rm -rf build" in screen_text(pilot.app)
        assert "the text holds rm" in screen_text(pilot.app)


async def test_one_key_decides_what_is_shown_and_goes_on_to_the_next():
    box = three_wait()
    async with inbox_on(box) as (pilot, clock):
        await pilot.press("d")
        await until(pilot, lambda: under_cursor(pilot) == "1")
        await until_shown(pilot, "make all")
        await pilot.pause()
        clock.now += 1
        await pilot.press("a")
        await until(pilot, lambda: under_cursor(pilot) == "3")
        await pilot.pause()
        clock.now += 1
        await pilot.press("s")
        await until_shown(pilot, "Nothing waits")
    assert decided(box) == [("2", "deny"), ("1", "approve"), ("3", "approve_session")]
    call, view = box.called("decide")[1], next(iter(box.approvals.values()))
    assert (call["run_id"], call["payload_sha256"]) == (view.run_id, view.payload_sha256)


async def test_the_next_one_has_to_stand_for_300_ms_too():
    box = three_wait()
    async with inbox_on(box) as (pilot, clock):
        await pilot.press("a")
        await until(pilot, lambda: under_cursor(pilot) == "1")
        await pilot.press("a")
        assert "one moment" in screen_text(pilot.app)
        clock.now += 0.31
        await pilot.press("n", "N")
        await pilot.press("a")
        await pilot.pause()
    assert decided(box) == [("2", "approve")]


async def test_nothing_is_decided_in_the_first_300_ms():
    box = three_wait()
    async with inbox_on(box, settled=False) as (pilot, _):
        for key in ("a", "s", "d", "x", "D"):
            await pilot.press(key)
            assert "one moment" in screen_text(pilot.app)
    assert box.called("decide") == []


async def test_a_new_question_never_moves_the_one_that_is_read():
    box = three_wait()
    async with inbox_on(box) as (pilot, _):
        await pilot.press("n")
        await until(pilot, lambda: under_cursor(pilot) == "1")
        of = box.add(session(4, title="Wipe", attention="waiting", state="waiting"))
        box.ask(approval(4, of, shell("sudo dd"), created_at=ago(500)))
        box.push()
        await until(pilot, lambda: "4" in order(pilot))
        assert order(pilot) == ["2", "1", "4", "3"]
        assert under_cursor(pilot) == "1"
        assert "make all" in screen_text(pilot.app)


async def test_what_was_settled_elsewhere_stays_under_the_cursor_and_says_so():
    box = three_wait()
    async with inbox_on(box) as (pilot, clock):
        key = list(box.approvals)[1]
        box.settle(key, "approved")
        box.push()
        await until_shown(pilot, "this was settled elsewhere: approved")
        clock.now += 1
        await pilot.press("a")
        assert order(pilot) == ["2", "1", "3"]
        await pilot.press("n")
        await until(pilot, lambda: order(pilot) == ["1", "3"])
    assert box.called("decide") == []


async def test_a_long_text_is_read_to_its_end_before_it_is_approved_or_selected():
    box = ScriptedSupervisor()
    of = box.add(session(1, title="Long", attention="waiting", state="waiting"))
    box.ask(approval(1, of, shell(LONG)))
    async with inbox_on(box) as (pilot, _):
        for key in ("a", "s", "space"):
            await pilot.press(key)
            assert "read to the end first" in screen_text(pilot.app)
        await pilot.press("G")
        await until_shown(pilot, "echo step 99")
        await pilot.pause()
        await pilot.press("a")
        await until_shown(pilot, "Nothing waits")
    assert decided(box) == [("1", "approve")]


async def test_several_that_were_read_are_decided_together():
    box = three_wait()
    async with inbox_on(box) as (pilot, clock):
        await pilot.press("space", "n")
        await until_shown(pilot, "make all")
        await pilot.pause()
        await pilot.press("space")
        await until_shown(pilot, "2 selected")
        await pilot.press("a")
        assert "one moment" in screen_text(pilot.app)
        clock.now += 1
        await pilot.press("a")
        await until(pilot, lambda: order(pilot) == ["3"])
    assert sorted(decided(box)) == [("1", "approve"), ("2", "approve")]


async def test_the_filter_narrows_the_list_as_one_types():
    async with inbox_on(three_wait()) as (pilot, _):
        await pilot.press("slash", *"look")
        await until(pilot, lambda: order(pilot) == ["3"])
        await until_shown(pilot, "ls -l")
        await pilot.press("enter", "escape")
        await until(pilot, lambda: order(pilot) == ["2", "1", "3"])
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_the_reason_of_a_denial_goes_with_it():
    box = three_wait()
    async with inbox_on(box) as (pilot, _):
        await pilot.press("D", *"not now", "enter")
        await until(pilot, lambda: box.called("decide"))
    assert box.called("decide")[0]["reason"] == "not now"
    assert decided(box) == [("2", "deny")]


async def test_a_reason_is_never_sent_for_another_question_than_it_was_typed_for():
    box = three_wait()
    async with inbox_on(box) as (pilot, _):
        await pilot.press("D", *"not now")
        rows = pilot.app.screen.query_one(RowList)
        rows.select(rows.rows[1].key)
        await until_shown(pilot, "make all")
        await pilot.press("enter")
        await pilot.pause()
    assert box.called("decide") == []


async def test_the_offered_rule_can_be_edited_before_it_is_taken():
    box = ScriptedSupervisor()
    of = box.add(session(1, title="Test", attention="waiting", state="waiting"))
    offer = {"option_id": "amend", "name": "allow", "kind": "amend", "prefix": "cargo test"}
    box.ask(approval(1, of, shell("cargo test --all"), options=[offer]))
    async with inbox_on(box) as (pilot, _):
        await until_shown(pilot, "p policy")
        await pilot.press("p")
        await until_shown(pilot, "cargo test")
        await pilot.press(*" -q", "enter")
        await until(pilot, lambda: box.called("decide"))
    assert box.called("decide")[0]["action"] == "approve_always"
    assert box.called("decide")[0]["prefix"] == "cargo test -q"


async def test_where_no_rule_is_offered_p_says_so():
    box = three_wait()
    async with inbox_on(box) as (pilot, _):
        assert "p policy" not in screen_text(pilot.app)
        await pilot.press("p")
        assert "no rule is offered" in screen_text(pilot.app)


async def test_a_refusal_is_told_by_its_name_after_going_on():
    box = three_wait()
    box.refusals["decide"] = [QuarterdeckError("stale", "it changed")]
    async with inbox_on(box) as (pilot, _):
        await pilot.press("a")
        await until_shown(pilot, "Tidy: not decided: it changed")
    assert decided(box) == [("2", "approve")]


async def test_a_recovery_is_answered_in_its_dialog():
    box = three_wait()
    of = box.add(session(4, title="Lost", attention="failed", state="failed_needs_human"))
    box.ask(
        approval(
            4,
            of,
            {"text": "lost"},
            kind="session_recovery_required",
            options=[{"option_id": "resume", "name": "Resume", "kind": "resume"}],
            created_at=ago(900),
        )
    )
    async with inbox_on(box) as (pilot, clock):
        assert under_cursor(pilot) == "4"
        await pilot.press("a")
        assert "enter opens them" in screen_text(pilot.app)
        await pilot.press("enter")
        await until_shown(pilot, "r resume")
        await pilot.pause()
        clock.now += 1
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, InboxScreen))
        await until_hidden(pilot, "Lost")
    assert box.called("decide")[0]["option"] == "resume"


async def test_all_of_it_works_in_80_by_24_and_a_tiny_terminal_cannot_approve():
    box = three_wait()
    async with inbox_on(box, (80, 24)) as (pilot, clock):
        assert "a approve once" in screen_text(pilot.app)
        assert "rm -rf build" in screen_text(pilot.app)
        await pilot.resize_terminal(60, 14)
        await pilot.pause()
        clock.now += 1
        await pilot.press("a")
        assert "too small" in screen_text(pilot.app)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        clock.now += 1
        await pilot.press("a")
        await until(pilot, lambda: box.called("decide"))


async def test_e_gives_the_text_all_the_room_and_back():
    async with inbox_on(three_wait(), (80, 24)) as (pilot, _):
        before = pilot.app.screen.query_one("#inbox-text").size.height
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.screen.query_one("#inbox-text").size.height > before)
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.screen.query_one(RowList).display)


async def test_a_gate_stands_first_and_is_passed_once_never_for_the_session():
    """D9: approved, denied or aborted; its title is no claim of an agent."""
    box = three_wait()
    of = box.add(session(4, title="Ship", attention="waiting", state="waiting"))
    told = {"kind": "gate", "gate": "merge", "stage": "review", "round": 1, "text": "merge it"}
    box.ask(approval(4, of, told, kind="gate", title="Merge", created_at=ago(500)))
    async with inbox_on(box) as (pilot, _):
        assert order(pilot)[0] == "4"
        await until_shown(pilot, "gate of the run")
        assert "own words" not in screen_text(pilot.app)
        assert "s session" not in screen_text(pilot.app)
        await pilot.press("s")
        await until_shown(pilot, "a gate is passed once")
        assert decided(box) == []
        await pilot.press("a")
        await until(pilot, lambda: decided(box) == [("4", "approve")])
