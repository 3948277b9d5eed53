"""What the terminal itself is told: a notification, a bell, the count in its title.

Only changes are written; an idle screen writes nothing. Texts come from agents, so they are
cleaned and lose what would end an escape sequence or part its fields.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.states import Attention
from quarterdeck.tui.board import Board

if TYPE_CHECKING:
    from quarterdeck.model.records import SessionView

PUSH_TITLE, POP_TITLE = "\x1b[22;0t", "\x1b[23;0t"
_TEXT_LIMIT = 120
_END = "\x1b\\"


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """`[screen]` of config.toml: `notify`, `bell`, `title`, each true or false."""

    notify: bool = True
    """Whether OSC 9 and OSC 777 are sent."""
    bell: bool = False
    title: bool = True
    tmux: bool = False
    """Whether the sequences are wrapped so that tmux hands them on (`allow-passthrough`)."""


def settings_from(file: Path, environ: Mapping[str, str]) -> AlertSettings:
    """Read the settings; a file that cannot be read means the defaults, as the CLI names it."""
    try:
        found = tomllib.loads(file.read_text("utf-8")).get("screen", {})
    except (OSError, ValueError):
        found = {}
    given = {
        name: found[name]
        for name in ("notify", "bell", "title")
        if isinstance(found, dict) and isinstance(found.get(name), bool)
    }
    return AlertSettings(**given, tmux="TMUX" in environ)


class Alerts:
    """Compares each board with the one before and returns the bytes that say what is new."""

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings
        self._approvals: frozenset[str] | None = None
        self._failed: frozenset[str] = frozenset()
        self._title: str | None = None

    def see(self, board: Board) -> str:
        """Return what to write to the terminal now; empty if nothing changed."""
        if not board.current:
            return ""
        approvals = frozenset(view.approval_id for view in board.approvals)
        failed = {v.session_id: v for v in board.sessions if v.attention == Attention.FAILED}
        first = self._approvals is None
        asked = [v for v in board.approvals if v.approval_id not in (self._approvals or ())]
        fallen = [view for key, view in failed.items() if key not in self._failed]
        self._approvals, self._failed = approvals, frozenset(failed)
        said = "" if first else _words([v.session_title for v in asked], fallen)
        return self._alert(said) + self._titled(len(approvals))

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


def _words(asked: list[str], failed: list[SessionView]) -> str:
    said: list[str] = []
    if len(asked) == 1:
        said.append(f"{asked[0]} waits for an approval")
    elif asked:
        said.append(f"{len(asked)} new approvals wait")
    if len(failed) == 1:
        said.append(f"{failed[0].title} failed")
    elif failed:
        said.append(f"{len(failed)} sessions failed")
    return ", ".join(said)


def _safe(text: str) -> str:
    return clean_line(text[: _TEXT_LIMIT * 2]).replace(";", ",")[:_TEXT_LIMIT]
