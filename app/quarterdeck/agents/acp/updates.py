"""session/update: one update becomes events of the closed set."""

from collections.abc import Callable
from typing import Any

from quarterdeck.agents.acp import content, validation
from quarterdeck.agents.acp.facts import Event, Fact, SessionInfo, failure, kept
from quarterdeck.agents.acp.hostile_input import storable
from quarterdeck.agents.acp.state import State
from quarterdeck.agents.acp.tool_calls import FINAL_STATUSES, ToolCall
from quarterdeck.model.event_types import EventType

METHOD = "session/update"
_CHUNKS = {
    "agent_message_chunk": EventType.ASSISTANT_MESSAGE,
    "agent_thought_chunk": EventType.THOUGHT,
}
_TOLD_BY_REPLAY = frozenset(
    {*_CHUNKS, "user_message_chunk", "tool_call", "tool_call_update", "plan"}
)

Update = dict[str, Any]


def text_chunk(state: State, params: Any) -> Event | None:
    """Return the event of a plain text chunk, the bulk of all lines, or None for all else.

    It checks by hand what the schema says of such a chunk, and changes no state.
    """
    if type(params) is not dict or state.replaying:
        return None
    session_id, update = params.get("sessionId"), params.get("update")
    if type(session_id) is not str or session_id != state.session_id or type(update) is not dict:
        return None
    kind, block = update.get("sessionUpdate"), update.get("content")
    if type(kind) is not str or kind not in _CHUNKS or type(block) is not dict:
        return None
    text = block.get("text")
    if block.get("type") != "text" or type(text) is not str or not text:
        return None
    message_id = update.get("messageId")
    if type(message_id) is str:
        return Event(_CHUNKS[kind], {"text": text, "message_id": message_id})
    return Event(_CHUNKS[kind], {"text": text}) if message_id is None else None


def facts_of(state: State, params: Any) -> list[Fact]:
    """Return what an update means; one that is not understood is kept whole."""
    update = params.get("update") if isinstance(params, dict) else None
    kind = update.get("sessionUpdate") if isinstance(update, dict) else None
    if not isinstance(update, dict) or not isinstance(kind, str):
        return [failure("an update without its kind", METHOD), kept(METHOD, params)]
    if kind not in validation.UPDATES:
        return [kept(METHOD, params)]
    fault = validation.problem(validation.UPDATES[kind], update)
    if fault is not None:
        return [failure(f"{kind}: {fault}", METHOD), kept(METHOD, params)]
    if state.replaying and kind in _TOLD_BY_REPLAY:
        state.replayed += 1
        if not state.keep_replay:
            state.tools.replayed(update)
            return []
    if _is_empty_text(update):
        return [kept(METHOD, params)] if update.get("_meta") else []
    return _TABLE[kind](state, update)


def _is_empty_text(update: Update) -> bool:
    block = update.get("content")
    return isinstance(block, dict) and block.get("type") == "text" and not block.get("text")


def _said(update: Update) -> dict[str, Any]:
    """Return text, content and message id of a chunk."""
    block, message_id = update["content"], update.get("messageId")
    payload: dict[str, Any] = {"text": block["text"] if block["type"] == "text" else ""}
    if isinstance(message_id, str):
        payload["message_id"] = message_id
    if block["type"] != "text":
        payload["content"] = content.snake(block)
    return payload


def _agent_chunk(state: State, update: Update) -> list[Fact]:
    return [Event(_CHUNKS[update["sessionUpdate"]], _said(update))]


def _user_chunk(state: State, update: Update) -> list[Fact]:
    """Drop an echo of our own prompt, whole or in pieces: the supervisor noted it already."""
    said = _said(update)
    turn = state.turn
    if turn is not None and said["text"] and turn.echo.startswith(said["text"]):
        turn.echo = turn.echo[len(said["text"]) :]
        return []
    return [Event(EventType.USER_MESSAGE, {"text": said["text"], "from": "agent", **said})]


def _tool_call(state: State, update: Update) -> list[Fact]:
    tool_call_id, status = update["toolCallId"], update.get("status")
    call = state.tools.known(tool_call_id)
    call.merge(update)
    turn = state.turn
    served = turn is not None and (turn.ran or (turn.wrote and call.kind != "execute"))
    cancelled = turn is not None and turn.cancelled
    unasked = call.found_unasked(update, served=served, cancelled=cancelled)
    call.began = call.began or status == "in_progress"
    facts: list[Fact] = [Event(EventType.TOOL_CALL, _told(update, call, unasked=unasked))]
    facts += diff_events(tool_call_id, call)
    if status in ("completed", "failed"):
        text = call.new_output(update)
        if text:
            output = {"tool_call_id": tool_call_id, "text": text}
            facts.append(Event(EventType.COMMAND_OUTPUT, output))
    if isinstance(status, str) and status in FINAL_STATUSES:
        call.finish()
    return facts


def diff_events(tool_call_id: str, call: ToolCall) -> list[Fact]:
    """Return a `diff` event for every diff of the call that was not told before."""
    return [
        Event(
            EventType.DIFF,
            {
                "tool_call_id": tool_call_id,
                "path": change["path"],
                "old_text": change["old_text"],
                "new_text": change["new_text"],
            },
        )
        for change in call.new_diffs()
    ]


def _told(update: Update, call: ToolCall, *, unasked: bool) -> dict[str, Any]:
    """Return the payload of a `tool_call` event; title and kind also where they are known."""
    payload: dict[str, Any] = {
        "tool_call_id": update["toolCallId"],
        "title": call.title,
        "kind": call.kind,
        "status": update["status"] if isinstance(update.get("status"), str) else None,
        "raw_input": update.get("rawInput"),
        "raw_output": update.get("rawOutput"),
        "locations": content.snake(content.items(update, "locations")) or None,
        "content": content.tool_content(content.items(update, "content"), whole=False) or None,
        "unasked": unasked or None,
    }
    told = {key: value for key, value in payload.items() if value is not None}
    return {**told, "update": update["sessionUpdate"] == "tool_call_update"}


def _plan(state: State, update: Update) -> list[Fact]:
    entries = [
        {key: entry.get(key) for key in ("content", "priority", "status")}
        for entry in content.items(update, "entries")
    ]
    return [Event(EventType.PLAN, {"entries": entries})]


def _commands(state: State, update: Update) -> list[Fact]:
    commands = [
        {key: command.get(key) for key in ("name", "description")}
        for command in content.items(update, "availableCommands")
    ]
    told = Event(EventType.BACKEND_STATUS, {"available_commands": commands})
    return [told, SessionInfo(commands=commands)]


def _title(state: State, update: Update) -> list[Fact]:
    title = update.get("title")
    if not isinstance(title, str):
        return [kept(METHOD, {"update": update})]
    title = storable(title)
    return [Event(EventType.BACKEND_STATUS, {"title": title}), SessionInfo(title=title)]


def _mode(state: State, update: Update) -> list[Fact]:
    return mode_facts(state, update["currentModeId"])


def mode_facts(state: State, mode_id: str) -> list[Fact]:
    """Return the facts of a mode being the current one; none if it was before."""
    if mode_id == state.mode:
        return []
    state.mode = mode_id
    return [Event(EventType.MODE, {"mode_id": mode_id}), SessionInfo(mode=mode_id)]


def mode_option(config_options: Any) -> str | None:
    """Return the current value of the configuration option that is the session's mode."""
    for option in config_options if isinstance(config_options, list) else []:
        if isinstance(option, dict) and option.get("category") == "mode":
            value = option.get("currentValue", option.get("current_value"))
            return storable(value) if isinstance(value, str) else None
    return None


def _config(state: State, update: Update) -> list[Fact]:
    options = content.snake(content.items(update, "configOptions"))
    facts: list[Fact] = [Event(EventType.MODE, {"config_options": options})]
    mode = mode_option(options)
    if mode is not None and mode != state.mode:
        state.mode = mode
        facts.append(SessionInfo(mode=mode))
    return facts


def _usage(state: State, update: Update) -> list[Fact]:
    """Tell usage only when it changed: some agents repeat it between any two chunks."""
    read = validation.model("UsageUpdate").model_validate(update).model_dump()
    usage: dict[str, Any] = {"used": read["used"], "size": read["size"]}
    if read["cost"] is not None:
        usage["cost"] = {key: read["cost"][key] for key in ("amount", "currency")}
    if usage == state.usage:
        return []
    state.usage = usage
    return [Event(EventType.USAGE, usage), SessionInfo(usage=usage)]


_TABLE: dict[str, Callable[[State, Update], list[Fact]]] = {
    "user_message_chunk": _user_chunk,
    "agent_message_chunk": _agent_chunk,
    "agent_thought_chunk": _agent_chunk,
    "tool_call": _tool_call,
    "tool_call_update": _tool_call,
    "plan": _plan,
    "available_commands_update": _commands,
    "current_mode_update": _mode,
    "config_option_update": _config,
    "session_info_update": _title,
    "usage_update": _usage,
}
