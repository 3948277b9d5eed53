"""What an agent said becomes rows: every fact of the driver, within the ingesting transaction."""

from collections.abc import Iterable
from typing import Any

from quarterdeck.agents.acp.facts import (
    Event,
    Fact,
    FileAsked,
    FormAsked,
    PermissionAsked,
    PermissionWithdrawn,
    Ready,
    Send,
    SessionInfo,
    SettingAnswered,
    StartFailed,
    TerminalAsked,
    TurnEnded,
)
from quarterdeck.model.canonical import canonical
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import CommandKind, CommandState, RunState, SessionState
from quarterdeck.store import checkpoints, commands, forks, runs, sessions
from quarterdeck.supervisor import asking, file_asking, glance, lifecycle, spending, turns
from quarterdeck.supervisor.forgetting import forget_exact
from quarterdeck.supervisor.recorder import Recorder

COMMANDS_MOST = 500
"""Slash commands kept of those an agent offers."""


async def apply_all(rec: Recorder, facts: Iterable[Fact]) -> None:
    """Apply facts in order."""
    for fact in facts:
        await apply(rec, fact)


async def apply(rec: Recorder, fact: Fact) -> None:
    """Apply one fact."""
    match fact:
        case Event():
            rec.event(fact.type, fact.payload)
            if fact.type is EventType.PLAN:
                await glance.planned(rec, fact.payload)
        case Send():
            await rec.send(fact)
        case Ready():
            await _ready(rec, fact)
        case StartFailed():
            await lifecycle.fail_start(
                rec, fact.reason, recoverable=fact.recoverable, source="event"
            )
        case TurnEnded():
            await _turn_ended(rec, fact)
        case SettingAnswered():
            await _setting_answered(rec, fact)
        case PermissionAsked():
            await asking.permission(rec, fact)
        case FormAsked():
            await asking.form(rec, fact)
        case PermissionWithdrawn():
            await asking.withdrawn(rec, fact)
        case FileAsked():
            await file_asking.file(rec, fact)
        case TerminalAsked():
            await asking.terminal(rec, fact)
        case SessionInfo():
            await _session_info(rec, fact)


async def _ready(rec: Recorder, fact: Ready) -> None:
    """The handshake is over: R3's `running`, unless something newer happened (R5)."""
    run, tx = rec.run, rec.tx
    moved = await sessions.move(
        tx,
        run.session_id,
        SessionState.IDLE,
        source="event",
        run_id=run.run_id,
        agent_session_id=fact.agent_session_id,
        failure=None,
        failure_kind=None,
    )
    if not moved:
        return
    if fact.via == "fork":
        await forks.mark_told(tx, run.session_id)
    info = canonical(rec.redactor.redact_value(fact.info))
    await runs.update(tx, run.run_id, state=RunState.RUNNING.value, agent_info=info)
    rec.event(
        EventType.SESSION_STARTED,
        {"via": fact.via, "agent_session_id": fact.agent_session_id, **fact.info},
    )
    tx.after_commit(lambda: run.handshake_over(None))
    await turns.next_turn(rec)


async def _turn_ended(rec: Recorder, fact: TurnEnded) -> None:
    """The answer to session/prompt: end the command, then hand over the next one."""
    run, tx = rec.run, rec.tx
    await spending.tokens_told(rec, fact.usage)
    cancels = await commands.finish_open(
        tx,
        run.session_id,
        CommandState.COMPLETED,
        "the turn ended",
        kinds=(CommandKind.CANCEL,),
    )
    if fact.error is not None:
        state, why = CommandState.FAILED, fact.error
    elif fact.stop_reason == "refusal":
        state, why = CommandState.FAILED, "blocked: the agent refused to go on"
    elif fact.stop_reason == "cancelled" and cancels:
        state, why = CommandState.CANCELLED, "cancelled"
    else:
        state, why = CommandState.COMPLETED, fact.stop_reason
    if fact.command_id is not None:
        await commands.set_state(tx, fact.command_id, state, _hidden(rec, why))
    await asking.supersede_open(rec, "the turn ended")
    fields: dict[str, Any] = {
        "execution_state": "terminal",
        "active_command_id": None,
        "terminal_status": "error" if fact.error is not None else fact.stop_reason,
        "resume_tries": 0,
    }
    await sessions.move(
        tx, run.session_id, SessionState.IDLE, source="event", run_id=run.run_id, **fields
    )
    await asking.reflect(rec)
    await checkpoints.save(tx, run.session_id, checkpoints.LATEST, run.run_id, run.last_seq)
    await forget_exact(rec)
    glance.turn_over(rec)
    await turns.next_turn(rec)
    tx.after_commit(rec.ctx.turn_over)


async def _setting_answered(rec: Recorder, fact: SettingAnswered) -> None:
    """The answer to a mode or model that a command asked for."""
    state = CommandState.COMPLETED if fact.error is None else CommandState.FAILED
    await commands.set_state(rec.tx, fact.command_id, state, _hidden(rec, fact.error))


def _hidden(rec: Recorder, text: str | None) -> str | None:
    """Return what the agent said, without secrets (A2)."""
    return None if text is None else rec.redactor.redact(text)


async def _session_info(rec: Recorder, fact: SessionInfo) -> None:
    fields: dict[str, Any] = {}
    if fact.usage is not None:
        fields["usage"] = canonical(rec.redactor.redact_value(fact.usage))
        await spending.cost_told(rec, fact.usage)
    if fact.mode is not None:
        fields["mode"] = rec.redactor.redact(fact.mode)
    if fact.model is not None:
        fields["model"] = rec.redactor.redact(fact.model)
    if fact.commands is not None:
        shown = rec.redactor.redact_value(fact.commands[:COMMANDS_MOST])
        fields["agent_commands"] = canonical(shown)
    if fields:
        await sessions.update(rec.tx, rec.run.session_id, **fields)
