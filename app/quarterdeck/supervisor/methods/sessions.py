"""Methods about sessions: creating, listing, read marks."""

from typing import Any

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.titles import PREVIEW_LIMIT, fold, title
from quarterdeck.store import readers, sessions
from quarterdeck.supervisor import params, turns
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.methods.starting import check_prompt, started
from quarterdeck.supervisor.params import read


async def session_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A10."""
    asked = read(params.SessionList, given)
    found, cursor = await sessions.page(
        api.db,
        caller.reader,
        state=asked.state,
        agent=asked.agent,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return {"sessions": [view.to_wire() for view in found], "cursor": cursor}


async def session_get(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """One session."""
    session_id = await api.session_id(read(params.OfSession, given).session_id)
    return (await sessions.view(api.db, session_id, caller.reader)).to_wire()


async def session_new(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A session with its first prompt; R3, R4."""
    asked = read(params.SessionNew, given)
    check_prompt(asked.prompt)
    api.ctx.profile(asked.agent)
    payload = canonical([asked.agent, asked.cwd, asked.prompt, asked.title])
    new = sessions.NewSession(
        session_id=new_id(Prefix.SESSION),
        project=asked.cwd,
        agent=asked.agent,
        cwd=asked.cwd,
        title=title(asked.title, asked.prompt),
        preview=fold(asked.prompt, PREVIEW_LIMIT),
        start_key=asked.key,
        start_sha256=sha256(payload) if asked.key else None,
    )
    api.ctx.client_env[new.session_id] = asked.env
    ids = await api.ctx.store.write(lambda tx: turns.create(api.ctx, tx, new, asked.prompt))
    if asked.wait:
        await started(api, ids["run_id"], ids["session_id"])
    return ids


async def mark_read(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Store what the caller's reader has seen; A9."""
    asked = read(params.MarkRead, given)
    session_id = await api.session_id(asked.session_id)
    current = await sessions.view(api.db, session_id, caller.reader)
    version = min(asked.version, current.version)
    if version > current.read_version:
        await api.ctx.store.write(lambda tx: readers.mark(tx, caller.reader, session_id, version))
    return {"session_id": session_id, "version": version}


METHODS: dict[str, Method] = {
    "session.list": session_list,
    "session.get": session_get,
    "session.new": session_new,
    "session.mark_read": mark_read,
}
