"""Methods about gates: asked for by name, decided like every other approval (D9)."""

from typing import Any

from pydantic import Field

from quarterdeck.store import approvals, gates
from quarterdeck.store.gates import GateKey
from quarterdeck.supervisor import gating
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import Params, read

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class OfGate(Params):
    """Names a gate."""

    run_id: str = Field(min_length=1, max_length=200)
    gate: str = Field(pattern=_NAME)
    stage: str = Field(pattern=_NAME)
    round: int = Field(default=1, ge=1, le=1_000_000)


class GateAsk(OfGate):
    """A gate to be put to a person, with the whole text that is decided about."""

    title: str = Field(default="", max_length=500)
    text: str = Field(min_length=1, max_length=1024 * 1024)


async def ask(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Put a gate; the same again returns the first one."""
    asked = read(GateAsk, given)
    key = GateKey(asked.run_id, asked.gate, asked.stage, asked.round)
    approval_id = await api.ctx.store.write(
        lambda tx: gating.ask(api.ctx, tx, key, asked.title, asked.text)
    )
    return (await approvals.view(api.db, approval_id)).to_wire()


async def find(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The approval of a gate, or none; whether its decision has brought about all it has to."""
    asked = read(OfGate, given)
    row = await gates.find(api.db, GateKey(asked.run_id, asked.gate, asked.stage, asked.round))
    if row is None:
        return {"approval": None, "settled": False}
    view = await approvals.view(api.db, row["approval_id"])
    return {"approval": view.to_wire(), "settled": row["effect"] == gates.DONE}


METHODS: dict[str, Method] = {"gate.ask": ask, "gate.get": find}
