"""Keys pressed while the questions change: nothing is decided that was not on the screen (§5)."""

import dataclasses
import os
import random

from textual import events
from textual.pilot import Pilot

from quarterdeck.model.records import ApprovalView
from quarterdeck.tui.dialogs.approval import ApprovalDialog
from quarterdeck.tui.widgets.row_list import RowList
from tests.support.piloting import screen_text, until, until_shown
from tests.support.scripted_deck import ScriptedSupervisor, ago, approval, shell
from tests.tui.test_approval_dialog import dialog_on, one_waits
from tests.tui.test_inbox import decided, inbox_on, order, three_wait, under_cursor

ROUNDS = max(int(os.environ.get("QUARTERDECK_RACE_ROUNDS", "10000")) * 2 // 100, 1)
SEED = int(os.environ.get("QUARTERDECK_RACE_SEED", "20"))
KEYS = "aaaaasddx nnN G"
SIZES = ((120, 30), (80, 24), (100, 20), (60, 14))


class Inbox:
    """A supervisor whose questions change under the keys, and what stood on the screen."""

    def __init__(self, box: ScriptedSupervisor, chance: random.Random) -> None:
        self.box, self.chance = box, chance
        self.number = 10
        self.seen: dict[str, set[str]] = {}
        """By approval, the hashes of its texts whose end has been on the screen."""
        self._known: dict[tuple[str, str], ApprovalView] = {}

    def ask(self) -> None:
        self.number += 1
        chance = self.chance
        lines = chance.choice((1, 1, 1, 40))
        text = "\n".join(f"step {self.number}.{n}.end" for n in range(lines))
        self.box.ask(
            approval(self.number, self.box.sessions[0], shell(text), created_at=ago(self.number))
        )

    def change(self) -> None:
        """Replace, settle or add a question, and say so."""
        chance, box = self.chance, self.box
        pending = [v for v in box.approvals.values() if v.state == "pending"]
        if len(pending) < 4:
            self.ask()
        elif (how := chance.random()) < 0.4:
            box.settle(chance.choice(pending).approval_id, "approved")
        elif how < 0.8:
            old = chance.choice(pending)
            self.number += 1
            new = approval(self.number, box.sessions[0], shell(f"step {self.number}.0.end"))
            new = dataclasses.replace(new, approval_id=old.approval_id, created_at=old.created_at)
            box.approvals[old.approval_id] = new
        if chance.random() < 0.8:
            box.push()

    def look(self, pilot: Pilot[None]) -> None:
        """Note whose text's end stands on the screen."""
        shown = screen_text(pilot.app)
        for view in self.texts:
            if view.subject.splitlines()[-1] in shown:
                self.seen.setdefault(view.approval_id, set()).add(view.payload_sha256)

    @property
    def texts(self) -> list[ApprovalView]:
        """Every question that was ever put, as it was put."""
        for view in self.box.approvals.values():
            self._known[view.approval_id, view.payload_sha256] = view
        return list(self._known.values())


async def test_whatever_changes_under_the_keys_only_shown_texts_are_approved() -> None:
    """Red if `Deciding.send` sends the newest hash, or `why_not` does not ask the arming."""
    print(f"QUARTERDECK_RACE_SEED={SEED} rounds: {ROUNDS}")
    chance, box = random.Random(SEED), three_wait()
    inbox = Inbox(box, chance)
    async with inbox_on(box) as (pilot, clock):
        for _ in range(ROUNDS):
            for _ in range(chance.randint(1, 3)):
                inbox.change()
            if chance.random() < 0.05:
                await pilot.resize_terminal(*chance.choice(SIZES))
            if chance.random() < 0.7:
                await pilot.pause()
                clock.now += chance.choice((0.1, 0.5, 0.5))
            inbox.look(pilot)
            key = chance.choice(KEYS)
            before = len(box.called("decide"))
            await pilot.press("space" if key == " " else key)
            inbox.look(pilot)
            for call in box.called("decide")[before:]:
                if call["action"].startswith("approve"):
                    known = inbox.seen.get(call["approval_id"], set())
                    assert call["payload_sha256"] in known, (call, screen_text(pilot.app))
    approved = [c for c in box.called("decide") if c["action"].startswith("approve")]
    assert len(approved) > ROUNDS // 40
    assert len({c["token"] for c in box.called("decide")}) == len(box.called("decide"))


async def test_a_key_held_down_decides_one_question_and_not_the_next_one() -> None:
    """Red without the `changed()` of `Deciding.key_refused`."""
    box = three_wait()
    async with inbox_on(box) as (pilot, clock):
        for _ in range(40):
            await pilot.press("a")
            await pilot.pause()
            clock.now += 0.033
        assert decided(box) == [("2", "approve")]
        clock.now += 0.31
        await pilot.press("a")
        await until(pilot, lambda: len(decided(box)) == 2)


async def test_a_key_for_what_was_selected_never_decides_what_is_shown_instead() -> None:
    """Red without `_fewer_chosen`: the selected one is settled elsewhere as the key comes."""
    box = three_wait()
    async with inbox_on(box) as (pilot, clock):
        await pilot.press("space", "n")
        await until(pilot, lambda: under_cursor(pilot) == "1")
        await until_shown(pilot, "make all")
        await pilot.pause()
        clock.now += 1
        box.settle(list(box.approvals)[1], "approved")
        box.push()
        await until(pilot, lambda: order(pilot) == ["1", "3"])
        clock.now += 1
        await pilot.press("a")
        assert "press again" in screen_text(pilot.app)
        assert box.called("decide") == []
        await pilot.press("a")
        await until(pilot, lambda: decided(box) == [("1", "approve")])


async def test_pasted_text_decides_nothing() -> None:
    box = one_waits()
    async with dialog_on(box) as (pilot, _):
        pilot.app.post_message(events.Paste("a\ns\nd"))
        await pilot.pause()
        assert isinstance(pilot.app.screen, ApprovalDialog)
        await pilot.press("D")
        pilot.app.post_message(events.Paste("because\na\n"))
        await pilot.pause()
        assert isinstance(pilot.app.screen, ApprovalDialog)
        assert box.called("decide") == []


async def test_a_click_on_another_row_has_to_settle_before_a_key_decides_it() -> None:
    box = three_wait()
    async with inbox_on(box) as (pilot, clock):
        pilot.app.screen.query_one(RowList).select(list(box.approvals)[2])
        await pilot.press("a")
        assert box.called("decide") == []
        await until_shown(pilot, "ls -l")
        await pilot.pause()
        clock.now += 1
        await pilot.press("a")
        await until(pilot, lambda: decided(box) == [("3", "approve")])
