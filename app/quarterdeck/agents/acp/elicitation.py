"""Forms an agent asks to be filled in: elicitation/create, as its unstable schema has it (C5)."""

from typing import Any

from quarterdeck.agents.acp import validation
from quarterdeck.agents.acp.facts import Fact, FormAsked, failure, kept
from quarterdeck.agents.acp.hostile_input import storable
from quarterdeck.agents.acp.outgoing import Outgoing
from quarterdeck.agents.acp.permissions import FORM_CANCELLED, OpenPermission
from quarterdeck.agents.acp.state import State
from quarterdeck.model import forms
from quarterdeck.rpc import message
from quarterdeck.rpc.message import Id

METHOD = "elicitation/create"
CAPABILITY: dict[str, Any] = {"form": {}}
"""What of elicitation we tell that we can: forms, and not addresses to be opened."""


def asked(state: State, out: Outgoing, request_id: Id, params: Any) -> list[Fact]:
    """Put a form to a person; one that cannot be shown, or for another session, is refused."""
    fault = _fault(state, params)
    if fault is not None:
        refusal = out.refuse(request_id, message.INVALID_PARAMS, fault)
        return [failure(fault, METHOD), kept(METHOD, params), refusal]
    turn = state.turn
    if turn is not None and turn.cancelled:
        note = "answered `cancel`: the turn is being cancelled"
        return [kept(METHOD, params, note), out.answer(request_id, FORM_CANCELLED)]
    told = storable(params["message"])
    fields = forms.fields_of(params["requestedSchema"])
    called = params.get("toolCallId")
    payload = {
        "kind": "elicitation",
        "text": forms.described(told, fields),
        "schema": params["requestedSchema"],
        "order": [field.name for field in fields],
    }
    state.permissions[request_id] = OpenPermission(
        request_id,
        storable(called) if isinstance(called, str) else "",
        [],
        in_turn=turn is not None,
        form=True,
    )
    return [FormAsked(request_id, told.partition("\n")[0], payload)]


def _fault(state: State, params: Any) -> str | None:
    """Say why a form cannot be put, or return None."""
    if not isinstance(params, dict) or params.get("mode") != "form":
        return "this client fills in forms only (mode `form`)"
    scope = "Session" if "sessionId" in params else "Request"
    fault = validation.problem(f"CreateForm{scope}ElicitationRequest", params)
    if fault is not None:
        return fault
    if "sessionId" in params and state.is_foreign(params["sessionId"]):
        return "not the open session"
    try:
        forms.fields_of(params["requestedSchema"])
    except forms.FormProblem as error:
        return storable(str(error))
    return None
