"""Steering: the queue of prompts edited, and modes and models set while a session is open (A1)."""

from collections.abc import Callable

from quarterdeck.agents.acp.facts import Fact
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.states import (
    LIVE_SESSION_STATES,
    PROMPT_KINDS,
    CommandKind,
    CommandState,
)
from quarterdeck.store import commands, sessions
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import turns
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder


async def edit(tx: Tx, command_id: str, text: str) -> Row:
    """Change a waiting prompt; an ended one is returned as it is (A1).

    Raises:
        QuarterdeckError: `not_queued` once it was handed to the agent.
    """
    row = await commands.load(tx.db, command_id)
    if commands.is_queued(row):
        await commands.set_text(tx, command_id, text)
        await sessions.notice_quietly(tx, row["session_id"])
    return await commands.load(tx.db, command_id)


async def move(tx: Tx, command_id: str, before: str | None) -> Row:
    """Put a waiting prompt before another one, or last; an ended one is returned as it is (A1).

    Raises:
        QuarterdeckError: `not_queued` for either of them.
    """
    row = await commands.load(tx.db, command_id)
    if commands.is_queued(row):
        await commands.move_before(tx, row, before)
        await sessions.notice_quietly(tx, row["session_id"])
    return await commands.load(tx.db, command_id)


async def take_back(ctx: Context, tx: Tx, command_id: str) -> Row:
    """Cancel one command: a waiting prompt is taken back, a running turn ended (A12).

    The run stays open and its agent alive. An ended command is returned as it is (A1).

    Raises:
        QuarterdeckError: `not_queued` for a command that is under way and is no prompt.
    """
    row = await commands.load(tx.db, command_id)
    session = await sessions.load(tx.db, row["session_id"])
    handed_over = row["state"] == CommandState.ACKNOWLEDGED and row["kind"] in PROMPT_KINDS
    if handed_over and session["active_command_id"] == command_id:
        await turns.cancel(ctx, tx, row["session_id"], None)
    elif commands.is_queued(row):
        await commands.set_state(tx, command_id, CommandState.CANCELLED, "taken back")
        await sessions.notice_quietly(tx, row["session_id"])
    return await commands.load(tx.db, command_id)


async def set_mode(ctx: Context, tx: Tx, session_id: str, mode: str, run_id: str | None) -> Row:
    """Ask the agent for another mode; the command ends with its answer."""
    return await _ask(
        ctx, tx, session_id, CommandKind.SET_MODE, mode, run_id, lambda rec: rec.driver.set_mode
    )


async def set_model(ctx: Context, tx: Tx, session_id: str, model: str, run_id: str | None) -> Row:
    """Ask the agent for another model.

    Raises:
        QuarterdeckError: `not_supported` if it has no way to choose one.
    """
    return await _ask(
        ctx, tx, session_id, CommandKind.SET_MODEL, model, run_id, lambda rec: rec.driver.set_model
    )


async def _ask(
    ctx: Context,
    tx: Tx,
    session_id: str,
    kind: CommandKind,
    value: str,
    run_id: str | None,
    setter: Callable[[Recorder], Callable[[str, str], list[Fact]]],
) -> Row:
    session = await sessions.load(tx.db, session_id)
    turns.check_run(session, run_id)
    run = await ctx.current(tx, session["active_run_id"])
    if run is None or session["state"] not in LIVE_SESSION_STATES:
        raise QuarterdeckError("session_not_running", f"session {session_id} has no agent to ask")
    if run.stopping is not None or run.keeper_gone:
        raise QuarterdeckError("command_channel_closed", "the run is being ended")
    row = await commands.insert(tx, session_id, run.run_id, kind, text=value)
    rec = await Recorder.open(ctx, tx, run)
    try:
        facts = setter(rec)(value, row["command_id"])
    except ValueError as error:
        raise QuarterdeckError("not_supported", str(error)) from error
    await rec.say(facts)
    await commands.acknowledge(tx, row["command_id"], run.run_id)
    await rec.flush()
    return await commands.load(tx.db, row["command_id"])
