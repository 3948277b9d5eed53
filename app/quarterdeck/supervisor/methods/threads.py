"""Methods about sessions as threads: names, pins, shelves, forks, checkpoints (C1, C2)."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import Field, field_validator

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import SessionState
from quarterdeck.model.titles import TITLE_LIMIT, fold
from quarterdeck.store import checkpoints, sessions, threads
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import forking, turns
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.methods.starting import check_prompt, started
from quarterdeck.supervisor.params import PROMPT_LIMIT, OfSession, SessionStart, read


class Rename(OfSession):
    """A title of at most 200 characters (A7)."""

    title: str = Field(min_length=1, max_length=TITLE_LIMIT)

    @field_validator("title")
    @classmethod
    def _visible(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be blank")
        return fold(value, TITLE_LIMIT)


class Fork(OfSession):
    """A fork, of the end or of a checkpoint, perhaps with its first prompt."""

    checkpoint: str | None = Field(default=None, min_length=1, max_length=100)
    prompt: str | None = Field(default=None, max_length=PROMPT_LIMIT)
    title: str | None = Field(default=None, max_length=TITLE_LIMIT)
    env: dict[str, str] | None = None
    wait: bool = False
    key: str | None = Field(default=None, min_length=1, max_length=200)


class Checkpoint(OfSession):
    """Names a checkpoint of a person's own."""

    name: str = Field(min_length=1, max_length=100)


def _changing(change: Callable[[Tx, str], Awaitable[None]]) -> Method:
    """Return a method that changes one session and answers with it."""

    async def method(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
        session_id = await api.session_id(read(OfSession, given).session_id)
        await api.ctx.store.write(lambda tx: change(tx, session_id))
        return (await sessions.view(api.db, session_id, caller.reader)).to_wire()

    return method


async def rename(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Another title."""
    asked = read(Rename, given)
    session_id = await api.session_id(asked.session_id)
    title = fold(api.redactor.redact(asked.title), TITLE_LIMIT)
    await api.ctx.store.write(lambda tx: threads.rename(tx, session_id, title))
    return (await sessions.view(api.db, session_id, caller.reader)).to_wire()


async def resume(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Give a session a live run; one that has it is returned as it is (C1)."""
    asked = read(SessionStart, given)
    session_id = await api.session_id(asked.session_id)
    if asked.env is not None:
        api.ctx.client_env[session_id] = asked.env

    async def work(tx: Tx) -> str | None:
        session = await sessions.load(tx.db, session_id)
        if session["active_run_id"] is not None or session["state"] == SessionState.STARTING:
            return session["active_run_id"]
        return await turns.start(api.ctx, tx, session_id)

    run_id = await api.ctx.store.write(work)
    if run_id is not None:
        await started(api, run_id, session_id)
    return (await sessions.view(api.db, session_id, caller.reader)).to_wire()


async def fork(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A new session with this one's agent, directory and history (C1); loads a checkpoint (C2)."""
    asked = read(Fork, given)
    if asked.prompt is not None:
        check_prompt(asked.prompt)
    wanted = forking.Wanted(
        session_id=await api.session_id(asked.session_id),
        checkpoint=api.hidden(asked.checkpoint),
        prompt=asked.prompt,
        title=asked.title,
        key=asked.key,
    )
    ids = await forking.fork(api.ctx, wanted, asked.env)
    if asked.wait and asked.prompt is not None:
        await started(api, str(ids["run_id"]), str(ids["session_id"]))
    return ids


async def checkpoint_save(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Name the point where the session stands now."""
    asked = read(Checkpoint, given)
    _check_own(asked.name)
    name = api.redactor.redact(asked.name)
    session_id = await api.session_id(asked.session_id)

    async def work(tx: Tx) -> dict[str, Any]:
        session = await sessions.load(tx.db, session_id)
        threads.check_not_deleted(session)
        run_id = session["active_run_id"] or session["last_run_id"]
        if run_id is None:
            raise QuarterdeckError("session_not_running", "nothing happened in it yet")
        seq = session["last_event_seq"]
        return (await checkpoints.save(tx, session_id, name, run_id, seq)).to_wire()

    return await api.ctx.store.write(work)


async def checkpoint_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A session's checkpoints, `latest` among them."""
    session_id = await api.session_id(read(OfSession, given).session_id)
    found = await checkpoints.of_session(api.db, session_id)
    return {"checkpoints": [view.to_wire() for view in found]}


async def checkpoint_delete(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Forget a checkpoint; what it named stays."""
    asked = read(Checkpoint, given)
    _check_own(asked.name)
    session_id = await api.session_id(asked.session_id)
    name = api.redactor.redact(asked.name)
    await api.ctx.store.write(lambda tx: checkpoints.delete(tx, session_id, name))
    return {"session_id": session_id, "name": name}


def _check_own(name: str) -> None:
    if name == checkpoints.LATEST:
        raise QuarterdeckError("invalid_params", "name: `latest` is kept by the supervisor")


METHODS: dict[str, Method] = {
    "session.rename": rename,
    "session.pin": _changing(lambda tx, given: threads.set_pinned(tx, given, True)),
    "session.unpin": _changing(lambda tx, given: threads.set_pinned(tx, given, False)),
    "session.archive": _changing(lambda tx, given: threads.set_archived(tx, given, True)),
    "session.unarchive": _changing(lambda tx, given: threads.set_archived(tx, given, False)),
    "session.delete": _changing(threads.delete),
    "session.restore": _changing(threads.restore),
    "session.resume": resume,
    "session.fork": fork,
    "checkpoint.save": checkpoint_save,
    "checkpoint.list": checkpoint_list,
    "checkpoint.delete": checkpoint_delete,
}
