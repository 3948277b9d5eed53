"""Methods about sessions: creating, listing, read marks."""

from typing import Any

from pydantic import Field

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.records import SessionView, to_table
from quarterdeck.model.titles import PREVIEW_LIMIT, fold, title
from quarterdeck.store import listing, readers, sessions
from quarterdeck.supervisor import params, turns
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.methods.describing import Described
from quarterdeck.supervisor.methods.starting import check_prompt, started
from quarterdeck.supervisor.params import read


class New(params.SessionNew, Described):
    """A new session, and what is said of it (A6)."""


class Changes(params.Params):
    """A10's change feed."""

    after_version: int = Field(default=0, ge=0, lt=2**63)
    limit: int = 100


class MarkAllRead(params.Params):
    """Which sessions are meant: those the client has seen, perhaps of one project."""

    up_to_version: int | None = Field(default=None, ge=0, lt=2**63)
    project: str | None = Field(default=None, max_length=4096)


async def session_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A10."""
    asked = read(params.SessionList, given)
    wanted = listing.Wanted(caller.reader, asked.state, asked.agent, asked.project)
    found, cursor = await listing.page(api.db, wanted, cursor=asked.cursor, limit=asked.limit)
    return {"sessions": to_table(SessionView, found), "cursor": cursor}


async def session_get(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """One session."""
    session_id = await api.session_id(read(params.OfSession, given).session_id)
    return (await sessions.view(api.db, session_id, caller.reader)).to_wire()


async def session_new(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A session with its first prompt; R3, R4."""
    asked = read(New, given)
    check_prompt(asked.prompt)
    api.ctx.profile(asked.agent)
    redactor = api.ctx.redactors.current({**api.ctx.client_env, "": asked.env})
    bundle = None if asked.bundle is None else asked.bundle.told(redactor)
    said = asked.said()
    payload = canonical(
        [asked.agent, asked.cwd, asked.prompt, asked.title, bundle, asked.approval_mode]
        + ([said] if said else [])
    )
    noted = (asked.metadata or {}).get("title")
    named = asked.title
    if not named and isinstance(noted, str):
        named = noted
    # Redacted before it is folded: a secret that is cut may not be known for one any more.
    prompt = redactor.redact(asked.prompt)
    new = sessions.NewSession(
        session_id=new_id(Prefix.SESSION),
        project=asked.cwd,
        agent=asked.agent,
        cwd=asked.cwd,
        title=title(named and redactor.redact(named), prompt),
        preview=fold(prompt, PREVIEW_LIMIT),
        start_key=asked.key,
        start_sha256=sha256(payload) if asked.key else None,
        approval_mode=asked.approval_mode.value,
        described=asked.columns(redactor),
    )
    api.ctx.client_env[new.session_id] = asked.env
    ids = await api.ctx.store.write(lambda tx: turns.create(api.ctx, tx, new, asked.prompt, bundle))
    api.ctx.rearm_sessions()
    if asked.wait:
        await started(api, ids["run_id"], ids["session_id"])
    return ids


async def session_changes(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The sessions that changed after a version, in version order (A8, A10)."""
    asked = read(Changes, given)
    found, cursor = await listing.changes(
        api.db, caller.reader, after_version=asked.after_version, limit=asked.limit
    )
    return {"sessions": to_table(SessionView, found), "cursor": cursor}


async def project_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The projects, with counts of what the caller's reader has to look at."""
    read(params.Nothing, given)
    found = await listing.projects(api.db, caller.reader)
    return {"projects": [view.to_wire() for view in found]}


async def mark_unread(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Make a session unread for the caller's reader; A9."""
    session_id = await api.session_id(read(params.OfSession, given).session_id)
    await api.ctx.store.write(lambda tx: readers.unmark(tx, caller.reader, session_id))
    return {"session_id": session_id}


async def mark_all_read(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Mark every listed session read for the caller's reader; A9."""
    asked = read(MarkAllRead, given)
    marked = await api.ctx.store.write(
        lambda tx: readers.mark_all(tx, caller.reader, asked.up_to_version, asked.project)
    )
    return {"marked": marked}


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
    "session.changes": session_changes,
    "session.mark_read": mark_read,
    "session.mark_unread": mark_unread,
    "session.mark_all_read": mark_all_read,
    "project.list": project_list,
}
