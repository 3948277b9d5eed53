"""Messages written into a session's conversation without asking its agent anything (C2)."""

from typing import Any, Literal

from pydantic import Field

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.states import SessionState
from quarterdeck.store import checkpoints, runs, sessions, threads
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import turns
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.methods.starting import check_prompt
from quarterdeck.supervisor.params import PROMPT_LIMIT, OfRun, read
from quarterdeck.supervisor.recorder import record_on

_TYPES = {"user": EventType.USER_MESSAGE, "assistant": EventType.ASSISTANT_MESSAGE}


class MessageAppend(OfRun):
    """A message, who is to have said it, and which item of a conversation it is."""

    role: Literal["user", "assistant"]
    text: str = Field(min_length=1, max_length=PROMPT_LIMIT)
    item: str | None = Field(default=None, min_length=1, max_length=200)


async def message_append(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Write a message into the live run's trace; `latest` then stands at it (C2).

    The agent is not told: it is for what was said elsewhere. A fork's history has it.
    """
    asked = read(MessageAppend, given)
    check_prompt(asked.text)
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    return await api.ctx.store.write(lambda tx: _append(api, caller, tx, session_id, run_id, asked))


async def _append(
    api: Api, caller: Caller, tx: Tx, session_id: str, run_id: str | None, asked: MessageAppend
) -> dict[str, Any]:
    session = await sessions.load(tx.db, session_id)
    threads.check_not_deleted(session)
    rec = await record_on(api.ctx, tx, await _live_run(tx, session, run_id), session["cwd"])
    told = {"text": asked.text, "role": asked.role, "appended_by": caller.reader}
    if asked.item is not None:
        told["item"] = asked.item
    if asked.role == "assistant":
        # Else it would be taken for one more piece of what the agent is saying.
        told["message_id"] = f"appended-{rec.run.last_seq + 1}"
    rec.event(_TYPES[asked.role], told)
    await rec.flush()
    await sessions.notice(tx, session_id)
    saved = await checkpoints.save(
        tx, session_id, checkpoints.LATEST, rec.run.run_id, rec.run.last_seq
    )
    return saved.to_wire()


async def _live_run(tx: Tx, session: Row, run_id: str | None) -> Row:
    """Return the row of the run that is live; what has ended never changes again (A1, R6)."""
    active = session["active_run_id"]
    turns.check_run(session, run_id or active)
    if active is None:
        raise QuarterdeckError("session_not_running", "the session has no live run")
    if session["state"] == SessionState.UNKNOWN:
        raise QuarterdeckError("command_channel_closed", "it is not known whether its agent lives")
    return await runs.load(tx.db, active)


METHODS: dict[str, Method] = {"message.append": message_append}
"""Methods about messages."""
