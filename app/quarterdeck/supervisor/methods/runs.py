"""Methods about runs: prompts, cancelling, closing, traces."""

from typing import Any

from pydantic import Field

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store import commands, events, runs, sessions
from quarterdeck.store.prompt_images import PromptImage
from quarterdeck.supervisor import ending, params, stopping, turns
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.methods.starting import check_prompt, started
from quarterdeck.supervisor.params import read


class RunCancel(params.OfRun):
    """A12; without a run id the active one is meant, else the last."""

    reason: str | None = Field(default=None, min_length=1, max_length=2000)


async def session_runs(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A session's runs."""
    session_id = await api.session_id(read(params.OfSession, given).session_id)
    found = await runs.of_session(api.db, session_id)
    return {"runs": [view.to_wire() for view in found]}


async def session_commands(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A session's last commands; A3."""
    asked = read(params.CommandList, given)
    session_id = await api.session_id(asked.session_id)
    found = await commands.of_session(api.db, session_id, asked.limit)
    return {"commands": [view.to_wire() for view in found]}


async def session_send(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A prompt to a session; R6."""
    asked = read(params.SessionSend, given)
    check_prompt(asked.text)
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    if asked.env is not None:
        api.ctx.client_env[session_id] = asked.env
    await _check_same(api, session_id, asked)
    images = [PromptImage(image.mime_type, image.data) for image in asked.images]
    row = await api.ctx.store.write(
        lambda tx: turns.send(
            api.ctx,
            tx,
            session_id,
            asked.text,
            run_id,
            asked.key,
            interrupt=asked.interrupt,
            images=images,
        )
    )
    return commands.to_view(row).to_wire()


async def _check_same(api: Api, session_id: str, asked: params.SessionSend) -> None:
    """Refuse to reuse a session across its project boundary or with another agent (A6)."""
    session = await sessions.load(api.db, session_id)
    for name, wanted in (("project", asked.project), ("agent", asked.agent)):
        if wanted is not None and wanted != session[name]:
            raise QuarterdeckError(
                f"{name}_mismatch",
                f"session {session_id} has the {name} {session[name]!r}, not {wanted!r}",
                session=session[name],
                requested=wanted,
            )


async def session_start(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A run for a session that has none; returns when its handshake is over (R2, R4)."""
    asked = read(params.SessionStart, given)
    session_id = await api.session_id(asked.session_id)
    if asked.env is not None:
        api.ctx.client_env[session_id] = asked.env
    run_id = await api.ctx.store.write(lambda tx: turns.start(api.ctx, tx, session_id))
    await started(api, run_id, session_id)
    return {"session_id": session_id, "run_id": run_id}


async def session_cancel(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """End the turn, or the start; R8."""
    asked = read(params.OfRun, given)
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    row = await api.ctx.store.write(lambda tx: turns.cancel(api.ctx, tx, session_id, run_id))
    return commands.to_view(row).to_wire()


async def session_cancel_all(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """End every turn and start, and take back every waiting prompt; agents stay alive."""
    read(params.Nothing, given)
    return await stopping.stop_all(api.ctx)


async def session_close(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """End the session's run."""
    session_id = await api.session_id(read(params.OfSession, given).session_id)
    row = await api.ctx.store.write(lambda tx: turns.close(api.ctx, tx, session_id))
    return commands.to_view(row).to_wire()


async def run_cancel(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """End a whole run as cancelled: its commands, the reason, the run, in this order; A12."""
    asked = read(RunCancel, given)
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    if run_id is None:
        session = await sessions.load(api.db, session_id)
        run_id = session["active_run_id"] or session["last_run_id"]
    if run_id is None:
        raise QuarterdeckError("session_not_running", f"session {session_id} never had a run")
    reason = api.hidden(asked.reason) or f"{caller.reader} cancelled it"
    row = await api.ctx.store.write(lambda tx: ending.cancel_run(api.ctx, tx, run_id, reason))
    return runs.to_view(row).to_wire()


async def run_finish(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Mark a run finished; R7."""
    asked = read(params.RunFinish, given)
    session_id = await api.session_id(asked.session_id)
    failure = api.hidden(asked.failure)
    await api.ctx.store.write(
        lambda tx: turns.finish(api.ctx, tx, session_id, asked.run_id, failure)
    )
    return {"session_id": session_id, "run_id": asked.run_id}


async def event_list(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A page of a run's trace or output; A3, A11."""
    asked = read(params.EventList, given)
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    if run_id is None:
        session = await sessions.load(api.db, session_id)
        run_id = session["active_run_id"] or session["last_run_id"]
    if run_id is None:
        return {"run_id": None, "events": [], "cursor": asked.after_seq}
    found, cursor = await events.page(
        api.db,
        run_id,
        after_seq=asked.after_seq,
        limit=asked.limit,
        output=asked.output,
        types=None if asked.types is None else frozenset(asked.types),
    )
    return {
        "run_id": run_id,
        "events": [view.to_wire() for view in found],
        "cursor": cursor,
    }


METHODS: dict[str, Method] = {
    "session.runs": session_runs,
    "session.commands": session_commands,
    "session.send": session_send,
    "session.start": session_start,
    "session.cancel": session_cancel,
    "session.cancel_all": session_cancel_all,
    "session.close": session_close,
    "run.cancel": run_cancel,
    "run.finish": run_finish,
    "event.list": event_list,
}
