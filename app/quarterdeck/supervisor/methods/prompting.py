"""Methods for whoever writes a prompt: drafts, and what the session's agent takes and offers."""

from typing import Any

from pydantic import Field

from quarterdeck.store import drafts, runs, sessions
from quarterdeck.supervisor import params
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import read


class DraftSet(params.OfSession):
    """What the caller's reader has written so far."""

    text: str = Field(max_length=params.PROMPT_LIMIT)


async def draft_get(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The draft of the caller's reader for a session, the same on all of its clients."""
    session_id = await api.session_id(read(params.OfSession, given).session_id)
    return {"session_id": session_id, "text": await drafts.load(api.db, caller.reader, session_id)}


async def draft_set(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Keep or, if it is empty, forget that draft."""
    asked = read(DraftSet, given)
    session_id = await api.session_id(asked.session_id)
    await api.ctx.store.write(
        lambda tx: drafts.save(tx, caller.reader, session_id, asked.text), durable=False
    )
    return {"session_id": session_id}


async def session_offers(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """What the session's agent offers for a prompt: its slash commands, and whether images go."""
    session_id = await api.session_id(read(params.OfSession, given).session_id)
    row = await sessions.load(api.db, session_id)
    known = await runs.capabilities(api.db, row["agent"])
    told = sessions.json_or_none(row["agent_commands"])
    return {
        "session_id": session_id,
        "commands": told if isinstance(told, list) else [],
        "images": runs.takes_images(known),
    }


METHODS: dict[str, Method] = {
    "draft.get": draft_get,
    "draft.set": draft_set,
    "session.offers": session_offers,
}
