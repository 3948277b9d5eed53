"""The full-screen client: what a person wants, and the screens and dialogs for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.screen import ModalScreen

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import Attention
from quarterdeck.tui import messages
from quarterdeck.tui.deck_app import DeckApp
from quarterdeck.tui.link import reason_of
from quarterdeck.tui.thread_actions import Verb

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck
    from quarterdeck.model.search_hit import SearchHit
    from quarterdeck.tui.dialogs.approval import ApprovalResult
    from quarterdeck.tui.dialogs.new_session import NewSession
    from quarterdeck.tui.screens.session_panes import SessionPanes
    from quarterdeck.tui.widgets.diff_pane import DiffPane
    from quarterdeck.tui.widgets.prompt_line import PromptLine


class QuarterdeckApp(DeckApp):
    """Carries out what a person wants."""

    @on(messages.ThreadAction)
    def _thread_action(self, message: messages.ThreadAction) -> None:
        if message.verb is Verb.UNREAD:
            self._marks.left_unread = message.session.session_id
        self._threads.take(message.verb, message.session)

    @on(messages.PastMessages)
    def _past_messages(self) -> None:
        from quarterdeck.tui.dialogs.past_messages import PastMessages

        if not isinstance(self.screen, ModalScreen):
            self.clear_notifications()
            self.push_screen(PastMessages(self._toasts.said, tz=self._tz))

    @on(messages.Undo)
    def _undo(self) -> None:
        self._threads.undo()

    @on(messages.Undoable)
    def _undoable(self, message: messages.Undoable) -> None:
        self._threads.remember(message.done, message.back, message.undone)

    @on(messages.MarkAllRead)
    def _mark_all_read(self, message: messages.MarkAllRead) -> None:
        unread = [v.session_id for v in self.board.sessions if v.attention == Attention.UNREAD]
        self._threads.mark_all_read(message.version, unread)

    @on(messages.Listing)
    def _listing(self, message: messages.Listing) -> None:
        self._view = message.view
        if message.view.shelf:
            self._refresh.want()

    @on(messages.ShowQueue)
    def _show_queue(self, message: messages.ShowQueue) -> None:
        from quarterdeck.tui.dialogs.queue import QueueDialog

        self.push_screen(QueueDialog(message.session, self._link))

    @on(messages.ShowCheckpoints)
    def _show_checkpoints(self, message: messages.ShowCheckpoints) -> None:
        from quarterdeck.tui.dialogs.checkpoints import CheckpointsDialog

        def closed(fork: str | None) -> None:
            if fork is not None:
                self.main.await_session(fork)
                self._refresh.want()
                self.say("The checkpoint is loaded into a fork.")

        dialog = CheckpointsDialog(message.session, self._link, clock=self._clock)
        self.push_screen(dialog, closed)

    @on(messages.ChooseApprovalMode)
    def _choose_approval_mode(self, message: messages.ChooseApprovalMode) -> None:
        from quarterdeck.tui.session_settings import choose_approval_mode

        choose_approval_mode(self, message.session)

    @on(messages.ChooseAgentMode)
    def _choose_agent_mode(self, message: messages.ChooseAgentMode) -> None:
        from quarterdeck.tui.session_settings import choose_mode_or_model

        choose_mode_or_model(self, message.session)

    @on(messages.ShowUsage)
    def _show_usage(self, message: messages.ShowUsage) -> None:
        from quarterdeck.tui.dialogs.usage import UsageDialog

        self.push_screen(UsageDialog(message.session, self._link))

    @on(messages.Search)
    def _search(self) -> None:
        from quarterdeck.tui.screens.search import SearchScreen

        if self.screen is self.main:
            projects = sorted({session.project for session in self.board.sessions})
            screen = SearchScreen(self._link, clock=self._clock, projects=projects)
            self.push_screen(screen, self._found)

    def _found(self, hit: SearchHit | None) -> None:
        if hit is None:
            return
        if self.board.session(hit.session_id) is None:
            self.say("That session is not in the list; it may be archived (v).", bad=True)
            return

        async def show(deck: Deck) -> None:
            runs = {run.run_id: run for run in await deck.runs(hit.session_id)}
            run = runs.get(hit.run_id)
            last = run.last_event_seq if run else hit.seq
            self.main.open_event(hit.session_id, hit.run_id, last, hit.seq)

        self.do(show)

    def on_diff_pane_asked(self, message: DiffPane.Asked) -> None:
        """Ask for a comment on a line."""
        self.ask_line(message.title, "", message.then)

    @on(messages.Copy)
    def _copy(self, message: messages.Copy) -> None:
        from quarterdeck.tui.copying import Copying

        copying = Copying(self, self._environ)
        if message.to_file:
            copying.write(message.copied)
        else:
            self.run_worker(copying.copy(message.copied), group="requests")

    def on_session_panes_types_asked(self, message: SessionPanes.TypesAsked) -> None:
        """Let the types of events in the trace be chosen."""
        from quarterdeck.tui.dialogs.event_types import type_rows
        from quarterdeck.tui.widgets.event_finder import name_of, types_of

        self.choose(
            "Events shown",
            type_rows(),
            name_of(message.types),
            lambda name: message.then(types_of(name)),
        )

    def on_diff_pane_open_file(self, message: DiffPane.OpenFile) -> None:
        """Open a file in the person's editor, if it is on this machine."""
        from quarterdeck.tui import editor

        path = Path(message.path)
        try:
            if not path.is_file():
                raise editor.NoEditor(f"{path} is not on this machine, or is gone.")
            editor.run(self, self._environ, path, message.number)
        except editor.NoEditor as error:
            self.say(str(error), bad=True)

    @on(messages.Answer)
    def _answer(self, message: messages.Answer) -> None:
        self._open_approval(message.approval_id)

    def _open_approval(self, approval_id: str) -> None:
        """Open the dialog of one approval, unless a dialog is open already."""
        from quarterdeck.tui.dialogs.approval import ApprovalDialog, RecoveryDialog
        from quarterdeck.tui.dialogs.form import FormDialog
        from quarterdeck.tui.dialogs.question import question

        view = self.board.approval(approval_id)
        if view is None or isinstance(self.screen, ModalScreen):
            return
        asked = question(view, self._clock())
        kinds = {"recovery": RecoveryDialog, "form": FormDialog}
        kind = kinds.get(asked.own_dialog, ApprovalDialog)
        dialog = kind(asked, self._link, clock=self._monotonic, wall=self._clock)
        dialog.undo_seconds = self.undo_seconds
        self.push_screen(dialog, self._approval_closed)

    def _approval_closed(self, result: ApprovalResult | None) -> None:
        from quarterdeck.tui.dialogs.approval import Outcome
        from quarterdeck.tui.dialogs.deciding import no_rule
        from quarterdeck.tui.screens.inbox import InboxScreen

        if result is None:
            return
        self._refresh.want()
        if result.decision is not None and (problem := no_rule(result.decision)):
            self.say(problem, bad=True)
        if result.outcome is Outcome.DECIDED and isinstance(self.screen, InboxScreen):
            self.screen.answered(result.approval_id)
        following = self.board.after(result.approval_id)
        if result.outcome is Outcome.NEXT and following is not None:
            self.call_later(self._open_approval, following.approval_id)

    @on(messages.ShowRecovery)
    def _show_recovery(self) -> None:
        from quarterdeck.tui.dialogs.recovery_report import RecoveryReportDialog

        reports = self.board.reports

        async def dismiss(deck: Deck) -> None:
            await deck.dismiss_recovery(reports[0]["id"])
            self._recovery.open = ()
            self.board = replace(self.board, reports=())

        def answered(dismissed: bool | None) -> None:
            if dismissed and reports:
                self.do(dismiss)

        if not isinstance(self.screen, ModalScreen):
            self.push_screen(RecoveryReportDialog(reports, tz=self._tz), answered)

    @on(messages.OpenInbox)
    def _open_inbox(self) -> None:
        from quarterdeck.tui.screens.inbox import InboxScreen

        if self.screen is self.main:
            inbox = InboxScreen(self._link, monotonic=self._monotonic, clock=self._clock)
            inbox.undo_seconds = self.undo_seconds
            self.push_screen(inbox)

    @on(messages.Decided)
    def _decided(self) -> None:
        self._refresh.want()

    @on(messages.Help)
    def _help(self, message: messages.Help) -> None:
        from quarterdeck.tui.screens.help import HelpScreen

        if not isinstance(self.screen, ModalScreen):
            self.push_screen(HelpScreen(message.here))

    @on(messages.Create)
    def _create(self, message: messages.Create) -> None:
        from quarterdeck.tui.dialogs.new_session import NewSessionDialog

        dialog = NewSessionDialog(
            self._link,
            cwd=str(self._cwd),
            environ=self._environ,
            agent=message.agent,
            sessions=lambda: self.board.sessions,
        )
        self.push_screen(dialog, self._created)

    def _created(self, made: NewSession | None) -> None:
        if made is not None:
            self.main.await_session(made.session_id)
            self._refresh.want()

    @on(messages.CancelTurn)
    def _cancel(self, message: messages.CancelTurn) -> None:
        session = message.session
        run_id = session.run_id if session.active else None
        self.do(lambda deck: deck.cancel(session.session_id, run_id=run_id), "Cancel was sent.")

    @on(messages.CloseSession)
    def _close_session(self, message: messages.CloseSession) -> None:
        from quarterdeck.tui.dialogs.confirm import ConfirmDialog

        session = message.session

        def confirmed(yes: bool | None) -> None:
            if yes:
                self.do(lambda deck: deck.close_session(session.session_id))

        text = f"Close “{session.title or session.session_id}”? Its run and its agent end."
        self.push_screen(ConfirmDialog("Close session", text), confirmed)

    @on(messages.MarkRead)
    def _mark_read(self, message: messages.MarkRead) -> None:
        self.do(lambda deck: deck.mark_read(message.session_id, message.version))

    def on_session_panes_read(self, message: SessionPanes.Read) -> None:
        """Mark the session read once it has stayed open for a moment (A9)."""
        self._marks.end_seen(message.session_id, message.version)

    def on_prompt_line_sent(self, message: PromptLine.Sent) -> None:
        """Send a prompt; a session without a live run is started with fresh variables (R6)."""

        async def send() -> None:
            line = self.main.prompt
            try:
                deck = self._link.deck
                env = await self._env_for(deck, message.session_id)
                await deck.send(
                    message.session_id,
                    message.text,
                    env=env,
                    key=message.key,
                    interrupt=message.interrupt or None,
                    images=[(image.mime_type, image.data) for image in message.images] or None,
                )
            except QuarterdeckError as error:
                line.failed(reason_of(error), message)
            else:
                line.accepted(message)
                self._refresh.want()

        self.run_worker(send(), group="requests")

    async def _env_for(self, deck: Deck, session_id: str) -> dict[str, str] | None:
        session = self.board.session(session_id)
        if session is None or session.active:
            return None
        from quarterdeck.tui.dialogs.new_session import wanted_env

        profiles = await deck.agents()
        profile = next((p for p in profiles if p.get("name") == session.agent), {})
        return wanted_env(profile, self._environ)

    def action_stop_all(self) -> None:
        """Stop every agent's turn or start, after a question."""
        from quarterdeck.tui.stopping import stop_all

        if not isinstance(self.screen, ModalScreen):
            stop_all(self, self.board)
