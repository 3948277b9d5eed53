"""What the terminal itself is told: a notification, a bell, the count in its title.

Only changes are written; an idle screen writes nothing. Texts come from agents, so they are
cleaned and lose what would end an escape sequence or part its fields.
"""

from __future__ import annotations

import time
import tomllib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from quarterdeck.model import quiet_hours
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.periods import seconds
from quarterdeck.model.states import Attention

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from quarterdeck.model.records import SessionView
    from quarterdeck.tui.board import Board

PUSH_TITLE, POP_TITLE = "\x1b[22;0t", "\x1b[23;0t"
ASKED, FAILED, ENDED = "approval.requested", "session.failed", "turn.ended"
COLLAPSE_S = 10.0
_TEXT_LIMIT = 120
_END = "\x1b\\"


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """`[screen]` of config.toml: `notify`, `bell`, `title`, `tmux`, each true or false.

    And `[notifications]`: `kinds`, `quiet_hours`, `collapse`, which hold for every way.
    """

    notify: bool = True
    """Whether OSC 9 and OSC 777 are sent."""
    bell: bool = False
    title: bool = True
    tmux: bool = False
    """Whether the sequences are wrapped so that tmux hands them on (`allow-passthrough`).

    By default where the terminal is one of tmux's: its name says so through SSH too."""
    kinds: tuple[str, ...] = (ASKED, FAILED)
    quiet_hours: str | None = None
    collapse: float = 0.0
    """Seconds in which what follows a notification is told together, at their end."""


def settings_from(file: Path, environ: Mapping[str, str]) -> AlertSettings:
    """Read the settings; a file that cannot be read means the defaults, as the CLI names it."""
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        found = {}
    in_tmux = "TMUX" in environ or environ.get("TERM", "").startswith("tmux")
    screen = _table(found, "screen")
    flags = {
        name: screen[name]
        for name in ("notify", "bell", "title", "tmux")
        if isinstance(screen.get(name), bool)
    }
    given: dict[str, Any] = {"tmux": in_tmux, **flags}
    return AlertSettings(**given, **_everywhere(_table(found, "notifications")))


def _table(found: dict[str, Any], name: str) -> dict[str, Any]:
    table = found.get(name)
    return table if isinstance(table, dict) else {}


def _everywhere(table: dict[str, Any]) -> dict[str, Any]:
    """Return what holds for notifications of every way; what cannot be read is left out."""
    found: dict[str, Any] = {"collapse": COLLAPSE_S}
    kinds, collapse = table.get("kinds"), seconds(table.get("collapse"))
    if isinstance(kinds, list):
        found["kinds"] = tuple(str(kind) for kind in kinds)
    if isinstance(collapse, int | float) and 0 <= collapse <= 86_400:
        found["collapse"] = float(collapse)
    try:
        quiet_hours.span(table["quiet_hours"])
    except (KeyError, ValueError, AttributeError):
        return found
    return found | {"quiet_hours": table["quiet_hours"]}


class Alerts:
    """Compares each board with the one before and returns the bytes that say what is new."""

    def __init__(
        self,
        settings: AlertSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = datetime.now,
    ) -> None:
        """See nothing yet.

        Args:
            settings: What is told, how, and when not.
            monotonic: Seconds, for what is told together.
            wall: This machine's time, for the quiet hours.
        """
        self._settings, self._monotonic, self._wall = settings, monotonic, wall
        self._approvals: frozenset[str] | None = None
        self._failed: frozenset[str] = frozenset()
        self._active: frozenset[str] = frozenset()
        self._title: str | None = None
        self._told_at = float("-inf")
        self._held: dict[tuple[str, str], str] = {}
        """What is new and not told yet, by kind and id: the session's title."""

    def see(self, board: Board) -> str:
        """Return what to write to the terminal now; empty if nothing changed."""
        if not board.current:
            return ""
        approvals = frozenset(view.approval_id for view in board.approvals)
        failed = {v.session_id: v for v in board.sessions if v.attention == Attention.FAILED}
        active = {v.session_id: v for v in board.sessions if v.attention == Attention.ACTIVE}
        over = [v for v in board.sessions if v.session_id in self._active and _ended(v)]
        if self._approvals is not None:
            self._hold(
                *((ASKED, v.approval_id, v.session_title) for v in board.approvals
                  if v.approval_id not in self._approvals),
                *((FAILED, k, v.title) for k, v in failed.items() if k not in self._failed),
                *((ENDED, v.session_id, v.title) for v in over),
            )  # fmt: skip
        self._approvals, self._failed = approvals, frozenset(failed)
        self._active = frozenset(active)
        moot = [key for key in self._held if key[0] == ASKED and key[1] not in approvals]
        for key in moot:
            del self._held[key]
        return self.overdue() + self._titled(len(approvals))

    def _hold(self, *news: tuple[str, str, str]) -> None:
        told = {(kind, one): title for kind, one, title in news if kind in self._settings.kinds}
        self._held |= told

    @property
    def wait(self) -> float | None:
        """How many seconds later `overdue` has something to tell; None if nothing is held."""
        if not self._held:
            return None
        return max(0.0, self._told_at + self._settings.collapse - self._monotonic())

    def overdue(self) -> str:
        """Return the notification of what is held, if the time since the last one is over."""
        if not self._held or (self.wait or 0.0) > 0:
            return ""
        said = _words(self._held)
        self._held.clear()
        if quiet_hours.is_quiet(self._settings.quiet_hours, self._wall().time()):
            return ""
        self._told_at = self._monotonic()
        return self._alert(said)

    def _alert(self, text: str) -> str:
        if not text:
            return ""
        out = ""
        if self._settings.notify:
            safe = _safe(text)
            out += self._wrap(f"\x1b]9;{safe}{_END}")
            out += self._wrap(f"\x1b]777;notify;Quarterdeck;{safe}{_END}")
        return out + ("\x07" if self._settings.bell else "")

    def _titled(self, waiting: int) -> str:
        title = f"({waiting}) qd" if waiting else "qd"
        if not self._settings.title or title == self._title:
            return ""
        self._title = title
        return f"\x1b]2;{title}{_END}"

    def _wrap(self, sequence: str) -> str:
        if not self._settings.tmux:
            return sequence
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}{_END}"


def _ended(view: SessionView) -> bool:
    return view.attention in (Attention.UNREAD, Attention.READ)


def _words(held: dict[tuple[str, str], str]) -> str:
    said: list[str] = []
    for kind, one, many in (
        (ASKED, "{} waits for an approval", "{} new approvals wait"),
        (FAILED, "{} failed", "{} sessions failed"),
        (ENDED, "{} has ended its turn", "{} sessions have ended their turns"),
    ):
        titles = [title for (of_kind, _), title in held.items() if of_kind == kind]
        if titles:
            said.append(one.format(titles[0]) if len(titles) == 1 else many.format(len(titles)))
    return ", ".join(said)


def _safe(text: str) -> str:
    return clean_line(text[: _TEXT_LIMIT * 2]).replace(";", ",")[:_TEXT_LIMIT]
