"""Asking the person at the other end whether a step may be done."""

from enum import Enum

from acp import RequestError, text_block, tool_content
from acp.interfaces import Client
from acp.schema import PermissionOption, ToolCallStart, ToolCallUpdate
from pydantic import ValidationError

OPTIONS = [
    PermissionOption(option_id="allow_once", name="Run it", kind="allow_once"),
    PermissionOption(
        option_id="allow_always",
        name="Run it and do not ask again for this step's command in this session",
        kind="allow_always",
    ),
    PermissionOption(option_id="reject_once", name="Deny", kind="reject_once"),
]


class Decision(Enum):
    """What was answered. CANCELLED: nothing, since the turn is being ended."""

    ONCE = "allow_once"
    ALWAYS = "allow_always"
    DENIED = "reject_once"
    CANCELLED = "cancelled"


async def ask(client: Client, session_id: str, call: ToolCallStart, reason: str) -> Decision:
    """Ask with the whole tool call in the question; whatever is not a clear yes is a no.

    Args:
        reason: Why it is asked; shown before the diff. May be empty.

    Raises:
        ConnectionError: if the client is gone.
    """
    because = [tool_content(text_block(reason))] if reason else []
    question = ToolCallUpdate(
        tool_call_id=call.tool_call_id,
        title=call.title,
        kind=call.kind,
        status="pending",
        content=[*because, *(call.content or [])] or None,
        locations=call.locations,
        raw_input=call.raw_input,
    )
    try:
        answer = await client.request_permission(
            session_id=session_id, tool_call=question, options=OPTIONS
        )
    except (RequestError, ValidationError):
        return Decision.DENIED
    if answer.outcome.outcome == "cancelled":
        return Decision.CANCELLED
    known = {decision.value: decision for decision in Decision}
    return known.get(answer.outcome.option_id, Decision.DENIED)
