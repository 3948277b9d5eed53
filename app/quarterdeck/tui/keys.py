"""Every action of the screen with its key: bindings, footer, palette and help are made from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType


class Where(StrEnum):
    """Where a key works; the value is the heading in the help."""

    MAIN = "Sessions and panes"
    OUTPUT = "Output pane"
    TRACE = "Trace pane"
    DIFF = "Diff pane"
    PROMPT = "Prompt line"
    INBOX = "Inbox"
    APPROVAL = "Approval"
    RECOVERY = "Approval of a recovery"
    FORM = "Form to fill in"
    QUEUE = "Queued prompts"
    CHECKPOINTS = "Checkpoints"
    CHOOSE = "A choice"
    USAGE = "Usage"
    SEARCH = "Search"
    LINE = "A line to fill in"
    READING = "Reading a long text"
    REPORT = "Recovery report"
    HELP = "Help"
    NEW = "New session"
    CONFIRM = "Question"
    FIRST = "First run"
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

    @property
    def id(self) -> str:
        """Its name in `[keys]` of config.toml, such as `main.cancel`; unique."""
        return f"{self.where.name.lower()}.{self.label.replace(' ', '-')}"


_M, _P, _I, _A, _R, _F, _Q, _S, _L, _T, _H, _N, _C, _E = (
    Where.MAIN,
    Where.PROMPT,
    Where.INBOX,
    Where.APPROVAL,
    Where.RECOVERY,
    Where.FORM,
    Where.QUEUE,
    Where.SEARCH,
    Where.LINE,
    Where.READING,
    Where.HELP,
    Where.NEW,
    Where.CONFIRM,
    Where.EVERYWHERE,
)
_D, _B = Where.DIFF, Where.REPORT
_V, _Y = Where.OUTPUT, Where.TRACE
_K, _O, _U = Where.CHECKPOINTS, Where.CHOOSE, Where.USAGE

KEYS: tuple[KeyAction, ...] = (
    KeyAction(_M, "answer", "a", "a", "answer", "Answer the approval that the dock names"),
    KeyAction(_M, "inbox", "I", "I", "inbox", "Inbox: every approval that waits"),
    KeyAction(_M, "next_needy(1)", "n", "n", "next", "Next session that needs me"),
    KeyAction(_M, "next_needy(-1)", "N", "N", "previous", "Previous session that needs me"),
    KeyAction(_M, "", "enter", "enter", "open", "Open the session, or the event in full"),
    KeyAction(_M, "write", "i,p", "i", "write", "Write to the agent (also p)"),
    KeyAction(_M, "new_session", "c", "c", "new", "Create a session"),
    KeyAction(_M, "cancel_turn", "x", "x", "cancel", "Cancel the turn or the start; agent stays"),
    KeyAction(
        _M,
        "app.stop_all",
        "exclamation_mark",
        "!",
        "stop all",
        "Stop all agents: every turn and start (asks)",
    ),
    KeyAction(_M, "close_session", "X", "X", "close", "Close the session: its run ends (asks)"),
    KeyAction(_M, "mark_read", "r", "r", "read", "Mark the session as read"),
    KeyAction(_M, "thread('unread')", "u", "u", "unread", "Mark the session as unread"),
    KeyAction(_M, "all_read", "M", "M", "all read", "Mark every session as read"),
    KeyAction(_M, "filter", "slash", "/", "filter", "Filter the list as you type"),
    KeyAction(_M, "find", "F", "F", "find", "Find text in the pane (there also /)"),
    KeyAction(_M, "hit(1)", "full_stop", ".", "next hit", "Next place that was found in the pane"),
    KeyAction(_M, "hit(-1)", "comma", ",", "hit before", "The place found before"),
    KeyAction(_M, "view", "v", "v", "view", "List all, waiting, failed … archived, deleted"),
    KeyAction(_M, "order", "O", "O", "order", "Sort by attention, activity, title or agent"),
    KeyAction(_M, "group", "b", "b", "group", "Group by project, agent, host (← → fold)"),
    KeyAction(_M, "search", "S", "S", "search", "Search everything ever recorded"),
    KeyAction(_M, "queue", "Q", "Q", "queue", "Queued prompts: edit, reorder, take back"),
    KeyAction(_M, "checkpoints", "C", "C", "checkpoints", "Checkpoints: save, load, forget"),
    KeyAction(_M, "approval_mode", "E", "E", "approval mode", "How much is asked: approval mode"),
    KeyAction(_M, "agent_mode", "T", "T", "mode, model", "The agent's mode and model"),
    KeyAction(_M, "usage", "dollar_sign", "$", "usage", "Usage: tokens and cost"),
    KeyAction(_M, "thread('rename')", "R", "R", "rename", "Rename the session"),
    KeyAction(_M, "thread('describe')", "D", "D", "describe", "Say what it is about: its summary"),
    KeyAction(_M, "thread('pin')", "P", "P", "pin", "Pin the session, or unpin it"),
    KeyAction(_M, "thread('fork')", "f", "f", "fork", "Fork the session with its history"),
    KeyAction(_M, "thread('archive')", "A", "A", "archive", "Archive the session, or take it out"),
    KeyAction(
        _M,
        "thread('delete')",
        "number_sign,delete",
        "#",
        "delete",
        "Delete it (asks), or restore it",
    ),
    KeyAction(_M, "undo", "U", "U", "undo", "Undo the last thing, where a toast offers it"),
    KeyAction(_M, "past_messages", "L", "L", "messages", "What was said down here before"),
    KeyAction(_M, "pane('output')", "1", "1", "output", "Show the Output"),
    KeyAction(_M, "pane('trace')", "2", "2", "trace", "Show the Trace, one event a line"),
    KeyAction(_M, "pane('diff')", "3", "3", "diff", "Show the Diff: work tree against base"),
    KeyAction(_M, "pane('plan')", "4", "4", "plan", "Show the Plan the agent told"),
    KeyAction(_M, "pane('info')", "5", "5", "info", "Show the Info: directory, ids, usage, runs"),
    KeyAction(_M, "recovery_report", "W", "W", "report", "Recovery report of the last start"),
    KeyAction(_M, "copy", "y", "y", "copy", "Copy block, event, hunk or what is selected"),
    KeyAction(_M, "copy_to_file", "Y", "Y", "copy to file", "Write what y copies to a file"),
    KeyAction(_M, "open_file", "o", "o", "editor", "Open the file it is about in $EDITOR"),
    KeyAction(_M, "zoom", "z", "z", "zoom", "Zoom the focused side, and back"),
    KeyAction(_M, "split", "vertical_line", "|", "split", "Split: two panes at once, and back"),
    KeyAction(_M, "share(1)", "greater_than_sign", ">", "list wider", "Give the list more room"),
    KeyAction(_M, "share(-1)", "less_than_sign", "<", "list narrower", "Give the list less room"),
    KeyAction(_M, "", "tab", "tab", "focus", "Next part (shift+tab: the one before)"),
    KeyAction(_M, "leave", "escape", "esc", "back", "Close the event's detail, go to the list"),
    KeyAction(_M, "help", "question_mark", "?", "help", "Show this help"),
    KeyAction(_M, "app.quit", "q", "q", "quit", "Leave; agents and supervisor go on"),
    KeyAction(_V, "step_block(1)", "right_square_bracket", "]", "mark next", "Mark the next block"),
    KeyAction(
        _V, "step_block(-1)", "left_square_bracket", "[", "mark before", "Mark the block before"
    ),
    KeyAction(_V, "unfold", "enter", "enter", "unfold", "Unfold the tool call, or fold it"),
    KeyAction(_V, "find", "slash", "/", "find", "Find text in the output, also in folded calls"),
    KeyAction(_Y, "find", "slash", "/", "find", "Find text in the lines of the trace"),
    KeyAction(_Y, "filter_types", "t", "t", "types", "Show only events of some types"),
    KeyAction(_Y, "jump_error(1)", "e", "e", "next error", "Go to the next error"),
    KeyAction(_Y, "jump_error(-1)", "E", "E", "error before", "Go to the error before"),
    KeyAction(_D, "find", "slash", "/", "find", "Find text in the difference shown"),
    KeyAction(_D, "comment", "m", "m", "comment", "Comment the line under the cursor"),
    KeyAction(_D, "send_comments", "s", "s", "send comments", "Put the comments into the prompt"),
    KeyAction(_D, "open_in_editor", "o", "o", "editor", "Open the file at the line in $EDITOR"),
    KeyAction(_P, "", "enter", "enter", "send", "Send; queued while a turn runs"),
    KeyAction(_P, "new_line", "ctrl+j,alt+enter,shift+enter", "ctrl+j", "new line", "New line"),
    KeyAction(_P, "interrupt", "ctrl+g", "ctrl+g", "interrupt", "End the turn and send this next"),
    KeyAction(_P, "leave", "escape", "esc", "leave", "Leave the prompt line; its text stays"),
    KeyAction(_P, "", "up", "↑", "history", "At the top: earlier prompts (↓ goes back)"),
    KeyAction(_P, "edit", "ctrl+e", "ctrl+e", "editor", "Write it in $EDITOR"),
    KeyAction(_P, "", "", "@ /", "complete", "File names after @, commands after a first /"),
    KeyAction(_P, "paste", "ctrl+v", "ctrl+v", "paste", "Paste; a picture goes beside the text"),
    KeyAction(_P, "", "backspace", "⌫", "take away", "At the start: the last image goes"),
    KeyAction(_I, "decide('approve')", "a", "a", "approve once", "Approve once and go on"),
    KeyAction(
        _I, "decide('approve_session')", "s", "s", "session", "Approve for the session and go on"
    ),
    KeyAction(_I, "amend", "p", "p", "policy", "Approve and add the rule that is offered"),
    KeyAction(_I, "decide('deny')", "d", "d", "deny", "Deny and go on"),
    KeyAction(_I, "decide('deny_session')", "S", "S", "deny session", "Deny this host: session"),
    KeyAction(_I, "forbid", "P", "P", "forbid host", "Deny and add a rule against the host"),
    KeyAction(_I, "deny_with_reason", "D", "D", "with reason", "Deny and say why"),
    KeyAction(_I, "decide('abort')", "x", "x", "cancel turn", "Deny and cancel the turn"),
    KeyAction(_I, "take_back", "z,alt+z", "z", "take back", "Take held decisions back"),
    KeyAction(_I, "next(1)", "n", "n", "next", "Next approval; this one stays undecided"),
    KeyAction(_I, "next(-1)", "N", "N", "previous", "Previous approval"),
    KeyAction(
        _I, "select", "space", "space", "select", "Select it, to decide several at once if read"
    ),
    KeyAction(_I, "zoom", "e", "e", "full text", "Give the text all the room, and back"),
    KeyAction(_I, "open", "enter", "enter", "dialog", "Its dialog; recoveries are answered there"),
    KeyAction(_I, "scroll('page_down')", "f,pagedown", "f", "page", "One page of text down"),
    KeyAction(_I, "scroll('page_up')", "b,pageup", "b", "page up", "One page of text up"),
    KeyAction(_I, "scroll('down')", "J", "J", "line", "One line of text down"),
    KeyAction(_I, "scroll('up')", "K", "K", "line up", "One line of text up"),
    KeyAction(_I, "scroll('end')", "G,end", "G", "end", "To the end of the text"),
    KeyAction(_I, "scroll('home')", "g,home", "g", "top", "To the top of the text"),
    KeyAction(_I, "filter", "slash", "/", "filter", "Filter the list as you type"),
    KeyAction(
        _I,
        "app.stop_all",
        "exclamation_mark",
        "!",
        "stop all",
        "Stop all agents: every turn and start (asks)",
    ),
    KeyAction(_I, "help", "question_mark", "?", "help", "Show this help"),
    KeyAction(_I, "leave", "escape,I", "esc", "back", "Leave the filter, the zoom, the inbox"),
    KeyAction(_A, "decide('approve')", "a", "a", "approve once", "Approve this once"),
    KeyAction(
        _A, "decide('approve_session')", "s", "s", "for the session", "Approve for the session"
    ),
    KeyAction(_A, "amend", "p", "p", "policy", "Approve and add the rule that is offered"),
    KeyAction(_A, "decide('deny')", "d", "d", "deny", "Deny; the agent goes on without it"),
    KeyAction(_A, "decide('deny_session')", "S", "S", "deny session", "Deny this host: session"),
    KeyAction(_A, "forbid", "P", "P", "forbid host", "Deny and add a rule against the host"),
    KeyAction(_A, "deny_with_reason", "D", "D", "deny with reason", "Deny and say why"),
    KeyAction(_A, "decide('abort')", "x", "x", "deny and cancel turn", "Deny and cancel the turn"),
    KeyAction(_A, "take_back", "z,alt+z", "z", "take back", "Take the held decision back"),
    KeyAction(_A, "next", "n", "n", "next", "Leave it undecided, show the next approval"),
    KeyAction(_A, "leave", "escape", "esc", "undecided", "Leave it undecided"),
    KeyAction(_R, "recover('resume')", "r", "r", "resume", "Resume the agent's own session"),
    KeyAction(_R, "recover('restart')", "t", "t", "restart", "Restart with an empty memory"),
    KeyAction(_R, "recover('abandon')", "b", "b", "abandon", "Abandon: the session is closed"),
    KeyAction(_R, "next", "n", "n", "next", "Leave it undecided, show the next approval"),
    KeyAction(_R, "leave", "escape", "esc", "undecided", "Leave it undecided"),
    KeyAction(_F, "fill", "enter,i", "enter", "fill in", "To the first field (tab: the next)"),
    KeyAction(_F, "decide('approve')", "a,ctrl+g", "a", "send", "Send it (ctrl+g in a field)"),
    KeyAction(_F, "decide('deny')", "d", "d", "decline", "Decline; the agent goes on without it"),
    KeyAction(_F, "decide('abort')", "x", "x", "cancel turn", "Decline and cancel the turn"),
    KeyAction(_F, "take_back", "z,alt+z", "z", "take back", "Take the held answer back"),
    KeyAction(_F, "next", "n", "n", "next", "Leave it undecided, show the next approval"),
    KeyAction(_F, "leave", "escape", "esc", "undecided", "Out of the field; leave it undecided"),
    KeyAction(_Q, "edit", "e", "e", "edit", "Edit the prompt (also enter)"),
    KeyAction(_Q, "shift(-1)", "K", "K", "earlier", "Send it earlier"),
    KeyAction(_Q, "shift(1)", "J", "J", "later", "Send it later"),
    KeyAction(_Q, "take_back", "x,delete", "x", "take back", "Take the prompt back"),
    KeyAction(_Q, "undo", "U", "U", "undo", "Send the prompt that was taken back again"),
    KeyAction(_Q, "leave", "escape,Q", "esc", "close", "Close the queue"),
    KeyAction(_K, "", "enter", "enter", "load", "Load it: a fork with the history up to there"),
    KeyAction(_K, "save", "s", "s", "save", "Name the point where the session stands now"),
    KeyAction(_K, "forget", "x,delete", "x", "forget", "Forget the checkpoint (asks)"),
    KeyAction(_K, "leave", "escape,C", "esc", "close", "Close the checkpoints"),
    KeyAction(_O, "", "enter", "enter", "choose", "Choose what is under the cursor"),
    KeyAction(_O, "leave", "escape", "esc", "cancel", "Leave everything as it is"),
    KeyAction(_U, "by('turn')", "t", "t", "turns", "The turns of the session"),
    KeyAction(_U, "by('session')", "s", "s", "sessions", "Add up by session"),
    KeyAction(_U, "by('project')", "p", "p", "projects", "Add up by project"),
    KeyAction(_U, "by('day')", "d", "d", "days", "Add up by day"),
    KeyAction(_U, "leave", "escape,dollar_sign", "esc", "close", "Close the usage"),
    KeyAction(_S, "", "enter", "enter", "search", "Search, or open the trace at the event"),
    KeyAction(_S, "more", "m", "m", "more", "More results"),
    KeyAction(_S, "line", "slash", "/", "words", "Change the words"),
    KeyAction(_S, "leave", "escape", "esc", "back", "Leave the search"),
    KeyAction(_L, "", "enter", "enter", "take", "Take what was typed"),
    KeyAction(_L, "leave", "escape", "esc", "cancel", "Leave everything as it is"),
    KeyAction(_T, "scroll('down')", "down,j", "↓", "down", "One line down (also j)"),
    KeyAction(_T, "scroll('up')", "up,k", "↑", "up", "One line up (also k)"),
    KeyAction(_T, "scroll('page_down')", "space,pagedown", "space", "page", "One page down"),
    KeyAction(_T, "scroll('page_up')", "b,pageup", "b", "page up", "One page up (pageup)"),
    KeyAction(_T, "scroll('end')", "end,G", "G", "end", "To the end (also end)"),
    KeyAction(_T, "scroll('home')", "home,g", "g", "top", "To the top (also home)"),
    KeyAction(_B, "dismiss_report", "d,enter", "d", "dismiss", "Dismiss it: you have seen it"),
    KeyAction(_B, "scroll_report(1)", "down,j", "↓", "down", "One line down (also j)"),
    KeyAction(_B, "scroll_report(-1)", "up,k", "↑", "up", "One line up (also k)"),
    KeyAction(_B, "scroll_report(10)", "space,pagedown", "space", "page", "Ten lines down"),
    KeyAction(_B, "scroll_report(-10)", "b,pageup", "b", "page up", "Ten lines up"),
    KeyAction(_B, "leave", "escape,W", "esc", "keep", "Leave it on the screen"),
    KeyAction(_H, "", "", "a–z", "filter", "Type to filter the keys"),
    KeyAction(_H, "scroll_help(1)", "down", "↓", "down", "One line down"),
    KeyAction(_H, "scroll_help(-1)", "up", "↑", "up", "One line up"),
    KeyAction(_H, "scroll_help(10)", "pagedown", "pgdn", "page", "Ten lines down"),
    KeyAction(_H, "scroll_help(-10)", "pageup", "pgup", "page up", "Ten lines up"),
    KeyAction(_H, "close", "escape", "esc", "close", "Close the help"),
    KeyAction(_N, "create", "ctrl+g", "ctrl+g", "create", "Create the session (go)"),
    KeyAction(_N, "", "tab", "tab", "next field", "Next field (shift+tab: the one before)"),
    KeyAction(_N, "leave", "escape", "esc", "cancel", "Cancel; nothing is created"),
    KeyAction(_C, "reply(True)", "y", "y", "yes", "Yes, do it"),
    KeyAction(_C, "reply(False)", "n,escape", "n", "no", "No, leave everything as it is"),
    KeyAction(Where.FIRST, "start", "enter", "enter", "start", "Start the agent found, here"),
    KeyAction(_E, "app.command_palette", "", "ctrl+p", "palette", "Every action by name"),
    KeyAction(_E, "app.quit", "ctrl+c", "ctrl+c", "quit", "Leave; agents and supervisor go on"),
)


_changed: dict[str, KeyAction] = {}


def take(changed: Mapping[str, KeyAction]) -> None:
    """Let footer, palette and help show the keys a person chose; see `keymap`."""
    _changed.clear()
    _changed.update(changed)


def keys_of(where: Where) -> list[KeyAction]:
    """Return the actions of one place, in the order of footer and help, with their keys now."""
    return [_changed.get(entry.id, entry) for entry in KEYS if entry.where is where]


def bindings(where: Where, *, but: Iterable[str] = (), priority: bool = False) -> list[BindingType]:
    """Return Textual bindings of one place.

    Args:
        where: The place.
        but: Key names to leave out, where another place's action has them.
        priority: Whether the keys go before the focused widget.
    """
    left_out = set(but)
    made: list[BindingType] = []
    for entry in KEYS:
        names = ",".join(key for key in entry.keys.split(",") if key and key not in left_out)
        if entry.where is where and entry.action and names:
            label, action = entry.label, entry.action
            made.append(Binding(names, action, label, show=False, priority=priority, id=entry.id))
    return made
