"""Calls about what the supervisor's start found."""

from typing import Any

from quarterdeck.client.calls import DeckCalls


class RecoveryCalls(DeckCalls):
    """Reading recovery reports, and taking them off the screen."""

    async def recovery(self) -> dict[str, Any]:
        """Return `{"report", "open"}`: this start's, and those this reader has not dismissed."""
        return await self.call("recovery.get")

    async def dismiss_recovery(self, report_id: str) -> int:
        """Dismiss a report and those before it for this reader; return how many were open.

        Raises:
            QuarterdeckError: `unknown_report`.
        """
        return (await self.call("recovery.dismiss", report_id=report_id))["dismissed"]
