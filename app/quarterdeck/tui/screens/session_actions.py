"""What a person does to the session under the cursor, each a message to the app."""

from textual.screen import Screen

from quarterdeck.model.records import SessionView
from quarterdeck.tui import messages
from quarterdeck.tui.thread_actions import Verb


class SessionActions(Screen[None]):
    """The part of the main screen whose keys are about one session as a whole."""

    @property
    def selected(self) -> SessionView | None:
        """The session that is meant."""
        raise NotImplementedError

    def action_thread(self, verb: str) -> None:
        """Do something to the selected session as a whole."""
        if session := self._need_session():
            self.post_message(messages.ThreadAction(Verb(verb), session))

    def action_queue(self) -> None:
        """Show what waits to be sent to the selected session."""
        if session := self._need_session():
            self.post_message(messages.ShowQueue(session))

    def action_checkpoints(self) -> None:
        """Show the selected session's checkpoints."""
        if session := self._need_session():
            self.post_message(messages.ShowCheckpoints(session))

    def action_approval_mode(self) -> None:
        """Choose how much the selected session asks."""
        if session := self._need_session():
            self.post_message(messages.ChooseApprovalMode(session))

    def action_agent_mode(self) -> None:
        """Choose the mode or model of the selected session's agent."""
        if session := self._need_session():
            self.post_message(messages.ChooseAgentMode(session))

    def action_usage(self) -> None:
        """Show what was used."""
        self.post_message(messages.ShowUsage(self.selected))

    def action_cancel_turn(self) -> None:
        """Cancel the selected session's turn or start (R8)."""
        if session := self._need_session():
            self.post_message(messages.CancelTurn(session))

    def action_close_session(self) -> None:
        """Close the selected session after a question."""
        if session := self._need_session():
            self.post_message(messages.CloseSession(session))

    def action_mark_read(self) -> None:
        """Mark the selected session as read (A9)."""
        if session := self._need_session():
            self.post_message(messages.MarkRead(session.session_id, session.version))

    def _need_session(self) -> SessionView | None:
        if self.selected is None:
            self.app.notify("No session is selected.", markup=False)
        return self.selected
