"""The one key that stops everything: asks once, then ends every turn and start."""

from typing import Any, Protocol

from textual.screen import Screen

from quarterdeck.client.deck import Deck
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.states import SessionState
from quarterdeck.tui.board import Board
from quarterdeck.tui.thread_actions import Work

AT_WORK = frozenset(
    {SessionState.CREATED, SessionState.STARTING, SessionState.RUNNING, SessionState.WAITING}
)


class Stopper(Protocol):
    """What asks and carries out: the app."""

    def do(self, work: Work, done: str = "") -> None:
        """Carry out one request."""
        ...

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a toast."""
        ...

    def push_screen(self, screen: Screen[Any], callback: Any = None) -> Any:
        """Show a dialog."""
        ...


def stop_all(app: Stopper, board: Board) -> None:
    """Ask, saying how many, then stop all; what was stopped cannot be started again by itself."""
    from quarterdeck.tui.dialogs.confirm import ConfirmDialog

    working = sum(1 for view in board.sessions if view.state in AT_WORK)
    waiting = sum(view.queued for view in board.sessions)
    if not working and not waiting:
        app.say("No agent is working, and no prompt waits.")
        return

    def answered(yes: bool | None) -> None:
        if yes:
            app.do(lambda deck: _stop(app, board, deck))

    text = (
        f"Stop {_count(working, 'session')} and take back {_count(waiting, 'queued prompt')}? "
        "Every turn and start is cancelled. Agents stay alive, prompts stay in the history. "
        "This cannot be undone."
    )
    app.push_screen(ConfirmDialog("Stop all agents", text), answered)


async def _stop(app: Stopper, board: Board, deck: Deck) -> None:
    done = await deck.cancel_all()
    stopped, taken, failed = len(done["sessions"]), done["taken_back"], done["failed"]
    app.say(f"{_count(stopped, 'session')} stopped, {_count(taken, 'queued prompt')} taken back.")
    for one in failed:
        view = board.session(one["session_id"])
        name = view.title if view else one["session_id"]
        app.say(clean_line(f"{name} was not stopped: {one['message']}"), bad=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
