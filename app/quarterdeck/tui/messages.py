"""What a person wants done, on its way from a screen to the app."""

from dataclasses import dataclass

from textual.message import Message

from quarterdeck.model.records import SessionView
from quarterdeck.tui.listed import View
from quarterdeck.tui.thread_actions import Verb


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


@dataclass
class Decided(Message):
    """Something was decided, so what is shown is to be fetched."""


@dataclass
class Help(Message):
    """Show the help."""


@dataclass
class OpenInbox(Message):
    """Show every open approval."""


@dataclass
class ThreadAction(Message):
    """Do something to a session as a whole."""

    verb: Verb
    session: SessionView


@dataclass
class Undo(Message):
    """Undo the last archiving or deleting."""


@dataclass
class MarkAllRead(Message):
    """Mark every session as read, as it was seen."""

    version: int


@dataclass
class ShowQueue(Message):
    """Show the prompts that wait."""

    session: SessionView


@dataclass
class ShowCheckpoints(Message):
    """Show a session's checkpoints."""

    session: SessionView


@dataclass
class ChooseApprovalMode(Message):
    """Let how much is asked be chosen."""

    session: SessionView


@dataclass
class ChooseAgentMode(Message):
    """Let the mode or the model of a session's agent be chosen."""

    session: SessionView


@dataclass
class ShowRecovery(Message):
    """Show what the supervisor's start found."""


@dataclass
class ShowUsage(Message):
    """Show what was used; the turns are those of a session."""

    session: SessionView | None


@dataclass
class Listing(Message):
    """The list shows another view, for which something may have to be fetched."""

    view: View


@dataclass
class Search(Message):
    """Search all stored events."""
