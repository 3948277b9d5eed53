"""Every action of the screen with its key: bindings, footer, palette and help are made from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType


class Where(StrEnum):
    """Where a key works; the value is the heading in the help."""

    MAIN = "Sessions and panes"
    PROMPT = "Prompt line"
    APPROVAL = "Approval"
    RECOVERY = "Approval of a recovery"
    READING = "Reading a long text"
    HELP = "Help"
    NEW = "New session"
    CONFIRM = "Question"
    EVERYWHERE = "Everywhere"


@dataclass(frozen=True, slots=True)
class KeyAction:
    """One action a person can take with one key."""

    where: Where
    action: str
    """Textual action; empty if the focused widget handles the key itself."""
    keys: str
    """Textual's names of the keys, comma separated."""
    shown: str
    label: str
    """What the footer says, one or two words."""
    help: str


_M, _P, _A, _R, _T, _H, _N, _C, _E = (
    Where.MAIN,
    Where.PROMPT,
    Where.APPROVAL,
    Where.RECOVERY,
    Where.READING,
    Where.HELP,
    Where.NEW,
    Where.CONFIRM,
    Where.EVERYWHERE,
)

KEYS: tuple[KeyAction, ...] = (
    KeyAction(_M, "answer", "a", "a", "answer", "Answer the approval that the dock names"),
    KeyAction(_M, "next_needy(1)", "n", "n", "next", "Next session that needs me"),
    KeyAction(_M, "next_needy(-1)", "N", "N", "previous", "Previous session that needs me"),
    KeyAction(_M, "", "enter", "enter", "open", "Open the session, or the event in full"),
    KeyAction(_M, "write", "i,p", "i", "write", "Write to the agent (also p)"),
    KeyAction(_M, "new_session", "c", "c", "new", "Create a session"),
    KeyAction(_M, "cancel_turn", "x", "x", "cancel", "Cancel the turn or the start; agent stays"),
    KeyAction(_M, "close_session", "X", "X", "close", "Close the session: its run ends (asks)"),
    KeyAction(_M, "mark_read", "r", "r", "read", "Mark the session as read"),
    KeyAction(_M, "pane('output')", "1", "1", "output", "Show the Output"),
    KeyAction(_M, "pane('trace')", "2", "2", "trace", "Show the Trace, one event a line"),
    KeyAction(_M, "zoom", "z", "z", "zoom", "Zoom the focused side, and back"),
    KeyAction(_M, "", "tab", "tab", "focus", "Next part (shift+tab: the one before)"),
    KeyAction(_M, "leave", "escape", "esc", "back", "Close the event's detail, go to the list"),
    KeyAction(_M, "help", "question_mark", "?", "help", "Show this help"),
    KeyAction(_M, "app.quit", "q", "q", "quit", "Leave; agents and supervisor go on"),
    KeyAction(_P, "", "enter", "enter", "send", "Send; queued while a turn runs"),
    KeyAction(_P, "leave", "escape", "esc", "leave", "Leave the prompt line; its text stays"),
    KeyAction(_A, "decide('approve')", "a", "a", "approve once", "Approve this once"),
    KeyAction(
        _A, "decide('approve_session')", "s", "s", "for the session", "Approve for the session"
    ),
    KeyAction(_A, "decide('deny')", "d", "d", "deny", "Deny; the agent goes on without it"),
    KeyAction(_A, "deny_with_reason", "D", "D", "deny with reason", "Deny and say why"),
    KeyAction(_A, "decide('abort')", "x", "x", "deny and cancel turn", "Deny and cancel the turn"),
    KeyAction(_A, "next", "n", "n", "next", "Leave it undecided, show the next approval"),
    KeyAction(_A, "leave", "escape", "esc", "undecided", "Leave it undecided"),
    KeyAction(_R, "recover('resume')", "r", "r", "resume", "Resume the agent's own session"),
    KeyAction(_R, "recover('restart')", "t", "t", "restart", "Restart with an empty memory"),
    KeyAction(_R, "recover('abandon')", "b", "b", "abandon", "Abandon: the session is closed"),
    KeyAction(_R, "next", "n", "n", "next", "Leave it undecided, show the next approval"),
    KeyAction(_R, "leave", "escape", "esc", "undecided", "Leave it undecided"),
    KeyAction(_T, "scroll('down')", "down,j", "↓", "down", "One line down (also j)"),
    KeyAction(_T, "scroll('up')", "up,k", "↑", "up", "One line up (also k)"),
    KeyAction(_T, "scroll('page_down')", "space,pagedown", "space", "page", "One page down"),
    KeyAction(_T, "scroll('page_up')", "b,pageup", "b", "page up", "One page up (pageup)"),
    KeyAction(_T, "scroll('end')", "end,G", "G", "end", "To the end (also end)"),
    KeyAction(_T, "scroll('home')", "home,g", "g", "top", "To the top (also home)"),
    KeyAction(_H, "close", "escape,question_mark,q", "esc", "close", "Close the help"),
    KeyAction(_N, "create", "ctrl+s", "ctrl+s", "create", "Create the session"),
    KeyAction(_N, "", "tab", "tab", "next field", "Next field (shift+tab: the one before)"),
    KeyAction(_N, "leave", "escape", "esc", "cancel", "Cancel; nothing is created"),
    KeyAction(_C, "reply(True)", "y", "y", "yes", "Yes, do it"),
    KeyAction(_C, "reply(False)", "n,escape", "n", "no", "No, leave everything as it is"),
    KeyAction(_E, "app.command_palette", "", "ctrl+p", "palette", "Every action by name"),
    KeyAction(_E, "app.quit", "ctrl+c", "ctrl+c", "quit", "Leave; agents and supervisor go on"),
)


def keys_of(where: Where) -> list[KeyAction]:
    """Return the actions of one place in the order of footer and help."""
    return [entry for entry in KEYS if entry.where is where]


def bindings(where: Where, *, but: Iterable[str] = (), priority: bool = False) -> list[BindingType]:
    """Return Textual bindings of one place.

    Args:
        where: The place.
        but: Key names to leave out, where another place's action has them.
        priority: Whether the keys go before the focused widget.
    """
    left_out = set(but)
    made: list[BindingType] = []
    for entry in keys_of(where):
        names = ",".join(key for key in entry.keys.split(",") if key and key not in left_out)
        if entry.action and names:
            made.append(Binding(names, entry.action, entry.label, show=False, priority=priority))
    return made
