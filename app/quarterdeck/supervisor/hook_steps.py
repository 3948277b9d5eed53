"""The order of lifecycle steps: each response and each call begins once and ends once (C6).

What is remembered is in memory: after a restart of the supervisor a response that was under way
begins anew, under a new id, and a call that had ended is told of again only if its agent does.
"""

from collections import OrderedDict
from typing import Any

from quarterdeck.model.states import Action
from quarterdeck.supervisor.hook_kinds import BREAK, HookKind

REMEMBERED = 10_000
_ENDS = (HookKind.TOOL_COMPLETED, HookKind.TOOL_FAILED, HookKind.TOOL_DENIED)
_APPROVING = (Action.APPROVE, Action.APPROVE_SESSION, Action.APPROVE_ALWAYS)

Step = tuple[HookKind, dict[str, Any]]


class Steps:
    """Turns what was recorded into the steps that hooks are told of."""

    def __init__(self) -> None:
        self._tools: OrderedDict[tuple[str, str], HookKind] = OrderedDict()
        self._responses: OrderedDict[str, str] = OrderedDict()

    def of(self, run_id: str, name: str, payload: dict[str, Any]) -> list[Step]:
        """Return the steps that a piece of news is, in order.

        A response ends with whatever is not more of it. A call that was let through is told as
        dispatched; one that was denied has no end besides.
        """
        if name == HookKind.RESPONSE_DELTA:
            return self._more(run_id, payload)
        if name == HookKind.EVENT:
            return [(HookKind.EVENT, payload)]
        steps = self._response_over(run_id)
        if name == BREAK:
            return steps
        kind = HookKind(name)
        called = payload.get("tool_call_id")
        if not isinstance(called, str):
            return [*steps, (kind, payload)]
        if kind is HookKind.APPROVAL_DECIDED:
            steps.append((kind, payload))
            if payload.get("action") in _APPROVING:
                return steps + self._tool(run_id, called, HookKind.TOOL_DISPATCHING, payload)
            self._remember(run_id, called, HookKind.TOOL_DENIED)
            return steps
        if not name.startswith("tool."):
            return [*steps, (kind, payload)]
        return steps + self._tool(run_id, called, kind, payload)

    def _more(self, run_id: str, payload: dict[str, Any]) -> list[Step]:
        known = self._responses.get(run_id)
        steps: list[Step] = []
        if known is None:
            known = f"{run_id}:{payload.get('seq')}"
            self._responses[run_id] = known
            while len(self._responses) > REMEMBERED:
                self._responses.popitem(last=False)
            steps.append((HookKind.RESPONSE_START, {"response_id": known}))
        return [*steps, (HookKind.RESPONSE_DELTA, payload | {"response_id": known})]

    def _response_over(self, run_id: str) -> list[Step]:
        known = self._responses.pop(run_id, None)
        return [] if known is None else [(HookKind.RESPONSE_END, {"response_id": known})]

    def _tool(
        self, run_id: str, called: str, kind: HookKind, payload: dict[str, Any]
    ) -> list[Step]:
        before = self._tools.get((run_id, called))
        if before in _ENDS or before == kind:
            return []
        self._remember(run_id, called, kind)
        ends = kind in (HookKind.TOOL_COMPLETED, HookKind.TOOL_FAILED)
        if ends and before is not HookKind.TOOL_DISPATCHING:
            return [(HookKind.TOOL_DISPATCHING, {"tool_call_id": called}), (kind, payload)]
        return [(kind, payload)]

    def _remember(self, run_id: str, called: str, kind: HookKind) -> None:
        self._tools[(run_id, called)] = kind
        while len(self._tools) > REMEMBERED:
            self._tools.popitem(last=False)
