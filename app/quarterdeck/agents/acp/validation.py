"""Checks of the agent's messages against the schema types of agent-client-protocol."""

from typing import Any

from acp import schema
from pydantic import BaseModel, ValidationError

from quarterdeck.agents.acp.hostile_input import storable

UPDATES: dict[str, type[BaseModel]] = {
    "user_message_chunk": schema.UserMessageChunk,
    "agent_message_chunk": schema.AgentMessageChunk,
    "agent_thought_chunk": schema.AgentThoughtChunk,
    "tool_call": schema.ToolCallStart,
    "tool_call_update": schema.ToolCallProgress,
    "plan": schema.AgentPlanUpdate,
    "available_commands_update": schema.AvailableCommandsUpdate,
    "current_mode_update": schema.CurrentModeUpdate,
    "config_option_update": schema.ConfigOptionUpdate,
    "session_info_update": schema.SessionInfoUpdate,
    "usage_update": schema.UsageUpdate,
}
"""The kinds of session/update that have an event; every other kind is kept whole."""

ANSWERS: dict[str, type[BaseModel]] = {
    "initialize": schema.InitializeResponse,
    "session/new": schema.NewSessionResponse,
    "session/load": schema.LoadSessionResponse,
    "session/resume": schema.ResumeSessionResponse,
    "session/fork": schema.ForkSessionResponse,
    "session/prompt": schema.PromptResponse,
}

_ERRORS_SHOWN = 3


def problem(model: type[BaseModel], value: Any) -> str | None:
    """Return why `value` is no `model`, with the place of each fault, or None if it is one."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        told = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults[:_ERRORS_SHOWN]]
        if len(faults) > _ERRORS_SHOWN:
            told.append(f"and {len(faults) - _ERRORS_SHOWN} more")
        return storable("; ".join(told))
    return None


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "the message"
