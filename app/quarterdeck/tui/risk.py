"""In which order approvals are offered: a rule of thumb over kind and text, never a verdict.

It only sorts. Whether something is allowed is the policy's business, and the person's.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath

from quarterdeck.model.states import ApprovalKind
from quarterdeck.tui.dialogs.question import Question

_TELLING = re.compile(
    r"(?<![\w-])(rm|sudo|doas|su|dd|mkfs\S*|shred|chmod|chown|kill|pkill|killall|curl|wget|ssh|scp"
    r"|rsync|nc|eval|exec|reset|push|publish|deploy|rollout|drop|truncate|delete|destroy"
    r"|-rf|-fr|--force|--hard|--no-verify|--privileged)(?![\w-])",
    re.IGNORECASE,
)
_LOOKED_AT = 100_000
"""Characters of a text that are searched; a longer one counts as high."""
_NAMED = 3


class Level(IntEnum):
    """How early an approval stands in the inbox."""

    HIGH = 0
    MEDIUM = 1
    LOW = 2

    @property
    def word(self) -> str:
        """The level in one word."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Risk:
    """A level and why."""

    level: Level
    why: str


def risk(asked: Question) -> Risk:
    """Return where a question belongs, with the reason in words."""
    if asked.refusal:
        return Risk(Level.HIGH, "it cannot be shown as it should")
    if asked.recovery:
        return Risk(Level.HIGH, "a session waits to be recovered")
    if asked.view.kind == ApprovalKind.GATE:
        return Risk(Level.HIGH, "the whole run waits at a gate")
    if asked.warnings:
        return Risk(Level.HIGH, "the text holds misleading characters")
    if asked.own_dialog == "form":
        return Risk(Level.MEDIUM, "it asks for a form to be filled in")
    if asked.diff:
        return _of_edit(asked)
    if len(asked.text) > _LOOKED_AT:
        return Risk(Level.HIGH, "the text is very long")
    words = dict.fromkeys(found.lower() for found in _TELLING.findall(asked.text))
    if words:
        return Risk(Level.HIGH, f"the text holds {', '.join(list(words)[:_NAMED])}")
    if asked.view.kind == ApprovalKind.TERMINAL or asked.command:
        return Risk(Level.MEDIUM, "it runs a command")
    if asked.view.kind == ApprovalKind.NETWORK_HOST:
        return Risk(Level.MEDIUM, "it fetches from a host")
    return Risk(Level.MEDIUM, "it calls a tool")


def _of_edit(asked: Question) -> Risk:
    outside = [path for path in asked.edited if not _within(path, asked.view.cwd)]
    if outside:
        return Risk(Level.HIGH, "it edits outside the session's directory")
    return Risk(Level.LOW, "it edits in the session's directory")


def _within(path: str, cwd: str) -> bool:
    """Return whether `path` is written as one below `cwd`; links are not followed here."""
    whole = PurePosixPath(cwd) / path
    return ".." not in whole.parts and whole.is_relative_to(cwd)
