"""Calls for whoever writes a prompt: drafts, and what the session's agent takes and offers."""

from dataclasses import dataclass
from typing import Any

from quarterdeck.client.calls import DeckCalls


@dataclass(frozen=True, slots=True)
class Offers:
    """What a session's agent offers for a prompt."""

    commands: tuple[tuple[str, str], ...]
    """Its slash commands, without the slash, each with its description."""
    images: bool
    """Whether it takes images; False if that is not known yet."""


class PromptingCalls(DeckCalls):
    """Drafts per reader, and the agent's own commands."""

    async def draft(self, session_id: str) -> str:
        """Return what this reader has begun to write to a session, here or elsewhere."""
        return (await self.call("draft.get", session_id=session_id))["text"]

    async def save_draft(self, session_id: str, text: str) -> None:
        """Keep what this reader has begun to write; empty text forgets it."""
        await self.call("draft.set", session_id=session_id, text=text)

    async def offers(self, session_id: str) -> Offers:
        """Return what the session's agent offers for a prompt."""
        answer: dict[str, Any] = await self.call("session.offers", session_id=session_id)
        commands = tuple(
            (str(told.get("name") or ""), str(told.get("description") or ""))
            for told in answer["commands"]
            if isinstance(told, dict)
        )
        return Offers(commands, bool(answer["images"]))
