"""The life of a permission request: asked, decided, withdrawn."""

from typing import Any

from quarterdeck.agents.acp import permissions, updates
from quarterdeck.agents.acp.facts import (
    Fact,
    PermissionAsked,
    PermissionWithdrawn,
    failure,
    kept,
)
from quarterdeck.agents.acp.hostile_input import storable
from quarterdeck.agents.acp.outgoing import Outgoing
from quarterdeck.agents.acp.permissions import (
    CANCELLED,
    FORM_CANCELLED,
    FORM_DECLINED,
    OpenPermission,
)
from quarterdeck.agents.acp.state import State
from quarterdeck.model.states import Action
from quarterdeck.rpc.message import Id

METHOD = "session/request_permission"
OPEN_LIMIT = 64
"""Questions of one agent that may wait for a person at a time."""
REQUEST_CANCELLED = -32800


def asked(
    state: State, out: Outgoing, request_id: Id, params: dict[str, Any], fault: str | None
) -> list[Fact]:
    """Ask a person, whatever is odd about the request: an agent without an answer hangs.

    Only while a cancel is under way it is answered `cancelled` at once.

    Args:
        state: The conversation.
        out: Its speaking side.
        request_id: The agent's id of the request.
        params: Its params, of which tool call id and the list of options are sure.
        fault: What else the schema has against them.
    """
    facts: list[Fact] = [] if fault is None else [failure(fault, METHOD)]
    turn, call = state.turn, params["toolCall"]
    tool_call_id = storable(call["toolCallId"])
    known = state.tools.known(call["toolCallId"])
    payload = permissions.payload_of(params, known, state.cwd)
    known.merge(call)
    known.asked = True
    if turn is not None and turn.cancelled:
        note = "answered `cancelled`: the turn is being cancelled"
        return [*facts, kept(METHOD, params, note), out.answer(request_id, CANCELLED)]
    if len(state.permissions) >= OPEN_LIMIT:
        note = f"answered `cancelled`: {OPEN_LIMIT} of its questions are open"
        return [*facts, kept(METHOD, params, note), out.answer(request_id, CANCELLED)]
    if state.is_foreign(params.get("sessionId")):
        facts.append(failure("asked for another session than the open one", METHOD))
    elif turn is None:
        facts.append(failure("asked while no prompt is open", METHOD))
    facts += updates.diff_events(call["toolCallId"], known)
    state.permissions[request_id] = OpenPermission(
        request_id, tool_call_id, payload["options"], in_turn=turn is not None
    )
    title = storable(known.title or known.kind or "a tool call")
    return [*facts, PermissionAsked(request_id, tool_call_id, title, payload)]


def decided(
    state: State, out: Outgoing, request_id: Id, action: Action, reason: str | None = None
) -> list[Fact]:
    """Return the answer that a decision is, with an error event if no option quite fits it.

    Args:
        state: The conversation.
        out: Its speaking side.
        request_id: The agent's id of the request.
        action: Approve, deny or abort.
        reason: Told beside the answer, as metadata: the protocol has no other place for it.
    """
    request = state.permissions.pop(request_id)
    if request.form:
        declined = action is not Action.ABORT
        return [out.answer(request_id, FORM_DECLINED if declined else FORM_CANCELLED)]
    choice = permissions.choose(request.options, action)
    result = CANCELLED if choice is None else permissions.selected(choice.option_id)
    if reason is not None:
        result = {**result, "_meta": {"quarterdeck": {"reason": reason}}}
    facts: list[Fact] = [out.answer(request_id, result)]
    if action is Action.ABORT:
        return facts
    if choice is None:
        told = f"the agent offers no option for {action.value}: answered `cancelled`"
        facts.append(failure(told, METHOD))
    elif choice.wide:
        told = (
            f"the agent offers no option for this one call: answered {choice.name!r} "
            f"({choice.kind}), which it will apply to later calls too"
        )
        facts.append(failure(storable(told), METHOD))
    return facts


def withdraw(state: State, out: Outgoing, request_id: Id) -> list[Fact]:
    """Answer an open permission `cancelled`; a JSON-RPC error would wedge some agents."""
    request = state.permissions.pop(request_id)
    return [out.answer(request_id, request.cancelled), PermissionWithdrawn(request_id)]


def taken_back(state: State, out: Outgoing, params: Any) -> list[Fact]:
    """Settle a request of any method that the agent wants no answer to any more."""
    request_id = params.get("requestId") if isinstance(params, dict) else None
    if isinstance(request_id, bool) or not isinstance(request_id, int | str):
        return []
    if request_id in state.permissions:
        return withdraw(state, out, request_id)
    if not out.owes(request_id):
        return []
    refusal = out.refuse(request_id, REQUEST_CANCELLED, "cancelled by the agent")
    return [refusal, PermissionWithdrawn(request_id)]
