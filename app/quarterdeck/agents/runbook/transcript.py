"""What a session tells its client, remembered so that a later process can tell it again."""

import uuid
from collections.abc import AsyncIterator, Sequence

from acp import (
    plan_entry,
    start_tool_call,
    text_block,
    tool_content,
    tool_diff_content,
    update_agent_message_text,
    update_plan,
    update_tool_call,
    update_user_message_text,
)
from acp.helpers import ToolCallContentVariant
from acp.interfaces import Client
from acp.schema import PlanEntry, ToolCallLocation, ToolCallStart, ToolCallStatus

from quarterdeck.agents.runbook.definition import Step
from quarterdeck.agents.runbook.progress import Called, Progress, Spoken, StepProgress, StepState
from quarterdeck.agents.runbook.steps import Action, Outcome

KEPT_CHARACTERS = 20_000

_PLAN_NOTES = {
    StepState.FAILED: " (failed)",
    StepState.DENIED: " (denied)",
    StepState.SKIPPED: " (skipped)",
    StepState.INTERRUPTED: " (interrupted)",
}


class Transcript:
    """Sends updates of one session and keeps what is worth replaying in its progress."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self._client = client
        self._progress = progress

    def hear(self, text: str) -> None:
        """Remember what the user said; the client knows it already."""
        self._progress.history.append(Spoken(kind="user", text=clipped(text)))

    async def say(self, text: str) -> None:
        """Send one message, and remember it."""
        self._progress.history.append(Spoken(kind="agent", text=clipped(text)))
        await self._chunk(text, _message_id())

    async def stream(self, pieces: AsyncIterator[str]) -> None:
        """Send one message in pieces, and remember as much of it as was sent."""
        spoken = Spoken(kind="agent", text="")
        self._progress.history.append(spoken)
        message_id, said = _message_id(), list[str]()
        try:
            async for piece in pieces:
                said.append(piece)
                await self._chunk(piece, message_id)
        finally:
            spoken.text = clipped("".join(said))

    async def open_call(self, step: Step, action: Action | None) -> ToolCallStart:
        """Announce a tool call for a step; without an action it is about to be failed."""
        change = action.change if action else None
        call = start_tool_call(
            f"call_{uuid.uuid4().hex[:16]}",
            step.name,
            kind=action.kind if action else "other",
            status="pending",
            content=diff_of(action),
            locations=[ToolCallLocation(path=str(change.path))] if change else None,
            raw_input=action.raw_input if action else None,
        )
        # A copy goes out, since what is kept goes on changing.
        self._progress.history.append(Called(call=call))
        await self._send(call.model_copy())
        return call

    async def start_call(self, call: ToolCallStart) -> None:
        """Say that a tool call's work begins."""
        call.status = "in_progress"
        await self._send(update_tool_call(call.tool_call_id, status="in_progress"))

    def settle_call(self, call: ToolCallStart, action: Action | None, outcome: Outcome) -> None:
        """Remember how a tool call ended, its output shortened."""
        call.status = _status(outcome)
        call.raw_output = outcome.raw or None
        call.content = _result(action, outcome, clipped(outcome.output)) or None

    async def close_call(
        self, call: ToolCallStart, action: Action | None, outcome: Outcome
    ) -> None:
        """Say how a tool call ended."""
        await self._send(
            update_tool_call(
                call.tool_call_id,
                status=_status(outcome),
                content=_result(action, outcome, outcome.output) or None,
                raw_output=outcome.raw or None,
            )
        )

    async def plan(self, steps: Sequence[Step]) -> None:
        """Send the plan as it stands."""
        pairs = zip(steps, self._progress.steps, strict=True)
        await self._send(update_plan([_entry(step, progress) for step, progress in pairs]))

    async def replay(self, steps: Sequence[Step]) -> None:
        """Send everything again, tool calls in their final form, and the plan at the end."""
        for entry in list(self._progress.history):
            if isinstance(entry, Called):
                await self._send(entry.call)
            elif entry.kind == "user":
                await self._send(update_user_message_text(entry.text))
            elif entry.text:
                await self._chunk(entry.text, _message_id())
        if steps:
            await self.plan(steps)

    async def _chunk(self, text: str, message_id: str) -> None:
        update = update_agent_message_text(text)
        update.message_id = message_id
        await self._send(update)

    async def _send(self, update) -> None:
        await self._client.session_update(session_id=self._progress.session_id, update=update)


def clipped(text: str) -> str:
    """Shorten a text to its first and last part for the progress file."""
    if len(text) <= KEPT_CHARACTERS:
        return text
    half = KEPT_CHARACTERS // 2
    missing = len(text) - 2 * half
    return f"{text[:half]}\n[… {missing} characters left out …]\n{text[-half:]}"


def diff_of(action: Action | None) -> list[ToolCallContentVariant] | None:
    """Return an action's change to a file as tool call content."""
    if action is None or action.change is None:
        return None
    change = action.change
    return [tool_diff_content(str(change.path), change.new, change.old)]


def _result(action: Action | None, outcome: Outcome, output: str) -> list[ToolCallContentVariant]:
    content = diff_of(action) or []
    for text in (output, outcome.reason):
        if text:
            content.append(tool_content(text_block(text)))
    return content


def _status(outcome: Outcome) -> ToolCallStatus:
    return "completed" if outcome.reason is None else "failed"


def _entry(step: Step, progress: StepProgress) -> PlanEntry:
    name = step.name + _PLAN_NOTES.get(progress.state, "")
    if progress.state is StepState.RUNNING:
        return plan_entry(name, status="in_progress")
    if progress.state is StepState.DONE or progress.is_settled(step):
        return plan_entry(name, status="completed")
    return plan_entry(name, status="pending")


def _message_id() -> str:
    return f"msg_{uuid.uuid4().hex[:16]}"
