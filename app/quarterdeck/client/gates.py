"""Calls about gates: approvals that whoever drives a run asks for by name (D9)."""

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.records import ApprovalView


class GateCalls(DeckCalls):
    """Asking for a gate, and looking what came of it; decided it is like every approval."""

    async def ask_gate(
        self, run_id: str, gate: str, *, stage: str, text: str, round: int = 1, title: str = ""
    ) -> ApprovalView:
        """Put a gate to a person; the same again returns the first one.

        Raises:
            QuarterdeckError: `conflict` if the key was used with another text, or a later round
                was asked; `run_ended`, `unknown_run`.
        """
        return ApprovalView.from_wire(
            await self.call(
                "gate.ask",
                run_id=run_id,
                gate=gate,
                stage=stage,
                round=round,
                title=title,
                text=text,
            )
        )

    async def gate(
        self, run_id: str, gate: str, *, stage: str, round: int = 1
    ) -> tuple[ApprovalView | None, bool]:
        """Return a gate's approval, and whether its decision brought about all that it has to."""
        told = await self.call("gate.get", run_id=run_id, gate=gate, stage=stage, round=round)
        found = told["approval"]
        return None if found is None else ApprovalView.from_wire(found), told["settled"]
