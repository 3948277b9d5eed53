"""The life of a turn: prompted, cancelled, ended."""

from collections.abc import Sequence
from typing import Any

from quarterdeck.agents.acp import asking, validation
from quarterdeck.agents.acp.facts import Event, Fact, Send, TurnEnded, failure
from quarterdeck.agents.acp.hostile_input import error_text, storable
from quarterdeck.agents.acp.outgoing import Outgoing
from quarterdeck.agents.acp.state import State, Turn
from quarterdeck.model.event_types import EventType
from quarterdeck.rpc.peer import Answer

PROMPT = "session/prompt"
CANCEL = "session/cancel"


def prompt(
    state: State,
    out: Outgoing,
    command_id: str,
    text: str,
    images: Sequence[tuple[str, str]] = (),
) -> Send:
    """Open a turn; what the agent sends from now on is no replay of its history."""
    if state.replaying:
        state.replaying = False
        state.tools.clear()
    blocks = [{"type": "text", "text": text}]
    blocks += [{"type": "image", "mimeType": kind, "data": data} for kind, data in images]
    send = out.call(PROMPT, {"sessionId": state.session_id, "prompt": blocks}, command_id)
    state.turn = Turn(send.rpc_id or 0, command_id, echo=text)
    return send


def cancel(state: State, out: Outgoing, *, always: bool = False) -> list[Fact]:
    """Send session/cancel once a turn, then `cancelled` for every open permission.

    Args:
        state: The conversation.
        out: Its speaking side.
        always: Send it without an open turn of ours too.
    """
    facts: list[Fact] = []
    turn = state.turn
    if (turn is not None and not turn.cancelled) or (turn is None and always):
        facts.append(out.notify(CANCEL, {"sessionId": state.session_id}))
    if turn is not None:
        turn.cancelled = True
    for request_id in list(state.permissions):
        facts += asking.withdraw(state, out, request_id)
    return facts


def answered(state: State, out: Outgoing, answer: Answer) -> list[Fact]:
    """Take in the answer to session/prompt: every answer ends the turn, however odd it is."""
    if state.turn is None or state.turn.call_id != answer.id:
        return [failure("an answer to no open prompt", PROMPT)]
    if answer.error is not None:
        return ended(state, out, error=error_text(answer.error), code=answer.error.get("code"))
    fault = validation.problem("PromptResponse", answer.result)
    result = answer.result if isinstance(answer.result, dict) else {}
    reason = result.get("stopReason")
    if not isinstance(reason, str):
        return ended(state, out, error=f"no valid answer to the prompt: {fault}")
    facts: list[Fact] = [] if fault is None else [failure(fault, PROMPT)]
    usage = _usage(result.get("usage"))
    return facts + ended(state, out, reason=storable(reason), usage=usage)


def ended(
    state: State,
    out: Outgoing,
    *,
    reason: str | None = None,
    usage: dict[str, Any] | None = None,
    error: str | None = None,
    code: Any = None,
) -> list[Fact]:
    """Close the turn, the permissions it left open, and what was known of its tool calls."""
    turn, state.turn = state.turn, None
    if turn is None:
        return []
    facts: list[Fact] = []
    for request_id, request in list(state.permissions.items()):
        if request.in_turn:
            facts.append(failure("the turn ended with this question open", asking.METHOD))
            facts += asking.withdraw(state, out, request_id)
    state.tools.end_turn()
    status: dict[str, Any] = {
        "stop_reason": reason or "error",
        "usage": usage,
        "command_id": turn.command_id,
        "error": error,
        "code": code if isinstance(code, int) else None,
    }
    told = {key: value for key, value in status.items() if value is not None}
    event = Event(EventType.TERMINAL_STATUS, told)
    return [*facts, event, TurnEnded(turn.command_id, reason, usage, error)]


def _usage(told: Any) -> dict[str, Any] | None:
    if validation.problem("Usage", told) is not None:
        return None
    read = validation.model("Usage").model_validate(told)
    return read.model_dump(exclude_none=True, exclude={"field_meta"})
