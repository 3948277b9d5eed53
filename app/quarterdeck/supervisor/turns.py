"""Prompts: queued as commands, handed over one at a time, cancelled (R6, R8, A12)."""

from collections.abc import Sequence
from typing import Any

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.states import (
    LIVE_SESSION_STATES,
    PROMPT_KINDS,
    ApprovalState,
    CommandKind,
    CommandState,
    RunState,
    SessionState,
)
from quarterdeck.store import (
    approvals,
    checkpoints,
    commands,
    prompt_images,
    runs,
    sessions,
    threads,
)
from quarterdeck.store.prompt_images import PromptImage
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import asking, forking, lifecycle, spending, spooling
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder


async def next_turn(rec: Recorder) -> None:
    """Hand the session's next waiting prompt to its idle agent; overlapping ones lose turns."""
    run, tx = rec.run, rec.tx
    if run.driver is None or run.stopping is not None:
        return
    session = await sessions.load(tx.db, run.session_id)
    if session["state"] != SessionState.IDLE or session["active_run_id"] != run.run_id:
        return
    row = await commands.next_turn(tx, run.session_id)
    if row is None or await spending.holds(rec, session):
        return
    told = {"text": row["text"], "command_id": row["command_id"]}
    prompt = row["text"]
    if session["parent_session_id"] is not None:
        history = await forking.untold_history(rec)
        if history is not None:
            prompt = f"{history}\n\n{prompt}"
            told["history"] = {"of": session["parent_session_id"], "characters": len(history)}
    images = await _images(rec, row["command_id"])
    if images:
        told["images"] = [{"mime_type": i.mime_type, "bytes": i.size} for i in images]
    blocks = [(image.mime_type, image.data) for image in images]
    facts = run.driver.prompt(row["command_id"], prompt, blocks)
    tx.be_certain()
    rec.event(EventType.USER_MESSAGE, told)
    await checkpoints.save(tx, run.session_id, checkpoints.LATEST, run.run_id, run.last_seq)
    await rec.say(facts)
    await commands.acknowledge(tx, row["command_id"], run.run_id)
    await sessions.move(
        tx,
        run.session_id,
        SessionState.RUNNING,
        source="request",
        run_id=run.run_id,
        execution_state="running",
        active_command_id=row["command_id"],
        last_command_id=row["command_id"],
    )


async def _images(rec: Recorder, command_id: str) -> list[PromptImage]:
    """Return a prompt's images, if the agent takes images; else say that they were left out."""
    images = await prompt_images.of_command(rec.tx, command_id)
    if not images:
        return []
    row = await runs.load(rec.tx.db, rec.run.run_id)
    info = sessions.json_or_none(row["agent_info"])
    if runs.takes_images(info.get("capabilities") if isinstance(info, dict) else None):
        return images
    message = f"the agent takes no images: {len(images)} of the prompt were left out"
    rec.event(EventType.ERROR, {"message": message, "where": "session/prompt"})
    return []


def check_run(session: Row, run_id: str | None) -> None:
    """Refuse a command that names a run which is not the session's running one (R6).

    Raises:
        QuarterdeckError: `run_mismatch`, `session_starting` or `session_not_running`.
    """
    if run_id is None:
        return
    active, state = session["active_run_id"], session["state"]
    if active is None:
        raise QuarterdeckError("session_not_running", "the session has no live run")
    if active != run_id:
        raise QuarterdeckError(
            "run_mismatch",
            f"the active run is {active}, not {run_id}",
            active=active,
            requested=run_id,
        )
    if state in (SessionState.CREATED, SessionState.STARTING):
        raise QuarterdeckError("session_starting", "the session's agent is starting")


async def send(
    ctx: Context,
    tx: Tx,
    session_id: str,
    text: str,
    run_id: str | None,
    key: str | None,
    *,
    interrupt: bool = False,
    images: Sequence[PromptImage] = (),
) -> Row:
    """Queue a prompt; hand it over if the agent is idle; start a run if none is live (R6).

    One that interrupts ends the running turn and goes out next, before what is queued.

    Raises:
        QuarterdeckError: see `check_run`; `conflict`; `command_channel_closed` while the run is
            being ended; `agent_not_reading` if it leaves too much unread.
    """
    session = await sessions.load(tx.db, session_id)
    threads.check_not_deleted(session)
    check_run(session, run_id)
    payload: dict[str, Any] = {"text": text}
    if images:
        payload["images"] = [[image.mime_type, sha256(image.data)] for image in images]
    digest = sha256(canonical(payload))
    active = session["active_run_id"]
    run = await ctx.current(tx, active)
    if run is not None and run.stopping is not None:
        raise QuarterdeckError("command_channel_closed", "the run is being ended")
    if run is not None and run.keeper is not None and run.keeper_gone:
        raise QuarterdeckError("command_channel_closed", "the run's agent has just ended")
    if run is not None and len(run.unspooled) and run.keeper is not None:
        _check_backlog(run.spool.backlog())
    kind = CommandKind.STEER if interrupt else CommandKind.TURN
    row = await commands.insert(
        tx,
        session_id,
        active,
        kind,
        text=text,
        key=key,
        payload_sha256=digest,
        any_run=run_id is None,
    )
    if row["state"] != CommandState.PENDING:
        return row
    if not await prompt_images.of_command(tx, row["command_id"]):  # the same key, sent again
        await prompt_images.add(tx, row["command_id"], images)
    if interrupt:
        await commands.put_first(tx, row)
    if run is not None and session["state"] in LIVE_SESSION_STATES:
        rec = await Recorder.open(ctx, tx, run)
        if interrupt and session["active_command_id"] is not None:
            await _interrupt(rec)
        await next_turn(rec)
        await rec.flush()
    elif active is None and session["state"] != SessionState.STARTING:
        via = "resume" if session["agent_session_id"] else "new"
        begun = await lifecycle.begin(ctx, tx, await _anew(tx, session_id), via, source="request")
        await tx.run(
            "UPDATE commands SET run_id = ? WHERE command_id = ?", (begun.run_id, row["command_id"])
        )
    return await _reload(tx, row)


async def _interrupt(rec: Recorder) -> None:
    """End the running turn for the prompt that was just put first (A8: steered)."""
    run, tx = rec.run, rec.tx
    stop = await commands.insert(tx, run.session_id, run.run_id, CommandKind.CANCEL)
    await commands.acknowledge(tx, stop["command_id"], run.run_id)
    await cancel_turn(rec, "another prompt interrupted the turn")
    await sessions.notice(tx, run.session_id)


async def _anew(tx: Tx, session_id: str) -> Row:
    """Return the session with its count of resumes at nought: a person wants it started."""
    await sessions.update(tx, session_id, resume_tries=0)
    return await sessions.load(tx.db, session_id)


def _check_backlog(size: int) -> None:
    if size > spooling.BACKLOG_LIMIT:
        raise QuarterdeckError(
            "agent_not_reading", f"the agent has left {size} bytes of what it was told unread"
        )


async def cancel(ctx: Context, tx: Tx, session_id: str, run_id: str | None) -> Row:
    """End the running turn, or the start; with nothing to end it changes nothing (R8).

    Open questions of the turn are answered `cancelled`, else some agents hang.

    Raises:
        QuarterdeckError: `run_mismatch`, `session_not_running`.
    """
    session = await sessions.load(tx.db, session_id)
    if session["state"] not in (SessionState.CREATED, SessionState.STARTING):
        check_run(session, run_id)
    active = session["active_run_id"]
    row = await commands.insert(tx, session_id, active, CommandKind.CANCEL)
    run = await ctx.current(tx, active)
    if run is None:
        if session["state"] == SessionState.STARTING:
            await _cancel_between_tries(tx, session_id)
        await commands.set_state(tx, row["command_id"], CommandState.COMPLETED, "nothing ran")
        return await _reload(tx, row)
    rec = await Recorder.open(ctx, tx, run)
    if session["state"] == SessionState.STARTING:
        await commands.set_state(
            tx, row["command_id"], CommandState.COMPLETED, "the start was ended"
        )
        await lifecycle.cancel_start(rec)
    elif session["active_command_id"] is None:
        await commands.set_state(tx, row["command_id"], CommandState.COMPLETED, "nothing ran")
    else:
        await commands.acknowledge(tx, row["command_id"], run.run_id)
        await cancel_turn(rec, "the turn was cancelled")
    await rec.flush()
    return await _reload(tx, row)


async def cancel_turn(rec: Recorder, why: str) -> None:
    """Tell the agent to stop the turn, and settle the questions that belong to it."""
    for row in await approvals.pending_of_turn(rec.tx, rec.run.run_id):
        await asking.settle(rec, row, ApprovalState.ABORTED, why)
    await rec.say(rec.driver.cancel())
    await asking.reflect(rec)


async def _cancel_between_tries(tx: Tx, session_id: str) -> None:
    """End a resume that waits for its next try and has no run at the moment."""
    await commands.finish_open(
        tx, session_id, CommandState.CANCELLED, "cancelled", kinds=PROMPT_KINDS
    )
    await sessions.move(tx, session_id, SessionState.CLOSED, source="request")


async def close(ctx: Context, tx: Tx, session_id: str) -> Row:
    """End the session's run on purpose; a session without one is closed at once."""
    session = await sessions.load(tx.db, session_id)
    active = session["active_run_id"]
    row = await commands.insert(tx, session_id, active, CommandKind.CLOSE)
    run = await ctx.current(tx, active)
    if run is not None and run.stopping == "close":
        await commands.acknowledge(tx, row["command_id"], run.run_id)
        tx.after_commit(lambda: lifecycle.ask_to_stop(run))
    elif run is not None and session["state"] == SessionState.STARTING:
        await commands.set_state(tx, row["command_id"], CommandState.COMPLETED, "closed")
        rec = await Recorder.open(ctx, tx, run)
        await lifecycle.cancel_start(rec)
        await rec.flush()
    elif run is not None:
        await commands.acknowledge(tx, row["command_id"], run.run_id)
        rec = await Recorder.open(ctx, tx, run)
        await lifecycle.close(rec, "close")
        await rec.flush()
    else:
        await _close_without_run(tx, session, row)
    return await _reload(tx, row)


async def _close_without_run(tx: Tx, session: Row, row: Row) -> None:
    session_id = session["session_id"]
    await commands.set_state(tx, row["command_id"], CommandState.COMPLETED, "closed")
    await commands.finish_open(tx, session_id, CommandState.CANCELLED, "closed")
    pending = await tx.all(
        "SELECT approval_id FROM approvals WHERE session_id = ? AND state = 'pending'",
        (session_id,),
    )
    for approval in pending:
        await approvals.settle(tx, approval["approval_id"], ApprovalState.ABORTED, "closed")
    if session["active_run_id"] is not None:
        await runs.finish(tx, session["active_run_id"], RunState.CANCELLED, "closed")
    await sessions.move(
        tx,
        session_id,
        SessionState.CLOSED,
        source="request",
        active_run_id=None,
        active_command_id=None,
    )


async def _reload(tx: Tx, row: Row) -> Row:
    found = await tx.one("SELECT * FROM commands WHERE command_id = ?", (row["command_id"],))
    return found or row


async def create(
    ctx: Context,
    tx: Tx,
    new: sessions.NewSession,
    prompt: str,
    bundle: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Create a session, its first run and its first prompt, and start it (R3).

    With a start key the project has seen, the first session's ids are returned (A4).

    Raises:
        QuarterdeckError: `conflict` if the key was used with another payload.
    """
    if new.start_key is not None:
        first = await tx.one(
            "SELECT * FROM sessions WHERE project = ? AND start_key = ?",
            (new.project, new.start_key),
        )
        if first is not None:
            return await _first_ids(tx, first, new)
    await sessions.insert(tx, new)
    session = await sessions.load(tx.db, new.session_id)
    reserved = await runs.insert(
        tx,
        new_id(Prefix.RUN),
        new.session_id,
        "new",
        None if bundle is None else canonical(bundle),
    )
    run = await lifecycle.begin(
        ctx, tx, session, "new", source="request", run_id=reserved["run_id"]
    )
    row = await commands.insert(
        tx,
        new.session_id,
        run.run_id,
        CommandKind.TURN,
        text=prompt,
        payload_sha256=sha256(canonical({"text": prompt})),
    )
    return {
        "session_id": new.session_id,
        "run_id": run.run_id,
        "command_id": row["command_id"],
    }


async def _first_ids(tx: Tx, first: Row, new: sessions.NewSession) -> dict[str, str]:
    if first["start_sha256"] != new.start_sha256:
        raise QuarterdeckError("conflict", f"key {new.start_key!r} was used with another payload")
    row = await tx.one(
        "SELECT c.command_id, r.run_id FROM commands c JOIN runs r ON r.session_id = c.session_id"
        " WHERE c.session_id = ? ORDER BY c.command_no, r.number LIMIT 1",
        (first["session_id"],),
    )
    assert row is not None
    return {
        "session_id": first["session_id"],
        "run_id": row["run_id"],
        "command_id": row["command_id"],
    }


async def start(ctx: Context, tx: Tx, session_id: str) -> str:
    """Start a run for a session that has none, and return its id.

    Raises:
        QuarterdeckError: `session_already_running` for all but one of concurrent starts (R2).
    """
    session = await sessions.load(tx.db, session_id)
    via = "resume" if session["agent_session_id"] else "new"
    run = await lifecycle.begin(ctx, tx, await _anew(tx, session_id), via, source="request")
    return run.run_id


async def finish(ctx: Context, tx: Tx, session_id: str, run_id: str, failure: str | None) -> None:
    """Mark a run finished: only the active one, from starting as well as running (R7).

    Raises:
        QuarterdeckError: `run_mismatch`, `session_not_running`.
    """
    session = await sessions.load(tx.db, session_id)
    if session["active_run_id"] is None:
        raise QuarterdeckError("session_not_running", "the session has no live run")
    if session["active_run_id"] != run_id:
        raise QuarterdeckError(
            "run_mismatch",
            f"the active run is {session['active_run_id']}, not {run_id}",
            active=session["active_run_id"],
            requested=run_id,
        )
    run = ctx.hold(await runs.load(tx.db, run_id), session["cwd"])
    rec = await Recorder.open(ctx, tx, run)
    if failure is None:
        await lifecycle.close(rec, "close")
    else:
        await lifecycle.fail_running(rec, failure)
    await rec.flush()
