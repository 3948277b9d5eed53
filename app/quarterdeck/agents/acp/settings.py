"""What can be set while a session is open: its mode and its model."""

from typing import Any

from quarterdeck.agents.acp import content, updates
from quarterdeck.agents.acp.facts import Event, Fact, Send, SessionInfo, SettingAnswered, failure
from quarterdeck.agents.acp.hostile_input import error_text
from quarterdeck.agents.acp.outgoing import Outgoing
from quarterdeck.agents.acp.state import State
from quarterdeck.model.event_types import EventType
from quarterdeck.rpc.peer import Answer

SET_MODE = "session/set_mode"
SET_MODEL = "session/set_model"
SET_OPTION = "session/set_config_option"
METHODS = (SET_MODE, SET_MODEL, SET_OPTION)


def learn(state: State, result: dict[str, Any]) -> None:
    """Note from the answer that opened the session what the agent lets us choose."""
    state.model_option = next(
        (
            option["id"]
            for option in content.items(result, "configOptions")
            if option.get("category") == "model" and isinstance(option.get("id"), str)
        ),
        None,
    )
    state.has_models = isinstance(result.get("models"), dict)


def ask_mode(state: State, out: Outgoing, mode: str, command_id: str | None = None) -> Send:
    """Ask for a mode."""
    params = {"sessionId": state.session_id, "modeId": mode}
    send = out.call(SET_MODE, params, command_id)
    return _noted(state, state.modes_asked, send, mode)


def ask_model(state: State, out: Outgoing, model: str, command_id: str | None = None) -> Send:
    """Ask for a model; raises ValueError if the agent has no way to choose one."""
    if state.model_option is not None:
        params = {
            "sessionId": state.session_id,
            "configId": state.model_option,
            "value": model,
        }
        send = out.call(SET_OPTION, params, command_id)
    elif state.has_models:
        params = {"sessionId": state.session_id, "modelId": model}
        send = out.call(SET_MODEL, params, command_id)
    else:
        raise ValueError("the agent lets nobody choose its model")
    return _noted(state, state.models_asked, send, model)


def answered(state: State, out: Outgoing, answer: Answer) -> list[Fact]:
    """Take in the answer to a mode or a model that was asked for."""
    mode = state.modes_asked.pop(answer.id, None)
    model = state.models_asked.pop(answer.id, None)
    command_id = state.settings_asked.pop(answer.id, None)
    facts: list[Fact] = []
    error: str | None = None
    if answer.error is not None:
        error, code = error_text(answer.error), answer.error.get("code")
        what = f"mode {mode!r}" if mode is not None else f"model {model!r}"
        facts.append(failure(f"{what}: {error}", answer.method, code=code))
    elif mode is not None:
        facts += updates.mode_facts(state, mode)
    elif model is not None:
        facts += [Event(EventType.MODE, {"model_id": model}), SessionInfo(model=model)]
    if command_id is not None:
        facts.append(SettingAnswered(command_id, error))
    return facts


def _noted(state: State, asked: dict[Any, str], send: Send, value: str) -> Send:
    asked[send.rpc_id or 0] = value
    if send.command_id is not None:
        state.settings_asked[send.rpc_id or 0] = send.command_id
    return send
