"""Races, each about one approval, in an order of transactions that a seed decides.

`python -m tests.supervisor.decision_orders SEED RACES FOLDER` runs them and prints their counts.

Screens decide through the very objects that the approval dialog and the inbox decide with
(`Deciding`, on what `question` made of the fetched view), against the real store and methods.
Meanwhile the agent takes its question back, asks another one under the same id for the same tool
call, ends its turn or dies; the turn is cancelled, the session closed, the question expires.
"""

import asyncio
import dataclasses
import json
import random
import sys
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.client.deck import Deck
from quarterdeck.model.canonical import sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import ApprovalView, DecisionView
from quarterdeck.model.states import Action
from quarterdeck.tui.board import Board, LinkState
from quarterdeck.tui.dialogs.deciding import Deciding, verdict
from quarterdeck.tui.dialogs.question import question
from quarterdeck.tui.link import Link
from tests.support.one_process import Asked, OneProcess
from tests.support.scenes import SteppedClock

ACTIONS = (Action.APPROVE, Action.APPROVE, Action.APPROVE_SESSION, Action.DENY, Action.ABORT)
APPROVED = ("approve", "approve_session")


class OneLink(Link):
    """A link whose answers get lost now and then: what was sent is sent again, by its token."""

    def __init__(self, deck: "LossyDeck") -> None:
        self._only = deck

    @property
    def deck(self) -> Deck:
        return self._only

    async def wait_for_next(self) -> None:
        """The next connection is there at once."""


class LossyDeck(Deck):
    """A client's connection that loses the answer to the next decision if told so."""

    def __init__(self, behind: Deck) -> None:
        self._behind = behind
        self.lose = False
        self.lost: dict[str, str] = {}
        """By token, the decision of which the client was not told."""

    async def call(self, method: str, **params: Any) -> Any:
        answer = await self._behind.call(method, **params)
        if self.lose and method == "approval.decide":
            self.lose = False
            self.lost[params["token"]] = answer["decision_id"]
            raise QuarterdeckError("unreachable", "the answer was lost")
        return answer


@dataclass
class Record:
    """What screens were told, and how often what happened."""

    told: dict[str, list[tuple[DecisionView, str]]] = field(default_factory=dict)
    """By approval: decisions acknowledged, each with the text that was on the screen."""
    counts: Counter[str] = field(default_factory=Counter)


class Screen:
    """One person's screen: what it shows, and keys."""

    def __init__(self, one: OneProcess, name: str, record: Record) -> None:
        self.one, self.record = one, record
        self.deck = LossyDeck(one.deck(name))
        self.clock = SteppedClock()

    async def board(self) -> Board:
        views = tuple(await self.deck.approvals())
        return Board(approvals=views, link=LinkState.UP, fetched=True)

    def show(self, view: ApprovalView, board: Board) -> Deciding:
        """Show a question of a board until its end was seen and its keys are armed."""
        shown = Deciding(
            question(view, 0), OneLink(self.deck), clock=self.clock, on_state=self._heard
        )
        shown.see(board)
        shown.arming.changed()
        shown.arming.end_on_screen()
        self.clock.now += 1
        return shown

    def _heard(self, text: str, bad: bool) -> None:
        self.record.counts["refused" if bad else "sent again"] += 1

    async def press(self, shown: Deciding, action: Action, *, look: bool, lose: bool) -> None:
        """Press a key; the board may have changed at that moment, or the answer get lost."""
        if look:
            shown.see(await self.board())
        if shown.why_not(action) is not None:
            self.record.counts["key refused"] += 1
            return
        shown.sending, self.deck.lose = True, lose
        wanted = verdict(action)
        made = await shown.send(wanted)
        lost = self.deck.lost.pop(wanted.token, None)
        assert lost is None or (made and made.decision_id == lost), "a repeat was told otherwise"
        if made is None:
            return
        self.record.told.setdefault(made.approval_id, []).append((made, shown.asked.text))
        found = self.one.query("SELECT * FROM decisions WHERE decision_id = ?", made.decision_id)
        assert len(found) == 1, "acknowledged, but not in the database"
        assert found[0]["payload_sha256"] == sha256(shown.view.payload)
        assert found[0]["action"] == action

    async def press_other(self, view: ApprovalView, number: int) -> None:
        """Decide on something other than what is asked: nothing may come of it."""
        run_id, told = view.run_id, sha256(f"{view.payload} ")
        if number % 3 == 0:
            run_id, told = "run_" + "0" * 32, view.payload_sha256
        try:
            await self.deck.decide(
                view.approval_id,
                run_id=run_id,
                payload_sha256=told,
                action="approve",
                token=f"another-{number}",
            )
        except QuarterdeckError as error:
            assert error.code == "stale", error
            self.record.counts["stale"] += 1
            return
        raise AssertionError("a decision about another text was applied")


class Races:
    """The rounds of one seed."""

    def __init__(self, one: OneProcess, chance: random.Random) -> None:
        self.one, self.chance = one, chance
        self.record = Record()
        self.screens = [Screen(one, name, self.record) for name in ("ann", "bob")]
        self.asked: list[Asked] = []
        self.number = self.raced = 0

    async def ready(self) -> None:
        """Bring the agent into a turn, with nothing asked."""
        await self.one.settle()
        while self.one.state() != "running":
            assert self.one.state() in ("idle", "closed"), self.one.state()
            await self.screens[0].deck.send(self.one.session_id, "go on")
            await self.one.settle()

    def ask(self, request_id: int | str | None = None) -> Asked:
        """Let the agent ask something new; under an id that it used before, if told so."""
        self.number += 1
        kind = "file" if self.chance.random() < 0.3 else "permission"
        asked = Asked(self.number, self.one.agent.run.run_id, request_id or self.number, kind)
        self.one.agent.ask(asked)
        self.asked.append(asked)
        return asked

    async def round(self) -> None:
        """Put one to five questions and let things happen to each of them at once."""
        await self.ready()
        chance, first = self.chance, len(self.asked)
        raced = [self.ask() for _ in range(chance.randint(1, 5))]
        await self.one.settle()
        board = await self.screens[0].board()
        assert len(board.approvals) == len(raced), "a question is missing"
        self.raced += len(raced)
        moves = [move for view in board.approvals for move in self._presses(view, board)]
        for asked in raced:
            moves += self._disturbance(asked)
        moves += self._end()
        chance.shuffle(moves)
        await self.one.race(chance, moves)
        await self._clear()
        for asked in self.asked[first:]:
            self._check(asked)

    def _presses(self, view: ApprovalView, board: Board) -> list[Coroutine[Any, Any, None]]:
        chance, moves = self.chance, []
        for screen in chance.choices(self.screens, k=chance.randint(1, 3)):
            shown = screen.show(view, board)
            action, look, lose = chance.choice(ACTIONS), chance.random(), chance.random()
            moves.append(screen.press(shown, action, look=look < 0.5, lose=lose < 0.15))
        if chance.random() < 0.2:
            moves.append(self.screens[0].press_other(view, self.number))
        if chance.random() < 0.1:
            other = dataclasses.replace(view, payload=json.dumps({"text": "something else"}))
            shown = self.screens[1].show(other, board)
            assert shown.why_not(Action.APPROVE) is not None
            moves.append(self.screens[1].press(shown, Action.DENY, look=False, lose=False))
        return moves

    def _disturbance(self, asked: Asked) -> list[Coroutine[Any, Any, None]]:
        """Return what the agent does about one question."""
        kind = self.chance.choices(("replaced", "withdrawn", "nothing"), (4, 1, 5))[0]
        self.record.counts[kind] += 1
        if kind == "nothing":
            return []
        self.one.agent.withdraw(asked.request_id)
        if kind == "replaced":
            self.ask(asked.request_id)
        return [self.one.ingest()]

    def _end(self) -> list[Coroutine[Any, Any, None]]:
        """Return what ends all questions at once, or nothing."""
        kinds = {
            "turn ended": 2,
            "turn cancelled": 2,
            "expired": 2,
            "agent died": 1,
            "session closed": 0.3,
            "nothing": 5,
        }
        kind = self.chance.choices(list(kinds), list(kinds.values()))[0]
        self.record.counts[kind] += 1
        one, agent = self.one, self.one.agent
        if kind == "turn ended":
            agent.end_turn("end_turn")
            return [one.ingest()]
        if kind == "agent died":
            one.kill_agent()
            return [one.ingest()]
        if kind == "expired":
            return [one.expire()]
        if kind == "turn cancelled":
            return [self._quietly(self.screens[0].deck.cancel(one.session_id))]
        if kind == "session closed":
            return [self._quietly(self.screens[1].deck.close_session(one.session_id))]
        return []

    async def _quietly(self, call: Coroutine[Any, Any, Any]) -> None:
        await call

    async def _clear(self) -> None:
        """Answer what is still asked, and let what was begun come to its end."""
        one = self.one
        await one.settle()
        run = one.agent.run
        if run.stopping is not None and not run.ended:
            one.kill_agent()
            await one.settle()
        board = await self.screens[0].board()
        for view in board.approvals:
            shown = self.screens[0].show(view, board)
            action = self.chance.choice((Action.APPROVE, Action.DENY))
            await self.screens[0].press(shown, action, look=True, lose=False)
        await one.settle()
        if self.chance.random() < 0.1 or one.query("SELECT 1 FROM sessions WHERE resume_tries > 0"):
            await self.ready()
            one.agent.end_turn("end_turn")
            await one.settle()

    def _check(self, asked: Asked) -> None:
        """Look whether the agent got the one answer that was decided about this very request."""
        found = self.one.query(
            "SELECT a.*, d.decision_id, d.action AS decided FROM approvals a"
            " LEFT JOIN decisions d USING (approval_id)"
            " WHERE a.run_id = ? AND instr(a.payload, ?)",
            asked.run_id,
            f'"{asked.command}"',
        )
        told = [line for row in found for line in self.record.told.get(row["approval_id"], [])]
        gone = next(a for a in self.one.agents if a.run.run_id == asked.run_id).dead
        assert len(found) <= 1 and len(asked.answers) <= 1, (asked, found)
        if not found:
            assert gone or asked.answers, "neither asked nor answered"
            return
        row = found[0]
        assert row["state"] != "pending"
        assert {made.decision_id for made, _ in told} <= {row["decision_id"]}
        assert all(asked.command in text for _, text in told), "decided on another text"
        approved = row["state"] == "approved"
        assert not approved or row["decided"] in APPROVED
        assert (not told) or told[0][0].action == row["decided"]
        if not asked.answers:
            assert gone, f"no answer to {asked}"
            return
        answer = asked.answers[0]
        self.record.counts["answered"] += 1
        if asked.kind == "file":
            written = (self.one.project / asked.file).exists()
            # What was approved may be withdrawn while it is done: then the answer says so.
            assert written or "error" in answer, (asked, dict(row))
            assert approved or not written, (asked, dict(row))
        else:
            chosen = answer["result"]["outcome"].get("optionId")
            assert chosen in (None, f"yes-{asked.number}", f"no-{asked.number}"), (asked, chosen)
            assert (chosen == f"yes-{asked.number}") == approved, (asked, dict(row))


async def _run(seed: int, rounds: int, folder: Path) -> None:
    monkeypatch = pytest.MonkeyPatch()
    one = await OneProcess.open(folder, monkeypatch)
    one.ctx.places.config_file.write_text(
        '[agents.inner]\ncommand = ["true"]\n[approvals]\nexpire_after = 0.001\n'
    )
    races = Races(one, random.Random(seed))
    try:
        while races.raced < rounds:
            await races.round()
        _check_all(one)
    finally:
        await one.close()
        monkeypatch.undo()
    print(json.dumps({"raced": races.raced, **races.record.counts}))


def _check_all(one: OneProcess) -> None:
    """Look at what holds over all rounds."""
    decided = one.query("SELECT approval_id, count(*) AS n FROM decisions GROUP BY approval_id")
    assert all(row["n"] == 1 for row in decided)
    assert one.spooled_early == [], "on the agent's stdin before its COMMIT"
    assert all(agent.strays == [] for agent in one.agents), "an answer to no question"


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
