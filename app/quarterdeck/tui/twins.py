"""Which command of `qd` does what a key does, for every entry of the table of keys."""

from quarterdeck.tui.keys import KeyAction, Where

_MOVES = "moves about the screen"
_LOOKS = "changes only how the screen looks"
_LEAVES = "leaves things as they are"
_TYPES = "is for typing"
_GREP = "a shell finds with grep in what a command prints"
_LISTS = "qd approvals"
_HELD = "a command is not held back, so there is nothing to take back"

_OF_PLACE: dict[Where, str] = {
    Where.READING: _MOVES,
    Where.HELP: _MOVES,
    Where.LINE: _TYPES,
    Where.PROMPT: _TYPES,
    Where.CHOOSE: "is the second half of the action that asked",
    Where.CONFIRM: "is the second half of the action that asked",
}
"""Where nothing has a twin, and why; single entries may differ."""

_OF_LABEL: dict[str, str] = {
    "approve-once": "qd approve",
    "session": "qd approve --for-session",
    "for-the-session": "qd approve --for-session",
    "policy": "qd approve --always",
    "deny": "qd deny",
    "deny-session": "qd deny --for-session",
    "forbid-host": "qd deny --always",
    "with-reason": "qd deny --reason",
    "deny-with-reason": "qd deny --reason",
    "cancel-turn": "qd abort",
    "deny-and-cancel-turn": "qd abort",
    "take-back": _HELD,
    "undecided": _LEAVES,
    "next": _MOVES,
    "previous": _MOVES,
    "page": _MOVES,
    "page-up": _MOVES,
    "line": _MOVES,
    "line-up": _MOVES,
    "up": _MOVES,
    "down": _MOVES,
    "end": _MOVES,
    "top": _MOVES,
    "back": _MOVES,
    "close": _MOVES,
    "focus": _MOVES,
    "zoom": _LOOKS,
    "full-text": _LOOKS,
    "help": "qd --help",
    "quit": "a command ends by itself",
    "stop-all": "qd cancel --all",
}
"""By what is after the dot of an entry's id, where it means the same in every place."""

_OF_ENTRY: dict[str, str] = {
    "main.answer": "qd approve",
    "main.inbox": _LISTS,
    "main.next": "qd ls",
    "main.previous": "qd ls",
    "main.open": "qd show",
    "main.write": "qd send",
    "main.new": "qd new",
    "main.cancel": "qd cancel",
    "main.close": "qd close",
    "main.read": "qd mark-read",
    "main.unread": "qd mark-unread",
    "main.all-read": "qd mark-all-read",
    "main.filter": "qd ls --state",
    "main.find": _GREP,
    "main.next-hit": _GREP,
    "main.hit-before": _GREP,
    "output.find": _GREP,
    "trace.find": _GREP,
    "diff.find": _GREP,
    "main.view": "qd ls --state",
    "main.search": "qd search",
    "main.queue": "qd queue",
    "main.checkpoints": "qd checkpoints",
    "main.approval-mode": "qd approval-mode",
    "main.mode,-model": "qd set-mode",
    "main.usage": "qd usage",
    "main.rename": "qd rename",
    "main.describe": "qd describe",
    "main.pin": "qd pin",
    "main.fork": "qd fork",
    "main.archive": "qd archive",
    "main.delete": "qd delete",
    "main.undo": "unarchive, restore, unpin … are commands of their own",
    "main.messages": "what a command says stays in its terminal",
    "main.output": "qd output",
    "main.trace": "qd trace",
    "main.diff": "qd diff",
    "main.plan": "qd trace",
    "main.info": "qd show",
    "main.copy": "a script has what a command prints",
    "main.copy-to-file": "a script has what a command prints",
    "main.editor": "a shell starts its own editor",
    "output.mark-next": _MOVES,
    "output.mark-before": _MOVES,
    "output.unfold": "changes only how the screen looks",
    "trace.types": "qd trace",
    "trace.next-error": "qd trace",
    "trace.error-before": "qd trace",
    "main.report": "qd status",
    "diff.comment": "a script sends its comments as a prompt",
    "diff.send-comments": "qd send",
    "diff.editor": "a shell starts its own editor",
    "prompt.send": "qd send",
    "prompt.interrupt": "qd send --interrupt",
    "inbox.filter": _LISTS,
    "inbox.select": "a script decides one after the other",
    "inbox.dialog": _LISTS,
    "recovery.resume": "qd approve --option",
    "recovery.restart": "qd approve --option",
    "recovery.abandon": "qd approve --option",
    "form.fill-in": _TYPES,
    "form.send": "qd approve",
    "form.decline": "qd deny",
    "queue.edit": "qd edit",
    "queue.earlier": "qd move --before",
    "queue.later": "qd move --before",
    "queue.take-back": "qd unqueue",
    "queue.undo": "qd send",
    "checkpoints.load": "qd fork --checkpoint",
    "checkpoints.save": "qd checkpoint",
    "checkpoints.forget": "qd checkpoint --delete",
    "usage.turns": "qd usage --by",
    "usage.sessions": "qd usage --by",
    "usage.projects": "qd usage --by",
    "usage.days": "qd usage --by",
    "search.search": "qd search",
    "search.more": "qd search --limit",
    "search.words": "qd search",
    "report.dismiss": "a report is dismissed by who has seen it, on the screen",
    "report.keep": _LEAVES,
    "new.create": "qd new",
    "new.next-field": _TYPES,
    "new.cancel": _LEAVES,
    "main.split": _LOOKS,
    "main.list-wider": _LOOKS,
    "main.list-narrower": _LOOKS,
    "main.order": "qd ls",
    "main.group": "qd projects",
    "first.start": "qd new",
    "everywhere.palette": "qd --help",
}


def twin_of(entry: KeyAction) -> str:
    """Return the command that does the same, beginning with `qd `, else why there is none.

    An entry that nobody has thought of has neither: "".
    """
    label = entry.id.partition(".")[2]
    found = _OF_ENTRY.get(entry.id) or _OF_LABEL.get(label)
    return found or _OF_PLACE.get(entry.where, "")
