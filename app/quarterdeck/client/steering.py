"""Calls about what waits for an agent, and about its mode and model (A1, A12)."""

from typing import Any

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.records import CommandView


class SteeringCalls(DeckCalls):
    """What changes the course of a session."""

    async def queue(self, session_id: str) -> list[CommandView]:
        """Return the prompts that wait, the next one first."""
        answer = await self.call("session.queue", session_id=session_id)
        return [CommandView.from_wire(row) for row in answer["commands"]]

    async def command(self, command_id: str) -> CommandView:
        """Return one command."""
        return await self._command("command.get", command_id=command_id)

    async def edit_command(self, command_id: str, text: str) -> CommandView:
        """Change a waiting prompt; an ended one is returned as it is."""
        return await self._command("command.edit", command_id=command_id, text=text)

    async def move_command(self, command_id: str, *, before: str | None = None) -> CommandView:
        """Put a waiting prompt before another one, else last."""
        return await self._command("command.move", command_id=command_id, before=before)

    async def cancel_command(self, command_id: str) -> CommandView:
        """Take a waiting prompt back, or end the turn that it has become."""
        return await self._command("command.cancel", command_id=command_id)

    async def set_mode(
        self, session_id: str, mode: str, *, run_id: str | None = None
    ) -> CommandView:
        """Ask the agent for another mode; the command ends with its answer."""
        return await self._command(
            "session.set_mode", session_id=session_id, mode=mode, run_id=run_id
        )

    async def set_model(
        self, session_id: str, model: str, *, run_id: str | None = None
    ) -> CommandView:
        """Ask the agent for another model; raises `not_supported` if it offers none."""
        return await self._command(
            "session.set_model", session_id=session_id, model=model, run_id=run_id
        )

    async def _command(self, method: str, **params: Any) -> CommandView:
        return CommandView.from_wire(await self.call(method, **params))
