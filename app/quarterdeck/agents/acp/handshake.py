"""The handshake: greet the agent, open the session, set its mode (R3, R4, D2)."""

from typing import Any

from quarterdeck import __version__
from quarterdeck.agents.acp import content, elicitation, noise, settings, updates, validation
from quarterdeck.agents.acp.facts import Fact, Ready, SessionInfo, StartFailed, Via, failure
from quarterdeck.agents.acp.hostile_input import error_text, storable
from quarterdeck.agents.acp.outgoing import Outgoing
from quarterdeck.agents.acp.state import Phase, State
from quarterdeck.rpc.peer import Answer

PROTOCOL_VERSION = 1
AUTH_REQUIRED = -32000
INITIALIZE = "initialize"
OPENING: dict[Via, str] = {
    "new": "session/new",
    "load": "session/load",
    "resume": "session/resume",
    "fork": "session/fork",
}


def begin(out: Outgoing) -> Fact:
    """Say what this client can do: files and terminals, or some agents act behind its back."""
    params = {
        "protocolVersion": PROTOCOL_VERSION,
        "clientCapabilities": {
            "fs": {"readTextFile": True, "writeTextFile": True},
            "terminal": True,
            "elicitation": elicitation.CAPABILITY,
        },
        "clientInfo": {"name": "quarterdeck", "title": "Quarterdeck", "version": __version__},
    }
    return out.call(INITIALIZE, params)


def greeted(state: State, out: Outgoing, answer: Answer) -> list[Fact]:
    """Take in the answer to initialize and choose how to open the session."""
    if answer.error is not None:
        return _failed(state, _refused(answer.method, answer.error))
    result = answer.result
    if not isinstance(result, dict):
        told = "the agent's answer to initialize is no object"
        return _failed(state, StartFailed(told, recoverable=False))
    version = result.get("protocolVersion")
    if isinstance(version, bool) or version != PROTOCOL_VERSION:
        told = f"the agent speaks version {version!r:.40} of ACP, and not {PROTOCOL_VERSION}"
        return _failed(state, StartFailed(storable(told), recoverable=False))
    abilities = _object(result.get("agentCapabilities"))
    state.greeting = {
        "agent_info": content.snake(result.get("agentInfo")),
        "capabilities": content.snake(abilities),
        "auth_methods": content.snake(result.get("authMethods")),
    }
    state.can_load = abilities.get("loadSession") is True
    offered = _object(abilities.get("sessionCapabilities"))
    can_resume = offered.get("resume") is not None
    if state.intent == "fork":
        state.opening = "new" if offered.get("fork") is None else "fork"
    elif state.intent != "new":
        state.opening = "resume" if state.intent == "resume" and can_resume else "load"
        if state.opening == "load" and not state.can_load:
            return _failed(state, StartFailed("agent cannot load sessions", recoverable=False))
    return [*_doubts(answer), _open(state, out)]


def opened(state: State, out: Outgoing, answer: Answer) -> list[Fact]:
    """Take in the answer to what opens the session.

    A failed resume is tried as a load, a failed fork as a new session that knows nothing yet.
    """
    if answer.error is not None and state.opening == "fork":
        told = failure(f"{error_text(answer.error)}; trying session/new", answer.method)
        state.opening, state.replaying = "new", False
        return [told, _open(state, out)]
    if answer.error is not None:
        if state.opening != "resume" or not state.can_load:
            return _failed(state, _refused(answer.method, answer.error))
        told = failure(f"{error_text(answer.error)}; trying session/load", answer.method)
        state.opening = "load"
        return [told, _open(state, out)]
    result = _object(answer.result)
    if state.opening in ("new", "fork"):
        session_id = result.get("sessionId")
        if not isinstance(session_id, str) or session_id != storable(session_id):
            told = f"the agent's answer to {answer.method} has no session id"
            return _failed(state, StartFailed(told, recoverable=True))
        state.session_id = session_id
    return [*_doubts(answer), *noise.uncounted(state), *_ready(state, out, result)]


def _open(state: State, out: Outgoing) -> Fact:
    state.phase = Phase.OPENING
    params: dict[str, Any] = {"cwd": state.cwd, "mcpServers": []}
    if state.opening != "new":
        state.replaying = True
        params["sessionId"] = state.fork_of if state.opening == "fork" else state.session_id
    return out.call(OPENING[state.opening], params)


def _ready(state: State, out: Outgoing, result: dict[str, Any]) -> list[Fact]:
    """Set the mode that is wanted, for no agent keeps it over a restart, and be ready.

    Ready comes last: what the supervisor sends because of it must not overtake the mode.
    """
    told = {**result, "sessionId": None, "_meta": None}
    info = {**content.snake(told), **state.greeting, "replayed": state.replayed}
    state.phase, state.greeting = Phase.READY, {}
    settings.learn(state, result)
    mode = _object(result.get("modes")).get("currentModeId")
    state.mode = (
        storable(mode)
        if isinstance(mode, str)
        else updates.mode_option(content.items(result, "configOptions"))
    )
    info = {key: value for key, value in info.items() if value is not None}
    facts: list[Fact] = [] if state.mode is None else [SessionInfo(mode=state.mode)]
    if state.wanted_mode is not None:
        facts.append(settings.ask_mode(state, out, state.wanted_mode))
    return [*facts, Ready(state.session_id or "", state.opening, info)]


def _refused(method: str, error: dict[str, Any]) -> StartFailed:
    """Return the failure that an error answer is.

    A failed load or resume is always worth another try; else only a demand for a login is not.
    """
    login = error.get("code") == AUTH_REQUIRED and method in (INITIALIZE, OPENING["new"])
    reason = f"{method}: {error_text(error)}"
    return StartFailed(f"the agent wants a login: {reason}" if login else reason, not login)


def _failed(state: State, failed: StartFailed) -> list[Fact]:
    state.phase = Phase.FAILED
    return [*noise.uncounted(state), failed]


def _doubts(answer: Answer) -> list[Fact]:
    """Tell of an answer that works and still is not as the schema has it."""
    told = {} if answer.result is None else answer.result
    fault = validation.problem(validation.ANSWERS[answer.method], told)
    return [] if fault is None else [failure(fault, answer.method)]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
