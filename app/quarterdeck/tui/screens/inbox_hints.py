"""Which keys the inbox names at its foot: those that have something to do now."""

from quarterdeck.model.states import Action, ApprovalKind
from quarterdeck.tui.dialogs.amendment import FORBID, offer
from quarterdeck.tui.inbox import Inbox, Item
from quarterdeck.tui.keys import KeyAction, Where, keys_of
from quarterdeck.tui.widgets.key_line import KeyHint

PAGE_DOWN = "scroll('page_down')"
"""The one of the scrolling keys that is named."""
_DECIDING = ("decide", "amend", "forbid", "deny_with_reason")
_ABOUT_ONE = (*_DECIDING, "select", "next", "zoom", "open")
"""What needs a question to be shown."""


def inbox_hints(inbox: Inbox, item: Item | None) -> list[KeyHint]:
    """Return the hints of the keys, in the order of the key table.

    Args:
        inbox: All that is open.
        item: What is shown of it, if anything is.
    """
    return [_hint(entry, item) for entry in keys_of(Where.INBOX) if _is_named(entry, inbox, item)]


def about_host(item: Item) -> bool:
    """Tell whether a host is asked about, which can be denied for the whole session."""
    return item.deciding.view.kind == ApprovalKind.NETWORK_HOST


def _hint(entry: KeyAction, item: Item | None) -> KeyHint:
    verb = _verb(entry)
    if item is None or verb not in _DECIDING:
        return KeyHint.of(entry)
    approving = "approve" in entry.action or verb == "amend"
    action = Action.APPROVE if approving else Action.DENY
    return KeyHint.of(entry, ready=item.deciding.why_not(action, timed=False) is None)


def _is_named(entry: KeyAction, inbox: Inbox, item: Item | None) -> bool:
    verb = _verb(entry)
    if verb == "take_back":
        return bool(inbox.held())
    if verb == "filter":
        return len(inbox) > 0
    if verb == "scroll":
        return item is not None and entry.action == PAGE_DOWN
    if verb not in _ABOUT_ONE:
        return True
    return item is not None and _fits(entry, verb, item)


def _fits(entry: KeyAction, verb: str, item: Item) -> bool:
    """Tell whether what is asked can be answered by a key."""
    if verb in _DECIDING and item.deciding.asked.own_dialog:
        return False
    if "deny_session" in entry.action and not about_host(item):
        return False
    if "approve_session" in entry.action and item.deciding.view.kind == ApprovalKind.GATE:
        return False
    if verb == "amend":
        return offer(item.deciding.view) is not None
    return verb != "forbid" or offer(item.deciding.view, FORBID) is not None


def _verb(entry: KeyAction) -> str:
    return entry.action.partition("(")[0]
