"""Permission requests: the payload a person decides on, and the option a decision leads to."""

import posixpath
from dataclasses import dataclass
from typing import Any

from quarterdeck.agents.acp import content, validation
from quarterdeck.agents.acp.hostile_input import storable
from quarterdeck.agents.acp.tool_calls import ToolCall
from quarterdeck.model.states import Action
from quarterdeck.rpc.message import Id

CANCELLED: dict[str, Any] = {"outcome": {"outcome": "cancelled"}}
FORM_CANCELLED: dict[str, Any] = {"action": "cancel"}
FORM_DECLINED: dict[str, Any] = {"action": "decline"}
_WANTED: dict[Action, tuple[str, str]] = {
    Action.APPROVE: ("allow_once", "allow_always"),
    Action.APPROVE_SESSION: ("allow_once", "allow_always"),
    Action.DENY: ("reject_once", "reject_always"),
}
_DIRECTORY_KEYS = ("cwd", "workdir")


@dataclass(frozen=True, slots=True)
class OpenPermission:
    """A permission request that has no answer yet."""

    request_id: Id
    tool_call_id: str
    options: list[dict[str, str]]
    in_turn: bool
    """Whether it was asked while a prompt was open: it then ends with that turn."""
    form: bool = False
    """Whether it is a form to fill in, which is answered otherwise."""

    @property
    def cancelled(self) -> dict[str, Any]:
        """The result that answers it without a decision."""
        return FORM_CANCELLED if self.form else CANCELLED


@dataclass(frozen=True, slots=True)
class Choice:
    """The option that stands for a decision; `wide` if it also decides about later calls."""

    option_id: str
    name: str
    kind: str
    wide: bool


def choose(options: list[dict[str, str]], action: Action) -> Choice | None:
    """Return the first option of the fitting kind, or None: then the outcome is `cancelled`.

    Ids and names are never looked at, since several options share a kind and ids differ between
    agents. "For the session" is remembered on our side and answers allow_once each time.
    """
    for kind in _WANTED.get(action, ()):
        for option in options:
            if option["kind"] == kind:
                wide = kind.endswith("_always")
                return Choice(option["option_id"], option["name"], kind, wide)
    return None


def selected(option_id: str) -> dict[str, Any]:
    """Return the result that selects an option."""
    return {"outcome": {"outcome": "selected", "optionId": option_id}}


def problem(params: Any) -> tuple[str | None, bool]:
    """Return what is wrong with a request, and whether it can be asked all the same.

    It can if the tool call has its id and the options are a list: options we cannot read are
    never chosen.
    """
    fault = validation.problem("RequestPermissionRequest", params)
    if fault is None:
        return None, True
    call = params.get("toolCall") if isinstance(params, dict) else None
    usable = (
        isinstance(call, dict)
        and isinstance(call.get("toolCallId"), str)
        and isinstance(params.get("options"), list)
    )
    return fault, usable


def options_of(params: dict[str, Any]) -> list[dict[str, str]]:
    """Return the options in our words; those without id, name or kind are left out."""
    found = []
    for option in content.items(params, "options"):
        told = [option.get(key) for key in ("optionId", "name", "kind")]
        if all(isinstance(value, str) for value in told):
            found.append(dict(zip(("option_id", "name", "kind"), told, strict=True)))
    return found


def payload_of(params: dict[str, Any], known: ToolCall, session_cwd: str) -> dict[str, Any]:
    """Return the whole payload of an approval: the request, and what it leaves to earlier updates.

    Args:
        params: The request's params.
        known: The tool call as it was before the request.
        session_cwd: Where the tool works unless its input says otherwise.
    """
    call = params["toolCall"]
    raw_input = call.get("rawInput")
    if raw_input in (None, {}, [], ""):
        raw_input = known.raw_input
    pieces = content.items(call, "content")
    shown = {item["path"] for item in pieces if content.is_diff(item)}
    earlier = [change for change in known.diffs if change["path"] not in shown]
    merged: dict[str, Any] = {
        "tool_call_id": call["toolCallId"],
        "title": _text(call.get("title")) or known.title,
        "kind": _text(call.get("kind")) or known.kind,
        "raw_input": raw_input,
        "locations": content.snake(content.items(call, "locations") or known.locations),
        "content": content.tool_content(pieces, whole=True) + earlier,
    }
    return {
        "kind": "tool_call",
        "tool_call": {key: value for key, value in merged.items() if value not in (None, [])},
        "options": options_of(params),
        "cwd": _directory(raw_input) or _directory(known.raw_input, session_cwd),
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _directory(raw_input: Any, otherwise: str = "") -> str:
    """Return the directory a tool's input names, if it is a whole path."""
    if isinstance(raw_input, dict):
        for key in _DIRECTORY_KEYS:
            named = raw_input.get(key)
            if isinstance(named, str) and posixpath.isabs(named) and storable(named) == named:
                return named
    return otherwise
