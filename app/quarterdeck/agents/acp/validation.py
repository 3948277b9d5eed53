"""Checks of the agent's messages against the schema types of agent-client-protocol.

The types are named here and looked up when a message is checked: their library takes half a
second to import, which a supervisor need not spend before it can be reached.
"""

import importlib
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from quarterdeck.agents.acp.hostile_input import storable

UPDATES: dict[str, str] = {
    "user_message_chunk": "UserMessageChunk",
    "agent_message_chunk": "AgentMessageChunk",
    "agent_thought_chunk": "AgentThoughtChunk",
    "tool_call": "ToolCallStart",
    "tool_call_update": "ToolCallProgress",
    "plan": "AgentPlanUpdate",
    "available_commands_update": "AvailableCommandsUpdate",
    "current_mode_update": "CurrentModeUpdate",
    "config_option_update": "ConfigOptionUpdate",
    "session_info_update": "SessionInfoUpdate",
    "usage_update": "UsageUpdate",
}
"""The kinds of session/update that have an event; every other kind is kept whole."""

ANSWERS: dict[str, str] = {
    "initialize": "InitializeResponse",
    "session/new": "NewSessionResponse",
    "session/load": "LoadSessionResponse",
    "session/resume": "ResumeSessionResponse",
    "session/fork": "ForkSessionResponse",
    "session/prompt": "PromptResponse",
}

_ERRORS_SHOWN = 3


def preload() -> None:
    """Import the library, so that no message has to wait for it; safe in a thread."""
    importlib.import_module("acp.schema")


@cache
def model(name: str) -> type[BaseModel]:
    """Return a type of the schema by its name."""
    return getattr(importlib.import_module("acp.schema"), name)


def problem(name: str, value: Any) -> str | None:
    """Return why `value` is none of the type `name`, with the place of each fault, or None."""
    try:
        model(name).model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults[:_ERRORS_SHOWN]]
        if len(faults) > _ERRORS_SHOWN:
            told.append(f"and {len(faults) - _ERRORS_SHOWN} more")
        return storable("; ".join(told))
    return None


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "the message"
