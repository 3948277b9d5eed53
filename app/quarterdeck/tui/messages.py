"""What a person wants done, on its way from a screen to the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from quarterdeck.model.records import SessionView
    from quarterdeck.tui.keys import Where
    from quarterdeck.tui.layout import Layout
    from quarterdeck.tui.listed import View
    from quarterdeck.tui.thread_actions import Verb, Work
    from quarterdeck.tui.widgets.copied import Copied


@dataclass
class Answer(Message):
    """Open the dialog of this approval."""

    approval_id: str


@dataclass
class Create(Message):
    """Open the new-session dialog."""

    agent: str | None = None
    """The agent to begin with; None for the first that was found."""


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
    """Show the help, as seen from a place."""

    here: Where


@dataclass
class OpenInbox(Message):
    """Show every open approval."""


@dataclass
class ThreadAction(Message):
    """Do something to a session as a whole."""

    verb: Verb
    session: SessionView


@dataclass
class PastMessages(Message):
    """Show what was said at the bottom of the screen."""


@dataclass
class Undo(Message):
    """Undo what was last done and can be undone."""


@dataclass
class Undoable(Message):
    """Something was done, and this is how it is undone."""

    done: str
    back: Work
    undone: str
    """What to say once it is."""


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


@dataclass
class Copy(Message):
    """Put a text on the clipboard, or into a file."""

    copied: Copied
    to_file: bool = False


@dataclass
class LayoutChanged(Message):
    """A person arranged the screen otherwise."""

    layout: Layout


@dataclass
class MoreSessions(Message):
    """The end of the list is reached, and there are more than were fetched."""
