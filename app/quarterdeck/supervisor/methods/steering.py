"""Methods about what waits for an agent, and about its mode and model (A1, A12)."""

from typing import Any

from pydantic import Field

from quarterdeck.store import commands, sessions
from quarterdeck.supervisor import steering
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.methods.starting import check_prompt
from quarterdeck.supervisor.params import PROMPT_LIMIT, OfRun, OfSession, Params, read


class OfCommand(Params):
    """Names a command."""

    command_id: str = Field(min_length=1, max_length=200)


class Edit(OfCommand):
    """What a waiting prompt is to say."""

    text: str = Field(max_length=PROMPT_LIMIT)


class Move(OfCommand):
    """Where a waiting prompt is to stand: before another one, else last."""

    before: str | None = Field(default=None, min_length=1, max_length=200)


class SetMode(OfRun):
    """One of the agent's modes."""

    mode: str = Field(min_length=1, max_length=200)


class SetModel(OfRun):
    """One of the agent's models."""

    model: str = Field(min_length=1, max_length=200)


async def queue(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The prompts that wait, the next one first."""
    session_id = await api.session_id(read(OfSession, given).session_id)
    found = await commands.queue_view(api.db, session_id)
    return {"commands": [view.to_wire() for view in found]}


async def command_get(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """One command."""
    command_id = await _command_id(api, read(OfCommand, given).command_id)
    return commands.to_view(await commands.load(api.db, command_id)).to_wire()


async def edit(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Change a waiting prompt."""
    asked = read(Edit, given)
    check_prompt(asked.text)
    command_id = await _command_id(api, asked.command_id)
    row = await api.ctx.store.write(lambda tx: steering.edit(tx, command_id, asked.text))
    return commands.to_view(row).to_wire()


async def move(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Put a waiting prompt elsewhere in its queue."""
    asked = read(Move, given)
    command_id = await _command_id(api, asked.command_id)
    before = None if asked.before is None else await _command_id(api, asked.before)
    row = await api.ctx.store.write(lambda tx: steering.move(tx, command_id, before))
    return commands.to_view(row).to_wire()


async def cancel(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Take a waiting prompt back, or end the turn it has become; A12."""
    command_id = await _command_id(api, read(OfCommand, given).command_id)
    row = await api.ctx.store.write(lambda tx: steering.take_back(api.ctx, tx, command_id))
    return commands.to_view(row).to_wire()


async def set_mode(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Ask the agent for another mode."""
    asked = read(SetMode, given)
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    row = await api.ctx.store.write(
        lambda tx: steering.set_mode(api.ctx, tx, session_id, asked.mode, run_id)
    )
    return commands.to_view(row).to_wire()


async def set_model(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Ask the agent for another model."""
    asked = read(SetModel, given)
    session_id = await api.session_id(asked.session_id)
    run_id = await api.run_id(session_id, asked.run_id)
    row = await api.ctx.store.write(
        lambda tx: steering.set_model(api.ctx, tx, session_id, asked.model, run_id)
    )
    return commands.to_view(row).to_wire()


async def _command_id(api: Api, given: str) -> str:
    return await sessions.resolve(api.db, "commands", "command_id", given)


METHODS: dict[str, Method] = {
    "session.queue": queue,
    "session.set_mode": set_mode,
    "session.set_model": set_model,
    "command.get": command_get,
    "command.edit": edit,
    "command.move": move,
    "command.cancel": cancel,
}
