"""Lines that are no messages: each is told, and an agent that waits for an answer gets one."""

import re

from quarterdeck.agents.acp import asking
from quarterdeck.agents.acp.facts import Fact, failure
from quarterdeck.agents.acp.hostile_input import shown
from quarterdeck.agents.acp.outgoing import Outgoing
from quarterdeck.agents.acp.permissions import CANCELLED
from quarterdeck.agents.acp.state import State
from quarterdeck.rpc import message
from quarterdeck.rpc.message import Id, Invalid

SHOWN_OF_HANDSHAKE = 50
"""Lines of the handshake that get an event each; the rest is counted."""

_CUT_HEAD = re.compile(
    rb'\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,18}|"[\x21\x23-\x5b\x5d-\x7e]{1,80}")'
    rb'\s*,\s*"method"\s*:\s*"([\w/$.-]{1,80})"'
)


def heard(state: State, out: Outgoing, incoming: Invalid) -> list[Fact]:
    """Report a line that is no message; a blank line is nothing."""
    if not incoming.unread and not incoming.raw.strip():
        return []
    if state.in_handshake:
        state.noise += 1
        if state.noise > SHOWN_OF_HANDSHAKE:
            return []
    told = failure(incoming.reason, "stdout", raw=shown(incoming.raw))
    return [told, *(_refuse_cut(out, incoming.raw) if incoming.unread else [])]


def uncounted(state: State) -> list[Fact]:
    """Return one event about the lines of the handshake that got none."""
    rest = state.noise - SHOWN_OF_HANDSHAKE
    if rest <= 0:
        return []
    return [failure(f"{rest} more lines of the handshake were no messages", "stdout", count=rest)]


def _refuse_cut(out: Outgoing, raw: bytes) -> list[Fact]:
    """Answer a request that was too long to read, where its beginning tells its id."""
    head = _CUT_HEAD.match(raw)
    if head is None:
        return []
    written, method = head[1].decode(), head[2].decode()
    request_id: Id = written.strip('"') if written.startswith('"') else int(written)
    if out.owes(request_id):
        return []
    out.peer.owed.add(request_id)
    if method == asking.METHOD:
        return [out.answer(request_id, CANCELLED)]
    return [out.refuse(request_id, message.INVALID_REQUEST, "the line is over the limit")]
