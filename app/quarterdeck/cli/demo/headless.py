"""The demo without a terminal: fixed decisions, and a report of what came of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from quarterdeck.cli.demo.scenes import Scene
from quarterdeck.cli.demo.scratch import Scratch
from quarterdeck.cli.invocation import Invocation
from quarterdeck.cli.watching import watch
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import ApprovalView, SessionView
from quarterdeck.model.states import Action, SessionState

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

LIMIT_SECONDS = 120.0
SETTLED_BEFORE = frozenset({"stale", "not_pending"})


@dataclass
class Played:
    """A scene while it goes on, and what came of it."""

    scene: Scene
    view: SessionView | None = None
    decisions: list[tuple[ApprovalView, Action]] = field(default_factory=list)

    def next_decision(self) -> Action:
        """Return the planned answer to its next approval; what is not planned is denied."""
        planned, given = self.scene.decisions, len(self.decisions)
        return planned[given] if given < len(planned) else Action.DENY

    def is_over(self) -> bool:
        """Tell whether its turn has ended, or cannot end any more."""
        if self.view is None:
            return False
        if self.view.state in (SessionState.FAILED, SessionState.CLOSED):
            return True
        settled = self.view.queued == 0 and self.view.open_approvals == 0
        return self.view.state == SessionState.IDLE and bool(self.view.terminal_status) and settled

    def problems(self, changed: set[str]) -> list[str]:
        """Return what did not go as planned."""
        found: list[str] = []
        if self.view is None or self.view.state != SessionState.IDLE:
            state = self.view.state if self.view else "unknown"
            found.append(f"it is {state} and not idle")
        elif self.view.terminal_status != "end_turn":
            found.append(f"its turn ended with {self.view.terminal_status}")
        if tuple(action for _, action in self.decisions) != self.scene.decisions:
            found.append(f"{len(self.decisions)} approvals, not {len(self.scene.decisions)}")
        missing = sorted(self.scene.changes - changed)
        return found + ([f"not changed: {', '.join(missing)}"] if missing else [])


async def play(invocation: Invocation, sessions: Mapping[str, Scene]) -> dict[str, Played]:
    """Answer every approval as planned until every session's turn has ended.

    Args:
        invocation: With the demo's places.
        sessions: The scenes by session id.

    Raises:
        QuarterdeckError: `timed_out` after 120 s.
    """
    played = {session_id: Played(scene) for session_id, scene in sessions.items()}

    async def look(deck: "Deck") -> bool | None:
        for approval in await deck.approvals():
            await _decide(deck, approval, played[approval.session_id])
        for session_id, one in played.items():
            one.view = await deck.session(session_id)
        return True if all(one.is_over() for one in played.values()) else None

    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await watch(invocation, look)
    except TimeoutError as error:
        open_ones = [one.scene.title for one in played.values() if not one.is_over()]
        raise QuarterdeckError(
            "timed_out",
            f"not done after {LIMIT_SECONDS:g} s: {', '.join(open_ones)}",
            hint="`qd demo --headless --keep` keeps its folder to look into",
        ) from error
    return played


async def _decide(deck: "Deck", approval: ApprovalView, played: Played) -> None:
    action = played.next_decision()
    try:
        await deck.decide(
            approval.approval_id,
            run_id=approval.run_id,
            payload_sha256=approval.payload_sha256,
            action=action.value,
            token=approval.approval_id,
        )
    except QuarterdeckError as error:
        if error.code not in SETTLED_BEFORE:
            raise
        return
    played.decisions.append((approval, action))


def report(scratch: Scratch, played: Mapping[str, Played]) -> dict[str, Any]:
    """Return what happened, as data; `ok` tells whether all of it was planned."""
    changed = scratch.changed()
    sessions = [
        {
            "session_id": session_id,
            "title": one.scene.title,
            "decisions": [
                {"action": action.value, "subject": approval.subject}
                for approval, action in one.decisions
            ],
            "result": one.view.terminal_status if one.view else None,
            "changed": sorted(one.scene.changes & changed),
            "problems": one.problems(changed),
        }
        for session_id, one in played.items()
    ]
    planned = frozenset[str]().union(*(one.scene.changes for one in played.values()))
    unplanned = sorted(changed - planned)
    ok = not unplanned and not any(session["problems"] for session in sessions)
    return {"ok": ok, "folder": str(scratch.folder), "unplanned": unplanned, "sessions": sessions}


def describe(value: dict[str, Any]) -> str:
    """Return a report for people."""
    lines: list[str] = []
    for session in value["sessions"]:
        lines.append(session["title"])
        for decision in session["decisions"]:
            first, *rest = decision["subject"].splitlines() or [""]
            more = f" … ({len(rest) + 1} lines)" if rest else ""
            lines.append(f"    {decision['action']:<16} {first}{more}")
        lines.append(f"    {'result':<16} {session['result']}")
        lines.append(f"    {'changed':<16} {', '.join(session['changed']) or 'nothing'}")
        lines += [f"    {'NOT AS PLANNED':<16} {problem}" for problem in session["problems"]]
    lines += [f"NOT AS PLANNED: {name} was changed" for name in value["unplanned"]]
    return "\n".join([*lines, "all as planned" if value["ok"] else "not all went as planned"])
