"""The board: everything the screen knows at one moment, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from quarterdeck.model.states import ApprovalKind, Attention

if TYPE_CHECKING:
    from quarterdeck.model.records import ApprovalView, SessionView

NEEDY = (Attention.WAITING, Attention.FAILED, Attention.UNREAD)
"""What the keys for the next and previous session stop at."""


class LinkState(StrEnum):
    """Whether the supervisor can be asked."""

    CONNECTING = "connecting"
    UP = "up"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Board:
    """Sessions in attention order, open approvals oldest first, and how current both are."""

    sessions: tuple[SessionView, ...] = ()
    approvals: tuple[ApprovalView, ...] = ()
    link: LinkState = LinkState.CONNECTING
    problem: str = ""
    """Why the link is gone or the last fetch failed, and what to do."""
    fetched: bool = False
    """Whether anything was fetched yet."""
    cut: bool = False
    """Whether there are more sessions than were fetched."""
    shelf: tuple[SessionView, ...] = ()
    """The archived or the deleted sessions, while the list shows them."""
    shelf_of: str = ""
    reports: tuple[dict[str, Any], ...] = ()
    """The recovery reports that this reader has not dismissed, newest first."""
    agents: tuple[dict[str, Any], ...] = ()
    """The agent profiles, while there is no session: what a first run can start."""
    rules_problem: str = ""
    """Why a rule file cannot be used, so that everything is asked."""
    config_problem: str = ""
    """Why config.toml cannot be used, so that what it last said holds."""

    @property
    def first_run(self) -> bool:
        """Whether there is nothing to list because nothing was ever started, or all is put away."""
        return self.fetched and not self.sessions

    @property
    def current(self) -> bool:
        """Whether what is shown may be acted on."""
        return self.link is LinkState.UP and self.fetched

    def count(self, attention: Attention) -> int:
        """Return how many sessions have `attention`."""
        return sum(1 for view in self.sessions if view.attention == attention)

    def session(self, session_id: str | None) -> SessionView | None:
        """Return the session with this id, if it is on the board."""
        return next((view for view in self.sessions if view.session_id == session_id), None)

    def approval(self, approval_id: str) -> ApprovalView | None:
        """Return the open approval with this id."""
        return next((view for view in self.approvals if view.approval_id == approval_id), None)

    def to_answer(self, session_id: str | None) -> ApprovalView | None:
        """Return the session's first open approval, else the oldest of all."""
        own = next((view for view in self.approvals if view.session_id == session_id), None)
        return own or next(iter(self.approvals), None)

    def after(self, approval_id: str) -> ApprovalView | None:
        """Return the approval that follows this one, the first after the last; never itself."""
        others = [view for view in self.approvals if view.approval_id != approval_id]
        ids = [view.approval_id for view in self.approvals]
        place = ids.index(approval_id) if approval_id in ids else 0
        return others[place % len(others)] if others else None

    def next_needy(self, session_id: str | None, step: int) -> SessionView | None:
        """Return the next session that needs its reader, in list order and around its end.

        Args:
            session_id: Where to start; it is returned only if no other needs anything.
            step: 1 forward, -1 backward.
        """
        ids = [view.session_id for view in self.sessions]
        total = len(ids)
        start = ids.index(session_id) if session_id in ids else (-1 if step > 0 else 0)
        for distance in range(1, total + 1):
            view = self.sessions[(start + step * distance) % total]
            if view.attention in NEEDY:
                return view
        return None


KIND_WORDS = {
    ApprovalKind.TOOL_CALL: "tool call",
    ApprovalKind.MCP: "tool of an MCP server",
    ApprovalKind.NETWORK_HOST: "network host",
    ApprovalKind.ELICITATION: "form to fill in",
    ApprovalKind.GATE: "gate of the run",
    ApprovalKind.TERMINAL: "terminal command",
    ApprovalKind.FILE: "file access",
    ApprovalKind.SPENDING_CAP: "going on beyond a spending cap",
    ApprovalKind.RECOVERY: "recovery of the session",
}


def kind_words(kind: str) -> str:
    """Return what an approval's kind means in words."""
    return next((words for known, words in KIND_WORDS.items() if known == kind), kind)
