"""Calls about the store itself."""

from typing import Any

from quarterdeck.client.calls import DeckCalls


class StoreCalls(DeckCalls):
    """Looking after the store."""

    async def store_stats(self) -> dict[str, Any]:
        """Return sizes, row counts, journals, the retention wanted and what it last trimmed."""
        return await self.call("store.stats")

    async def store_check(self) -> dict[str, Any]:
        """Return `{"ok", "problems"}`: SQLite's own checks and the store's invariants."""
        return await self.call("store.check")

    async def store_backup(self, path: str) -> dict[str, Any]:
        """Copy the store to a new file on the supervisor's machine; `{"path", "bytes"}`.

        Raises:
            QuarterdeckError: `backup_failed`.
        """
        return await self.call("store.backup", path=path)

    async def store_vacuum(self) -> dict[str, Any]:
        """Give unused space back; `{"bytes_before", "bytes"}`."""
        return await self.call("store.vacuum")
