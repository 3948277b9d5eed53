"""Calls that carry a session out of the deck and back into it."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from quarterdeck.client.calls import DeckCalls

PIECE_CHARS = 256 * 1024


class TransferCalls(DeckCalls):
    """Export and import."""

    async def export(self, session_id: str) -> AsyncIterator[dict[str, Any]]:
        """Give the records of a session: itself, its commands, its runs with their events, an end.

        What is stored when it begins is exported; each record is a line of JSON Lines.
        """
        cursor: str | None = None
        while True:
            page = await self.call("session.export", session_id=session_id, cursor=cursor)
            for record in page["records"]:
                yield record
            cursor = page["cursor"]
            if cursor is None:
                return

    async def import_session(self, lines: Iterable[str], *, new_id: bool = False) -> dict[str, Any]:
        """Import an exported session; `{"session_id", "runs", "commands", "events"}`.

        Args:
            lines: The text of the JSON Lines export, in pieces of any size.
            new_id: Give it an id of its own; else its old one must be free.

        Raises:
            QuarterdeckError: `import_invalid` naming the line, `import_newer`, `id_taken`; nothing
                was imported.
        """
        token = (await self.call("import.begin"))["token"]
        held: list[str] = []
        size = 0
        for piece in lines:
            for at in range(0, len(piece), PIECE_CHARS):
                held.append(piece[at : at + PIECE_CHARS])
                size += len(held[-1])
                if size >= PIECE_CHARS:
                    await self.call("import.add", token=token, text="".join(held))
                    held, size = [], 0
        await self.call("import.add", token=token, text="".join(held))
        return await self.call("import.commit", token=token, new_id=new_id)
