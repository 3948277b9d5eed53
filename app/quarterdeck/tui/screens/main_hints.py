"""Which keys the main screen names at its foot: those of what has the focus, as far as they do."""

from textual.widget import Widget
from textual.widgets import Input

from quarterdeck.model.records import SessionView
from quarterdeck.model.states import LIVE_SESSION_STATES, SessionState
from quarterdeck.tui.board import Board
from quarterdeck.tui.keys import KeyAction, Where, keys_of
from quarterdeck.tui.widgets.diff_view import DiffView
from quarterdeck.tui.widgets.key_line import KeyHint
from quarterdeck.tui.widgets.output_view import OutputView
from quarterdeck.tui.widgets.prompt_editor import PromptEditor
from quarterdeck.tui.widgets.session_list import SessionList
from quarterdeck.tui.widgets.trace_view import TraceView
from quarterdeck.tui.widgets.welcome import Welcome

FOOTER = ("answer", "", "next_needy(1)", "write", "new_session", "cancel_turn", "zoom", "help")
CANCELLABLE = {*LIVE_SESSION_STATES, SessionState.CREATED, SessionState.STARTING}
CANCELLABLE -= {SessionState.IDLE}
_PLACES: dict[type[Widget], Where] = {
    Welcome: Where.FIRST,
    DiffView: Where.DIFF,
    OutputView: Where.OUTPUT,
    TraceView: Where.TRACE,
}
_COMMON = {Where.DIFF: ("help",), Where.FIRST: ("new", "search", "help", "quit")}
"""Which keys of the whole screen are named beside a pane's own, by their labels."""


def place_of(focused: Widget | None) -> Where | None:
    """Return whose keys the focus is among, if it is on a pane with keys of its own."""
    return _PLACES.get(type(focused)) if focused is not None else None


def main_hints(focused: Widget | None, board: Board, session: SessionView | None) -> list[KeyHint]:
    """Return the hints of the keys.

    Args:
        focused: What has the focus.
        board: What waits and what there is.
        session: The one under the cursor.
    """
    if isinstance(focused, PromptEditor):
        return [KeyHint.of(entry) for entry in keys_of(Where.PROMPT)]
    if isinstance(focused, Input):  # of the filter or of finding; every letter goes into it
        leaving = next(entry for entry in keys_of(Where.MAIN) if entry.action == "leave")
        return [KeyHint("enter", "keep"), KeyHint(leaving.shown, "end", leaving.action)]
    if (place := place_of(focused)) is not None:
        common = _COMMON.get(place, ("copy", "editor", "help"))
        by_label = [*keys_of(place), *keys_of(Where.MAIN)]
        return [KeyHint.of(e) for e in by_label if e.where is place or e.label in common]
    by_action = {entry.action: entry for entry in reversed(keys_of(Where.MAIN))}
    wanted = [by_action[action] for action in (*FOOTER, "app.quit")]
    return [KeyHint.of(entry) for entry in wanted if _applies(entry, focused, board, session)]


def _applies(
    entry: KeyAction, focused: Widget | None, board: Board, session: SessionView | None
) -> bool:
    """Return whether the action has something to do now."""
    if entry.action == "answer":
        return bool(board.approvals)
    if entry.action == "cancel_turn":
        return session is not None and session.state in CANCELLABLE
    if entry.action == "next_needy(1)":
        return board.next_needy(None, 1) is not None
    if entry.action == "":
        return isinstance(focused, (SessionList, TraceView))
    return True
