"""What a person wants done, on its way from a screen to the app."""

from dataclasses import dataclass

from textual.message import Message

from quarterdeck.model.records import SessionView


@dataclass
class Answer(Message):
    """Open the dialog of this approval."""

    approval_id: str


@dataclass
class Create(Message):
    """Open the new-session dialog."""


@dataclass
class CancelTurn(Message):
    """Cancel the turn or the start of a session."""

    session: SessionView


@dataclass
class CloseSession(Message):
    """Ask, then close a session."""

    session: SessionView


@dataclass
class MarkRead(Message):
    """Mark a session as read up to a version."""

    session_id: str
    version: int
