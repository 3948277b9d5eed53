"""Methods that find events of a run by their types."""

from typing import Annotated, Any

from pydantic import Field

from quarterdeck.model.event_types import EventType
from quarterdeck.store import event_finding, sessions
from quarterdeck.supervisor import params
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import read

Types = Annotated[
    list[Annotated[EventType, Field(strict=False)]], Field(min_length=1, max_length=24)
]


class Seqs(params.OfRun):
    """Places of all events of some types."""

    types: Types
    after_seq: int = Field(default=0, ge=0, lt=2**63)
    limit: int = event_finding.SEQS_LIMIT


class Nearest(params.OfRun):
    """The nearest event of some types."""

    types: Types
    from_seq: int = Field(ge=0, lt=2**63)
    forward: bool = True


async def _run_id(api: Api, asked: params.OfRun) -> str | None:
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    if run_id is not None:
        return run_id
    session = await sessions.load(api.db, session_id)
    return session["active_run_id"] or session["last_run_id"]


async def event_seqs(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The seqs of a run's events of some types, in order, and the last seq examined."""
    asked = read(Seqs, given)
    run_id = await _run_id(api, asked)
    if run_id is None:
        return {"run_id": None, "seqs": [], "cursor": asked.after_seq}
    found, cursor = await event_finding.seqs(
        api.db, run_id, set(asked.types), after_seq=asked.after_seq, limit=asked.limit
    )
    return {"run_id": run_id, "seqs": found, "cursor": cursor}


async def event_nearest(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The seq of the nearest event of some types after or before one."""
    asked = read(Nearest, given)
    run_id = await _run_id(api, asked)
    if run_id is None:
        return {"run_id": None, "seq": None}
    seq = await event_finding.nearest(
        api.db, run_id, set(asked.types), from_seq=asked.from_seq, forward=asked.forward
    )
    return {"run_id": run_id, "seq": seq}


METHODS: dict[str, Method] = {"event.seqs": event_seqs, "event.nearest": event_nearest}
